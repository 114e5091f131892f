"""Starting points in either precision."""

import numpy as np

from cfensemble.optimization.starts import random_factors, spectral_factors


def test_random_factors_are_the_same_in_either_precision_and_of_length_1_on_average():
    double = random_factors(np.random.default_rng(0), 5, 10_000)
    single = random_factors(np.random.default_rng(0), 5, 10_000, np.float32)
    assert double.dtype == np.float64
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))
    assert abs(np.mean(np.sum(double**2, axis=0)) - 1) < 0.05


def test_spectral_factors_have_the_precision_of_the_predictions():
    R = np.random.default_rng(0).random((6, 500)).astype(np.float32)
    single, double = spectral_factors(R, 4), spectral_factors(R.astype(np.float64), 4)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))
