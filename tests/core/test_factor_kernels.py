"""The moments of the factor model against their NumPy twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble import _core, _reference

DTYPES = (np.float32, np.float64)
# n below, at and beyond a group of lanes and a tile; the last moments are too large for a copy per slot
SHAPES = ((1, 1, 1), (3, 2, 7), (5, 3, 64), (7, 4, 129), (15, 20, 300), (2, 3, 2000), (150, 50, 60))
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-11}


def random_model(rng, m, d, n, dtype=np.float64, missing=0.2):
    """X, mean and noise of a factor model, and predictions."""
    R = rng.random((m, n)).astype(dtype)
    R[rng.random((m, n)) < missing] = np.nan
    return 0.3 * rng.standard_normal((d, m)), rng.random(m), 0.01 + 0.1 * rng.random(m), R


def assert_close(actual, expected, dtype):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * max(1, np.abs(e).max()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_factor_moments_equal_their_twin(shape, missing, dtype):
    model = random_model(np.random.default_rng(0), *shape, dtype, missing)
    assert_close(_core.factor_moments(*model, 2), _reference.factor_moments(*model), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_weighted_factor_moments_equal_their_twin(shape, dtype):
    rng = np.random.default_rng(5)
    model, weight = random_model(rng, *shape, dtype), rng.choice([0, 0.5, 1, 3], shape[-1])
    assert_close(_core.factor_moments(*model, 2, weight), _reference.factor_moments(*model, 1, weight), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_classifier_without_noise_is_left_out(dtype):
    X, mean, noise, R = random_model(np.random.default_rng(1), 6, 2, 200, dtype)
    noise[2] = 0
    gram, rhs, log_likelihood = _core.factor_moments(X, mean, noise, R, 1)
    assert_close((gram, rhs, log_likelihood), _reference.factor_moments(X, mean, noise, R), dtype)
    assert not gram[2].any()
    assert not rhs[2].any()
    rest = np.arange(6) != 2
    alone = _core.factor_moments(X[:, rest], mean[rest], noise[rest], R[rest], 1)
    assert_close((gram[np.append(rest, True)], rhs[rest], log_likelihood), alone, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["fortran", "strided", "read-only"])
def test_predictions_may_lie_in_any_layout(layout, dtype):
    X, mean, noise, R = random_model(np.random.default_rng(2), 9, 3, 500, dtype)
    if layout == "fortran":
        other = np.asfortranarray(R)
    elif layout == "strided":
        other = np.repeat(np.repeat(R, 2, axis=0), 3, axis=1)[::2, ::3]
    else:
        other = R.copy()
        other.flags.writeable = False
    for a, b in zip(
        _core.factor_moments(X, mean, noise, other, 2), _core.factor_moments(X, mean, noise, R, 1), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 3, 6000), (150, 50, 1500)], ids=["slots", "blocks"])
def test_moments_are_bitwise_equal_for_any_number_of_threads(shape, dtype):
    model = random_model(np.random.default_rng(3), *shape, dtype)
    serial = _core.factor_moments(*model, 1)
    for n_threads in range(2, 9):
        for a, b in zip(serial, _core.factor_moments(*model, n_threads), strict=True):
            np.testing.assert_array_equal(a, b)


@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 12),
    d=st.integers(1, 14),
    n=st.integers(1, 40),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_moments_equal_their_twin_for_any_shape(seed, m, d, n, missing):
    model = random_model(np.random.default_rng(seed), m, d, n, missing=missing)
    assert_close(_core.factor_moments(*model, 1), _reference.factor_moments(*model), np.float64)


def test_noise_too_small_for_the_precision_is_worked_out_instance_by_instance():
    """Factors that nearly coincide, of next to no noise: the unit matrix is lost beside them in float32."""
    rng = np.random.default_rng(4)
    X, mean, _, R = random_model(rng, 6, 3, 50)
    X = X[:, :1] + 1e-4 * X
    noise = np.full(6, 1e-8)
    Y = rng.standard_normal((3, 50))
    R = np.where(np.isnan(R), np.nan, mean[:, None] + X.T @ Y).astype(np.float32)
    gram, rhs, log_likelihood = _core.factor_moments(X, mean, noise, R, 2)
    expected = _reference.factor_moments(X, mean, noise, R)
    np.testing.assert_allclose(gram, expected[0], atol=1e-3 * np.abs(expected[0]).max())
    np.testing.assert_allclose(rhs, expected[1], atol=1e-3 * np.abs(expected[1]).max())
    assert log_likelihood == pytest.approx(expected[2], rel=0.02)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"R": np.zeros(3)}, ValueError, r"R must be 2-dimensional, got shape \(3,\)"),
        ({"R": np.zeros((4, 6), np.int64)}, TypeError, "R must have dtype float32 or float64, got int64"),
        ({"R": np.full((4, 6), np.inf)}, ValueError, r"R\[0, 0\] is inf.*must be finite"),
        ({"X": np.zeros((2, 5))}, ValueError, r"X must have shape \(2, 4\), got \(2, 5\)"),
        ({"X": np.zeros((2, 4), np.float32)}, TypeError, "X must have dtype float64"),
        ({"X": np.ones((0, 4))}, ValueError, "the latent dimension must be at least 1"),
        ({"mean": np.zeros(3)}, ValueError, r"mean must have shape \(4,\), got \(3,\)"),
        ({"noise": np.zeros((4, 1))}, ValueError, r"noise must have shape \(4,\), got \(4, 1\)"),
        ({"noise": np.array([1, 1, -1.0, 1])}, ValueError, "noise must be finite and at least 0"),
        ({"noise": np.array([1, 1, np.nan, 1])}, ValueError, "noise must be finite and at least 0"),
        ({"sample_weight": np.ones(5)}, ValueError, r"sample_weight must have shape \(6,\), got \(5,\)"),
        ({"sample_weight": np.ones(6, int)}, TypeError, "sample_weight must be a contiguous float64 array"),
        ({"sample_weight": np.array([1, 0, 1, -1.0, 1, 1])}, ValueError, r"sample_weight\[3\] is -1.0.*at least 0"),
        ({"n_threads": 0}, ValueError, r"n_threads must be in \[1, 1024\], got 0"),
    ],
)
def test_bad_input_is_named(change, error, message):
    good = {"X": np.ones((2, 4)), "mean": np.zeros(4), "noise": np.ones(4), "R": np.ones((4, 6)), "n_threads": 1}
    with pytest.raises(error, match=message):
        _core.factor_moments(**(good | change))
