"""The compiled half-steps against their NumPy twins, and the contracts of the compiled layer."""

import multiprocessing
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble import _core, _reference
from cfensemble.data import ConfidenceRule

DTYPES = (np.float32, np.float64)
# d below, at and above m; n below, at and beyond a group of lanes, a tile and a slot
SHAPES = ((1, 1, 1), (3, 2, 7), (5, 8, 64), (7, 4, 129), (15, 20, 300), (2, 3, 9000), (40, 9, 2100))
TOLERANCE = {np.float32: 2e-3, np.float64: 1e-9}


def as_layout(array, layout):
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "strided":
        return np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3]
    if layout == "reversed":
        return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
    array = array.copy()
    array.flags.writeable = layout != "read-only"
    return array


def assert_close(actual, expected, dtype):
    scale = np.abs(expected).max() if np.size(expected) else 1
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * max(scale, 1))


def sweep(kernels, X, R, C, lambda_reg, n_threads=1, supervision=None, sample_weight=None):
    """Y and what a sweep returns."""
    Y = np.full((X.shape[0], R.shape[1]), np.nan, R.dtype)
    return Y, *kernels.sweep(X, R, C, lambda_reg, Y, supervision, n_threads, sample_weight)


def supervise(m, n, dtype=np.float64):
    """Every second instance labelled."""
    rng = np.random.default_rng(0)
    columns = np.arange(0, n, 2)
    labels, weights = rng.integers(0, 2, len(columns)).astype(float), rng.random(len(columns)) + 0.1
    return rng.standard_normal(m), 0.3, columns, labels, weights, 2.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_sweep_equals_its_twin(problem, shape, dtype):
    X, _, R, C = problem(np.random.default_rng(1), *shape, dtype)
    supervision = supervise(shape[0], shape[2])
    actual = sweep(_core, X, R, C, 0.1, 2, supervision)
    expected = sweep(_reference, X, R, C, 0.1, 1, supervision)
    for a, e in zip(actual, expected, strict=True):
        assert_close(a, e, dtype)
    assert sweep(_core, X, R, C, 0.1)[5:] == (0, None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (150, 60, 300)])
def test_weighted_sums_equal_their_twins(problem, shape, dtype):
    rng = np.random.default_rng(2)
    X, Y, R, C = problem(rng, *shape, dtype)
    weight = rng.choice([0, 0.5, 1, 3], shape[2])
    for a, e in zip(*(sweep(k, X, R, C, 0.1, 2, None, weight) for k in (_core, _reference)), strict=True):
        if e is not None:
            assert_close(a, e, dtype)
    actual, expected = (k.classifier_moments(Y, R, C, 2, weight) for k in (_core, _reference))
    assert_close(actual[0], expected[0], dtype)
    assert_close(actual[1], expected[1], dtype)
    assert_close(*(k.weighted_residual(X, Y, R, C, 2, weight) for k in (_core, _reference)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["primal", "dual"])
@pytest.mark.parametrize("shape", [*SHAPES, (33, 50, 40), (60, 70, 20)])
def test_both_forms_of_the_instance_step_equal_the_twin(problem, shape, form, dtype):
    X, _, R, C = problem(np.random.default_rng(13), *shape, dtype)
    actual, _ = _core.instance_step(X, R, C, 0.1, 2, form)
    expected, _ = _reference.instance_step(X, R, C, 0.1)
    assert_close(actual, expected, dtype)


@pytest.mark.parametrize("lambda_reg", [0.0, 1e-12, 0.1])
@pytest.mark.parametrize(("m", "d"), [(m, d) for d in (4, 20) for m in (d - 1, d, d + 1, 2 * d, 3 * d)])
def test_the_form_that_is_chosen_is_as_exact_as_the_other(problem, m, d, lambda_reg):
    """On both sides of the switch, also where the penalty is next to nothing."""
    X, _, R, C = problem(np.random.default_rng(14), m, d, 40)
    Y, _ = _core.instance_step(X, R, C, lambda_reg, 1)
    gradient = X @ (np.nan_to_num(C * (R - X.T @ Y))) - lambda_reg * Y
    assert np.abs(gradient).max() < 1e-10


@pytest.mark.parametrize("scale", [1e3, 1e8, 1e12])
def test_weights_of_any_size_are_solved_for_exactly(problem, scale):
    """Where the dual form loses to rounding, the primal takes over, instance by instance."""
    X, _, R, C = problem(np.random.default_rng(18), 26, 20, 60)
    R, C = np.nan_to_num(R), C + 0.1  # more weights than factors everywhere: a regular system, whatever their scale
    C[:, ::2] *= scale
    together, n_degenerate = _core.instance_step(X, R, C, 0.1, 1)
    assert_close(together, _reference.instance_step(X, R, C, 0.1)[0], np.float64)
    assert n_degenerate == 0
    for i in (6, 7):
        np.testing.assert_array_equal(_core.instance_step(X, R[:, [i]], C[:, [i]], 0.1, 1)[0], together[:, [i]])


def test_large_moments_are_added_up_by_their_owners_to_the_same_result(problem):
    _, Y, R, C = problem(np.random.default_rng(15), 301, 60, 1500)  # too large for a copy per slot
    gram, rhs = _reference.classifier_moments(Y, R, C)
    actual = [_core.classifier_moments(Y, R, C, n_threads) for n_threads in (1, 2, 5)]
    assert_close(actual[0][0], gram, np.float64)
    assert_close(actual[0][1], rhs, np.float64)
    for other in actual[1:]:
        np.testing.assert_array_equal(other[0], actual[0][0])
        np.testing.assert_array_equal(other[1], actual[0][1])


RULES = {
    "constant": ConfidenceRule(constant=0.7),
    "certainty": ConfidenceRule(certainty=1.5),
    "per classifier": ConfidenceRule(per_classifier=np.linspace(0, 1, 9)),
    "per instance": ConfidenceRule(per_instance=np.linspace(0, 1, 300)),
    "all with labels": ConfidenceRule(
        0.1, 1.0, np.linspace(0, 1, 9), np.linspace(1, 2, 300), labels=np.resize([0, 1, np.nan], 300), alpha=2.0
    ),
    "given": ConfidenceRule(given=np.random.default_rng(0).random((9, 300))),
    "given with labels": ConfidenceRule(
        given=np.random.default_rng(0).random((9, 300)), labels=np.resize([0, 1, np.nan], 300), alpha=0.5
    ),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_confidence_by_rule_is_what_the_rule_says(problem, rule):
    X, Y, R, _ = problem(np.random.default_rng(16), 9, 4, 300)
    C = rule.weights(R)
    for actual, expected in zip(sweep(_core, X, R, rule, 0.1), sweep(_core, X, R, C, 0.1), strict=True):
        if actual is not None:
            assert_close(actual, expected, np.float64)
    assert_close(_core.weighted_residual(X, Y, R, rule, 1), _core.weighted_residual(X, Y, R, C, 1), np.float64)
    np.testing.assert_array_equal(_core.has_weight(R, rule, 1), _reference.has_weight(R, C))


def test_has_weight_finds_what_nobody_predicted_with_confidence(problem):
    _, _, R, C = problem(np.random.default_rng(17), 4, 3, 1000)
    R[0, :] = 0.5
    R[:, 7] = np.nan
    C[:, [0, 999]] = 0
    for weights in (C, None):
        np.testing.assert_array_equal(_core.has_weight(R, weights, 2), _reference.has_weight(R, weights))
    assert np.flatnonzero(~_core.has_weight(R, C, 1)).tolist() == [0, 7, 999]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["c", "fortran", "strided", "reversed", "read-only"])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_every_kernel_takes_any_layout_and_number_of_threads(problem, dtype, layout, n_threads):
    X, Y, R, C = problem(np.random.default_rng(2), 9, 8, 4000, dtype)
    x, y, r, c = (as_layout(array, layout) for array in (X, Y, R, C))
    before = [array.copy() for array in (x, y, r, c)]
    kernels = {
        "instance_step": (x, r, c, 0.1, n_threads),
        "classifier_moments": (y, r, c, n_threads),
        "weighted_residual": (x, y, r, c, n_threads),
        "predict": (x, y, np.linspace(-1, 1, 9), 0.3, n_threads),
    }
    reference = {
        "instance_step": (X, R, C, 0.1),
        "classifier_moments": (Y, R, C),
        "weighted_residual": (X, Y, R, C),
        "predict": (X, Y, np.linspace(-1, 1, 9), 0.3),
    }
    for name, arguments in kernels.items():
        actual = getattr(_core, name)(*arguments)
        expected = getattr(_reference, name)(*reference[name])
        for a, e in (
            zip(np.atleast_1d(actual), np.atleast_1d(expected), strict=True)
            if not isinstance(actual, tuple)
            else zip(actual, expected, strict=True)
        ):
            assert_close(a, e, dtype)
    for a, e in zip(sweep(_core, x, r, c, 0.1, n_threads), sweep(_reference, X, R, C, 0.1), strict=True):
        if a is not None:
            assert_close(a, e, dtype)
    for array, original in zip((x, y, r, c), before, strict=True):
        np.testing.assert_array_equal(array, original)


@pytest.mark.parametrize("balance", [False, True])
def test_classifier_step_equals_its_twin(problem, balance):
    _, Y, R, C = problem(np.random.default_rng(3), 6, 4, 200)
    gram, rhs = _reference.classifier_moments(Y, R, C)
    actual, _ = _core.classifier_step(gram, rhs, 0.1, balance, 2)
    expected, _ = _reference.classifier_step(gram, rhs, 0.1, balance)
    sign = np.sign(np.sum(actual * expected, axis=1, keepdims=True)) if balance else 1  # of singular vectors
    assert_close(actual, sign * expected, np.float64)


def test_without_confidence_every_prediction_has_weight_one(problem):
    X, _, R, _ = problem(np.random.default_rng(4), 5, 3, 50)
    for a, b in zip(sweep(_core, X, R, None, 0.1), sweep(_core, X, R, np.ones_like(R), 0.1), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_results_are_bitwise_equal_for_any_number_of_threads(problem, dtype):
    X, Y, R, C = problem(np.random.default_rng(5), 9, 12, 6000, dtype)
    supervision = supervise(9, 6000)
    serial = (
        *sweep(_core, X, R, C, 0.01, 1, supervision),
        *_core.classifier_moments(Y, R, C, 1),
        _core.weighted_residual(X, Y, R, C, 1),
    )
    for n_threads in range(2, 9):
        parallel = (
            *sweep(_core, X, R, C, 0.01, n_threads, supervision),
            *_core.classifier_moments(Y, R, C, n_threads),
            _core.weighted_residual(X, Y, R, C, n_threads),
        )
        for a, b in zip(serial, parallel, strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_instance_does_not_depend_on_its_neighbours(problem):
    X, _, R, C = problem(np.random.default_rng(6), 8, 5, 300)
    order = np.random.default_rng(0).permutation(300)
    together, _ = _core.instance_step(X, R, C, 0.1, 2)
    permuted, _ = _core.instance_step(X, R[:, order], C[:, order], 0.1, 2)
    np.testing.assert_array_equal(together[:, order], permuted)
    alone, _ = _core.instance_step(X, R[:, 77:78], C[:, 77:78], 0.1, 1)
    np.testing.assert_array_equal(together[:, 77:78], alone)


@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 12),
    d=st.integers(1, 14),
    n=st.integers(1, 40),
    lambda_reg=st.sampled_from([0.0, 1e-12, 1e-3, 1.0]),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    dtype=st.sampled_from(DTYPES),
)
def test_factors_are_finite_and_minimise_their_own_least_squares_problem(seed, m, d, n, lambda_reg, missing, dtype):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((d, m)).astype(dtype)
    R = rng.random((m, n)).astype(dtype)
    R[rng.random((m, n)) < missing] = np.nan
    C = rng.random((m, n)).astype(dtype)
    C[rng.random((m, n)) < 0.1] = 0
    Y, n_degenerate = _core.instance_step(X, R, C, lambda_reg, 1)
    assert np.isfinite(Y).all()
    assert 0 <= n_degenerate <= n

    def objective(Y):
        error = np.nan_to_num(R) - X.T.astype(float) @ Y
        return (np.where(np.isnan(R), 0, C) * error**2).sum(axis=0) + lambda_reg * (Y.astype(float) ** 2).sum(axis=0)

    at_optimum = objective(Y)
    slack = 1e-9 if dtype == np.float64 else 1e-3
    for scale in (1e-3, 1e-1, 1.0):
        nearby = Y + scale * rng.standard_normal(Y.shape)
        assert (at_optimum <= objective(nearby) + slack * (1 + objective(0 * Y))).all()


def test_singular_systems_get_their_minimum_norm_solution_and_are_counted():
    rng = np.random.default_rng(7)
    X, R = rng.standard_normal((20, 10)), rng.random((10, 30))  # more factors than classifiers, and no penalty
    Y, n_degenerate = _core.instance_step(X, R, None, 0.0, 2)
    np.testing.assert_allclose(Y, np.linalg.pinv(X.T) @ R, atol=1e-10)
    assert n_degenerate == 30
    gram, rhs = _core.classifier_moments(Y[:, :15], R[:, :15], None, 1)
    factors, n_degenerate = _core.classifier_step(gram, rhs, 0.0, False, 1)
    np.testing.assert_allclose(factors.T @ Y[:, :15], R[:, :15], atol=1e-6)
    assert n_degenerate == 10


@pytest.mark.parametrize("exponent", [0, 4, 7, 9, 12, 18])
@pytest.mark.parametrize("d", [2, 5, 40])
def test_classifiers_systems_without_a_penalty_are_solved_however_near_they_are_to_being_singular(d, exponent):
    rng = np.random.default_rng(11)
    vectors = np.linalg.qr(rng.standard_normal((d, d)))[0]
    matrix = 100 * (vectors * np.logspace(0, -exponent, d)) @ vectors.T
    gram = np.tile(matrix[np.tril_indices(d)], (4, 1))
    rhs = rng.standard_normal((3, d)) @ matrix
    actual, n_degenerate = _core.classifier_step(gram, rhs, 0.0, False, 1)
    expected, expected_degenerate = _reference.classifier_step(gram, rhs, 0.0, False)
    assert n_degenerate == expected_degenerate
    if exponent <= 12:  # else what counts as 0 is a matter of rounding
        np.testing.assert_allclose(actual, expected, atol=1e-14 * 10**exponent)
    np.testing.assert_allclose(matrix @ actual, rhs.T, atol=1e-11)


def test_what_has_no_weight_gets_the_zero_factor_and_counts_as_regular(problem):
    X, _, R, C = problem(np.random.default_rng(8), 4, 3, 20)
    R[:, 3] = np.nan
    C[:, 5] = 0
    for lambda_reg in (0.0, 0.1):
        Y, n_degenerate = _core.instance_step(X, R, C, lambda_reg, 1)
        assert not Y[:, [3, 5]].any()
        assert n_degenerate == (0 if lambda_reg else np.sum(np.sum(~np.isnan(R) & (C > 0), axis=0) < 3) - 2)
    R[2] = np.nan
    gram, rhs = _core.classifier_moments(Y, R, C, 1)
    assert not _core.classifier_step(gram, rhs, 0.0, False, 1)[0][:, 2].any()


def test_confidence_of_a_missing_prediction_is_not_looked_at(problem):
    X, _, R, C = problem(np.random.default_rng(9), 4, 3, 20)
    odd = np.where(np.isnan(R), np.nan, C)
    np.testing.assert_array_equal(_core.instance_step(X, R, odd, 0.1, 1)[0], _core.instance_step(X, R, C, 0.1, 1)[0])


@pytest.mark.parametrize("shape", [(6, 4, 50), (4, 9, 50), (6, 5, 3)])
def test_balance_keeps_what_can_be_reconstructed_and_minimises_the_norms(problem, shape):
    _, Y, R, C = problem(np.random.default_rng(10), *shape)
    gram, rhs = _core.classifier_moments(Y, R, C, 1)
    X, _ = _core.classifier_step(gram, rhs, 0.1, False, 1)
    balanced, _ = _core.classifier_step(gram, rhs, 0.1, True, 1)
    s = np.linalg.svd(X.T @ Y, compute_uv=False)
    # the least |X|^2 + |Y|^2 of a factorisation is twice the product's nuclear norm (Srebro et al. 2005)
    assert np.sum(balanced**2) == pytest.approx(s.sum())
    np.testing.assert_allclose(balanced @ balanced.T, np.diag(np.pad(s, (0, shape[1]))[: shape[1]]), atol=1e-6)
    other = np.linalg.lstsq(balanced.T, X.T @ Y, rcond=1e-6)[0]
    np.testing.assert_allclose(balanced.T @ other, X.T @ Y, atol=1e-6)
    assert np.sum(other**2) == pytest.approx(s.sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"R": np.zeros(3)}, ValueError, r"R must be 2-dimensional, got shape \(3,\)"),
        ({"R": np.zeros((4, 6), np.int64)}, TypeError, "R must have dtype float32 or float64, got int64"),
        ({"X": np.zeros((3, 5))}, ValueError, r"X must have shape \(3, 4\), got \(3, 5\)"),
        (
            {"X": np.zeros((3, 4), np.float32)},
            TypeError,
            "X must have dtype float64 like the other arrays, got float32",
        ),
        ({"C": np.zeros((4, 7))}, ValueError, r"C must have shape \(4, 6\), got \(4, 7\)"),
        ({"C": np.full((4, 6), -1.0)}, ValueError, r"C\[0, 0\] is -1.*at least 0"),
        ({"R": np.full((4, 6), np.inf)}, ValueError, r"R\[0, 0\] is inf.*must be finite"),
        ({"lambda_reg": -1.0}, ValueError, "lambda_reg must be finite and at least 0"),
        ({"lambda_reg": np.nan}, ValueError, "lambda_reg must be finite and at least 0"),
        ({"X": np.ones((0, 4))}, ValueError, "X has no rows: the latent dimension must be at least 1"),
        ({"X": np.ones((3, 0)), "R": np.ones((0, 6))}, ValueError, "at least one row and one column"),
        ({"R": np.frombuffer(bytes(8 * 24 + 1), np.float64, 24, 1).reshape(4, 6)}, ValueError, "R must be aligned"),
        ({"C": "certainty"}, TypeError, "C must be an array, a ConfidenceRule or None"),
        ({"C": ConfidenceRule(per_classifier=np.ones(3))}, ValueError, r"per_classifier must have shape \(4,\)"),
        ({"C": ConfidenceRule(1, given=np.full((4, 6), -2.0))}, ValueError, r"C\[0, 0\] is -2.*at least 0"),
        ({"form": "other"}, ValueError, "form must be None, 'primal' or 'dual', got 'other'"),
        ({"n_threads": 10**6}, ValueError, r"n_threads must be in \[1, 1024\], got 1000000"),
        ({"n_threads": 0}, ValueError, r"n_threads must be in \[1, 1024\], got 0"),
    ],
)
def test_bad_input_is_named(change, error, message):
    good = {"X": np.ones((3, 4)), "R": np.ones((4, 6)), "C": None, "lambda_reg": 0.1, "n_threads": 2}
    with pytest.raises(error, match=message):
        _core.instance_step(**(good | change))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"Y": np.empty((3, 5))}, ValueError, r"Y must have shape \(3, 6\), got \(3, 5\)"),
        ({"Y": np.empty((3, 6), np.float32)}, TypeError, "Y must have dtype float64"),
        ({"Y": np.empty((6, 3)).T}, ValueError, "Y is written in place: it must be C-contiguous and writeable"),
        ({"Y": np.broadcast_to(0.0, (3, 6))}, ValueError, "Y is written in place"),
        ({"columns": np.array([3, 1])}, ValueError, "columns must ascend"),
        ({"columns": np.array([1, 6])}, IndexError, r"columns\[1\] is 6, outside \[0, 6\)"),
        ({"w": np.ones(3)}, ValueError, r"w must have shape \(4,\), got \(3,\)"),
        ({"gamma": -1.0}, ValueError, "focal_gamma must be finite and at least 0"),
    ],
)
def test_a_sweep_names_bad_input(change, error, message):
    good = {"Y": np.empty((3, 6)), "w": np.ones(4), "columns": np.array([0, 2]), "gamma": 0.0} | change
    supervision = good["w"], 0.0, good["columns"], np.array([0.0, 1.0]), np.ones(2), good["gamma"]
    with pytest.raises(error, match=message):
        _core.sweep(np.ones((3, 4)), np.ones((4, 6)), None, 0.1, good["Y"], supervision, 1)


@pytest.mark.parametrize("call", ["classifier_moments", "classifier_step", "weighted_residual", "predict"])
def test_no_kernel_takes_factors_without_dimensions(call):
    nothing, R = np.ones((0, 6)), np.ones((4, 6))
    arguments = {
        "classifier_moments": (nothing, R, None, 1),
        "classifier_step": (np.ones((5, 0)), np.ones((4, 0)), 0.1, False, 1),
        "weighted_residual": (np.ones((0, 4)), nothing, R, None, 1),
        "predict": (np.ones((0, 4)), nothing, np.ones(4), 0.0, 1),
    }
    with pytest.raises(ValueError, match="at least"):
        getattr(_core, call)(*arguments[call])


def test_sums_beyond_the_datas_precision_are_an_error_not_nan():
    Y, R, C = (np.ones(shape, np.float32) for shape in ((2, 50), (3, 50), (3, 50)))
    gram, rhs = _core.classifier_moments(Y, R, np.float32(3e38) * C, 1)
    with pytest.raises(OverflowError, match="not finite: C or the factors are too large"):
        _core.classifier_step(gram, rhs, 0.1, False, 1)


def test_the_first_offending_place_is_reported_whatever_the_number_of_threads():
    R = np.ones((2, 400_000))
    R[1, [500, 1500, 2500]] = np.inf
    for n_threads in (1, 2, 3):
        with pytest.raises(ValueError, match=r"R\[1, 500\]"):
            _core.instance_step(np.ones((2, 2)), R, None, 0.1, n_threads)


def test_memory_maps_are_read_in_place(problem, tmp_path):
    X, _, R, C = problem(np.random.default_rng(11), 4, 3, 100)
    np.save(tmp_path / "R.npy", R)
    mapped = np.load(tmp_path / "R.npy", mmap_mode="r")
    np.testing.assert_array_equal(_core.instance_step(X, mapped, C, 0.1, 2)[0], _core.instance_step(X, R, C, 0.1, 1)[0])


def test_other_threads_run_while_a_kernel_does(problem):
    X, _, R, C = problem(np.random.default_rng(12), 30, 30, 20000)
    ticks, stop = 0, threading.Event()
    kernel = threading.Thread(target=lambda: (_core.instance_step(X, R, C, 0.1, 1), stop.set()))
    kernel.start()
    while not stop.wait(1e-3):
        ticks += 1
    kernel.join()
    assert ticks > 3  # with the GIL held throughout there would be none


def _fold_in_child(connection):
    Y, _ = _core.instance_step(np.ones((2, 3)), np.full((3, 300_000), 0.5), None, 0.1, 2)
    connection.send(float(Y.sum()))


if "fork" in multiprocessing.get_all_start_methods():  # Windows has none

    def test_a_forked_child_computes_instead_of_hanging():
        expected, _ = _core.instance_step(np.ones((2, 3)), np.full((3, 300_000), 0.5), None, 0.1, 2)  # starts a team
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe()
        child = context.Process(target=_fold_in_child, args=(sender,))
        child.start()
        assert receiver.poll(20), "the child hangs"
        assert receiver.recv() == float(expected.sum())
        child.join()


def test_ctrl_c_interrupts_a_long_kernel():
    program = """
import _thread, threading, time
import numpy as np
from cfensemble import _core
R = np.random.default_rng(0).random((100, 20000))
X = np.random.default_rng(1).standard_normal((60, 100))
began = time.monotonic()
_core.instance_step(X, R[:, :2000], None, 0.1, 1)
repeats = int(30 / (time.monotonic() - began)) + 1  # half a minute of work
R = np.broadcast_to(R[:, :1], (100, 2000 * repeats))
threading.Timer(0.3, _thread.interrupt_main).start()
began = time.monotonic()
try:
    _core.instance_step(X, R, None, 0.1, 1)
except KeyboardInterrupt:
    print("interrupted" if time.monotonic() - began < 10 else "late")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.strip() == "interrupted"
