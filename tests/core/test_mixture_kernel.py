"""The combiner's prediction against its NumPy twin."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble import _core, _reference

DTYPES = (np.float32, np.float64)
# n below, at and beyond a group of lanes and a tile; more aggregators and classifiers than a panel holds
SHAPES = ((1, 1, 1), (3, 2, 7), (5, 3, 64), (7, 3, 129), (15, 3, 300), (2, 1, 500), (40, 3, 50), (4, 6, 50))


def random_mixture(rng, m, d, n_knots=30, n_aggregators=14):
    """What a `Mixture` is made of."""
    curves = []
    for _ in range(m):
        x = np.unique(rng.random(n_knots) ** rng.choice([1, 4]))
        curves.append((x, np.sort(rng.random(len(x)))))
    shares = rng.dirichlet(np.ones(n_aggregators))
    parts = np.array_split(shares, np.sort(rng.integers(0, n_aggregators + 1, 2)))
    aggregators = [(rng.normal(0, 1, (len(share), m + 1)), share) for share in parts]
    return {
        "X": 0.3 * rng.standard_normal((d, m)),
        "mean": rng.random(m),
        "noise": 0.01 + 0.1 * rng.random(m),
        "curves": curves,
        "aggregators": aggregators,
        "clip": 1e-3,
        "base_rate": 0.3,
    }


def random_predictions(rng, m, n, missing=0.2, dtype=np.float64):
    R = rng.random((m, n)).astype(dtype)
    R[rng.random((m, n)) < 0.05] = rng.choice([0, 1])
    R[rng.random((m, n)) < missing] = np.nan
    return R


def assert_equals_twin(model, R, n_threads=1):
    p = _core.Mixture(**model).predict(R, n_threads)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p, _reference.Mixture(**model).predict(R), rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("shape", SHAPES)
def test_predictions_equal_their_twin(shape, missing, dtype):
    rng, (m, d, n) = np.random.default_rng(0), shape
    assert_equals_twin(random_mixture(rng, m, d), random_predictions(rng, m, n, missing, dtype), 2)


@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 20),
    d=st.integers(1, 5),
    n=st.integers(1, 40),
    n_knots=st.sampled_from([1, 2, 5, 100, 3000]),
    n_aggregators=st.integers(1, 40),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_predictions_equal_their_twin_for_any_shape(seed, m, d, n, n_knots, n_aggregators, missing):
    rng = np.random.default_rng(seed)
    assert_equals_twin(random_mixture(rng, m, d, n_knots, n_aggregators), random_predictions(rng, m, n, missing))


def test_curves_are_interpolated_as_numpy_does_it():
    """At knots, beside them, beyond them, and where thousands of them crowd."""
    rng = np.random.default_rng(1)
    crowds = [1e-7 * rng.random(2000), 1 - 1e-6 * rng.random(2000), 0.3 + 1e-9 * rng.random(2000), rng.random(50)]
    for x in [np.unique(np.concatenate(crowds)), np.array([0.4]), np.array([0.0, 1.0]), np.array([0.0, 5e-324, 0.5])]:
        y = np.cumsum(rng.random(len(x)))
        y /= y[-1]
        beside = np.concatenate([x, np.nextafter(x, -1), np.nextafter(x, 2), rng.random(5000), [0, 0.5, 1]])
        R = np.clip(beside, 0, 1)[None]
        model = random_mixture(rng, 1, 1) | {"curves": [(x, y)], "clip": 1e-9}
        nothing = (np.empty((0, 2)), np.empty(0))
        model["aggregators"] = [nothing, (np.array([[1.0, 0.0]]), np.ones(1)), nothing]
        p = _core.Mixture(**model).predict(R, 1)
        expected = np.clip(np.interp(R[0], x, y), 1e-9, 1 - 1e-9)
        np.testing.assert_allclose(p, expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_classifier_without_noise_is_a_constant_that_tells_nothing(dtype):
    rng = np.random.default_rng(2)
    model = random_mixture(rng, 6, 2)
    model["noise"][2] = 0
    R = random_predictions(rng, 6, 200, dtype=dtype)
    R[2, ::2] = 0.0
    assert_equals_twin(model, R)
    model["noise"][:] = 0
    assert_equals_twin(model, R)


def test_an_instance_without_predictions_gets_the_base_rate():
    rng = np.random.default_rng(3)
    model = random_mixture(rng, 4, 2)
    R = random_predictions(rng, 4, 100, missing=0)
    R[:, 17] = np.nan
    p = _core.Mixture(**model).predict(R, 1)
    assert p[17] == 0.3
    assert (p[:17] != 0.3).all()


def test_noise_too_small_for_the_precision_is_worked_out_instance_by_instance():
    rng = np.random.default_rng(4)
    model = random_mixture(rng, 6, 3)
    model["X"][1:] = model["X"][0] * (1 + 1e-9 * rng.standard_normal((2, 6)))
    model["noise"][:] = 1e-18
    p = _core.Mixture(**model).predict(random_predictions(rng, 6, 50), 1)
    assert np.isfinite(p).all()


def test_extreme_weights_saturate():
    rng = np.random.default_rng(5)
    model = random_mixture(rng, 3, 1)
    for theta, _ in model["aggregators"]:
        theta *= 1e6
    p = _core.Mixture(**model).predict(random_predictions(rng, 3, 400), 1)
    assert ((p >= 0) & (p <= 1)).all()
    assert_equals_twin(model, random_predictions(rng, 3, 400))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "read-only"])
def test_predictions_may_lie_in_any_layout(layout, dtype):
    rng = np.random.default_rng(6)
    R = random_predictions(rng, 9, 500, dtype=dtype)
    if layout == "fortran":
        other = np.asfortranarray(R)
    elif layout == "strided":
        other = np.repeat(np.repeat(R, 2, axis=0), 3, axis=1)[::2, ::3]
    elif layout == "reversed":
        other = R[::-1, ::-1].copy()[::-1, ::-1]
    else:
        other = R.copy()
        other.flags.writeable = False
    mixture = _core.Mixture(**random_mixture(rng, 9, 3))
    np.testing.assert_array_equal(mixture.predict(other, 2), mixture.predict(R, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_predictions_are_bitwise_equal_for_any_number_of_threads_and_company(dtype):
    rng = np.random.default_rng(7)
    R = random_predictions(rng, 9, 6001, dtype=dtype)
    mixture = _core.Mixture(**random_mixture(rng, 9, 3))
    serial = mixture.predict(R, 1)
    for n_threads in range(2, 9):
        np.testing.assert_array_equal(mixture.predict(R, n_threads), serial)
    for i in range(0, 6001, 997):
        np.testing.assert_array_equal(mixture.predict(R[:, i : i + 1], 1), serial[i : i + 1])


def test_ctrl_c_interrupts_a_long_prediction():
    program = """
import _thread, threading, time
import numpy as np
from cfensemble import _core
curves = [(np.array([0.0, 1.0]), np.array([0.0, 1.0]))] * 20
aggregators = [(np.ones((3000, 21)), np.full(3000, 1 / 9000))] * 3
mixture = _core.Mixture(np.ones((1, 20)), np.zeros(20), np.ones(20), curves, aggregators, 0.001, 0.5)
R = np.full((20, 1), 0.5)
began = time.monotonic()
mixture.predict(np.broadcast_to(R, (20, 2000)), 1)
repeats = int(30 / (time.monotonic() - began)) + 1  # half a minute of work
threading.Timer(0.3, _thread.interrupt_main).start()
began = time.monotonic()
try:
    mixture.predict(np.broadcast_to(R, (20, 2000 * repeats)), 1)
except KeyboardInterrupt:
    print("interrupted" if time.monotonic() - began < 10 else "late")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.strip() == "interrupted"


@pytest.mark.parametrize(
    ("R", "error", "message"),
    [
        (np.zeros(3), ValueError, r"R must be 2-dimensional, got shape \(3,\)"),
        (np.zeros((3, 6)), ValueError, r"R must have shape \(4, 6\), got \(3, 6\)"),
        (np.zeros((4, 6), np.int64), TypeError, "R must have dtype float32 or float64, got int64"),
        (np.zeros((4, 0)), ValueError, "at least one row and one column"),
        (np.full((4, 6), np.inf), ValueError, r"R\[0, 0\] is inf"),
        (np.full((4, 6), 1.5), ValueError, r"R\[0, 0\] is 1.5.*probabilities lie in \[0, 1\]"),
        (np.where(np.arange(800).reshape(4, 200) == 550, -0.1, 0.5), ValueError, r"R\[2, 150\] is -0.1"),
    ],
)
def test_bad_predictions_are_named(R, error, message):
    mixture = _core.Mixture(**random_mixture(np.random.default_rng(8), 4, 2))
    with pytest.raises(error, match=message):
        mixture.predict(R, 2)


NOTHING = (np.empty((0, 5)), np.empty(0))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.zeros((2, 5))}, ValueError, r"X must have shape \(2, 4\), got \(2, 5\)"),
        ({"X": np.zeros((2, 4), np.float32)}, TypeError, "X must have dtype float64"),
        ({"X": np.full((2, 4), np.nan)}, ValueError, "X and mean must be finite"),
        ({"mean": np.zeros((4, 1))}, ValueError, r"mean must have shape \(4,\), got \(4, 1\)"),
        ({"noise": np.zeros(3)}, ValueError, r"noise must have shape \(4,\), got \(3,\)"),
        ({"noise": np.array([1, 1, -1.0, 1])}, ValueError, "noise must be finite and at least 0"),
        ({"curves": []}, ValueError, "a curve per classifier"),
        ({"curves": [(np.empty(0), np.empty(0))] * 4}, ValueError, "at least one knot"),
        ({"curves": [(np.array([0.5, 0.5]), np.zeros(2))] * 4}, ValueError, "knots must ascend"),
        ({"curves": [(np.array([0.5, 0.6]), np.full(2, np.nan))] * 4}, ValueError, "curves must be finite"),
        ({"curves": [(np.zeros(1), np.zeros(2))] * 4}, ValueError, r"values of a curve must have shape \(1,\)"),
        ({"aggregators": [NOTHING] * 2}, ValueError, "aggregators of each reading"),
        ({"aggregators": [(np.zeros((2, 4)), np.zeros(2))] * 3}, ValueError, r"theta must have shape \(2, 5\)"),
        ({"aggregators": [(np.zeros((2, 5)), np.zeros(3))] * 3}, ValueError, r"shares must have shape \(2,\)"),
        ({"aggregators": [(np.full((2, 5), np.inf), np.zeros(2))] * 3}, ValueError, "theta and shares must be finite"),
        ({"clip": 0.0}, ValueError, "clip must lie in"),
        ({"base_rate": np.nan}, ValueError, "base_rate must lie in"),
    ],
)
def test_bad_parts_are_named(change, error, message):
    with pytest.raises(error, match=message):
        _core.Mixture(**(random_mixture(np.random.default_rng(8), 4, 2) | change))
