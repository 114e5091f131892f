import numpy as np
import pytest

from cfensemble.data.log_odds import log_odds, log_odds_matrix


def test_log_odds_are_clipped():
    np.testing.assert_allclose(log_odds(np.array([0.0, 0.5, 1.0])), [-np.log(999), 0, np.log(999)], atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_keeps_its_precision_and_its_gaps(dtype):
    R = np.random.default_rng(0).random((3, 70_000)).astype(dtype)
    R[1, ::3] = np.nan
    Z = log_odds_matrix(R)
    assert Z.dtype == dtype
    np.testing.assert_array_equal(Z, log_odds(R).astype(dtype))
    np.testing.assert_array_equal(np.isnan(Z), np.isnan(R))
