"""The joint solver's kernels against their NumPy twins and against autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cfensemble import _core, _reference

DTYPES = (np.float32, np.float64)
SHAPES = ((1, 1, 1), (3, 2, 7), (5, 8, 64), (7, 4, 129), (15, 10, 300), (6, 3, 1500))
TOLERANCE = {np.float32: 3e-3, np.float64: 1e-7}


def supervise(rng, m, n, gamma=0.0, scale=1.0):
    columns = np.arange(0, n, 2)
    labels, weights = rng.integers(0, 2, len(columns)).astype(float), rng.random(len(columns))
    weights[0] = 1
    return scale * rng.standard_normal(m), 0.3, columns, labels, weights, gamma


def sweep(kernels, X, R, C, supervision, logistic=True, rho=0.2, lambda_reg=0.1, n_threads=1, sample_weight=None):
    """Y and what a joint sweep returns."""
    Y = np.full((X.shape[0], R.shape[1]), np.nan, R.dtype)
    return Y, *kernels.joint_sweep(X, R, C, lambda_reg, rho, Y, supervision, logistic, n_threads, sample_weight)


def assert_all_close(actual, expected, tolerance):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance * max(np.abs(e).max(), 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("logistic", [True, False])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_joint_sweep_equals_its_twin(problem, shape, gamma, logistic, dtype):
    rng = np.random.default_rng(1)
    m, _, n = shape
    X, _, R, C = problem(rng, *shape, dtype)
    supervision = (
        supervise(rng, m, n, gamma, 2.0) if logistic else (np.full(m, 1 / m), 0.0, *supervise(rng, m, n, gamma)[2:])
    )
    actual, expected = (sweep(k, X, R, C, supervision, logistic) for k in (_core, _reference))
    assert_all_close(actual, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_weighted_joint_sweep_equals_its_twin(problem, shape, dtype):
    rng = np.random.default_rng(6)
    X, _, R, C = problem(rng, *shape, dtype)
    sample_weight = rng.choice([0.5, 1, 3], shape[2])
    sample_weight[1::2] *= rng.integers(0, 2, shape[2] // 2)  # those are not labelled
    supervision = supervise(rng, shape[0], shape[2], 0.5, 2.0)
    actual, expected = (sweep(k, X, R, C, supervision, sample_weight=sample_weight) for k in (_core, _reference))
    assert_all_close(actual, expected, TOLERANCE[dtype])


def test_a_joint_sweep_counts_instances_as_often_as_their_weights_say(problem):
    rng = np.random.default_rng(7)
    X, _, R, C = problem(rng, 6, 4, 200)
    w, b, columns, labels, omega, gamma = supervise(rng, 6, 200, 1.0, 2.0)
    count = rng.integers(0, 4, 200)
    count[columns] += 1  # labels count
    repeated = np.repeat(np.arange(200), count)
    others = np.flatnonzero(np.isin(repeated, columns))
    which = np.searchsorted(columns, repeated[others])
    supervision = (w, b, others, labels[which], omega[which], gamma)
    expected = sweep(_core, X, R[:, repeated], C[:, repeated], supervision)
    supervision = (w, b, columns, labels, omega * count[columns], gamma)
    actual = sweep(_core, X, R, C, supervision, sample_weight=count.astype(float))
    assert_all_close(actual[1:-1], expected[1:-1], 1e-11)
    assert_all_close(actual[0][:, repeated], expected[0], 1e-11)


@pytest.mark.parametrize("supervised", [True, False])
def test_at_rho_one_a_joint_sweep_is_a_plain_one(problem, supervised):
    rng = np.random.default_rng(2)
    X, Y, R, C = problem(rng, 6, 4, 200)
    supervision = supervise(rng, 6, 200) if supervised else None
    joint = sweep(_core, X, R, C, supervision, rho=1.0)
    gram, _, residual, _, loss, _ = _core.sweep(X, R, C, 0.1, Y, supervision, 1)
    assert_all_close((joint[0], joint[2], joint[5]), (Y, loss, gram), 1e-12)
    assert joint[1] == pytest.approx(residual + 0.1 * (np.sum(X**2) + np.sum(Y**2)))
    assert not joint[6].any()
    assert_all_close(joint, sweep(_reference, X, R, C, supervision, rho=1.0), 1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_joint_sweeps_are_bitwise_equal_for_any_number_of_threads(problem, dtype):
    rng = np.random.default_rng(3)
    X, _, R, C = problem(rng, 9, 7, 6000, dtype)
    supervision = supervise(rng, 9, 6000, 1.0, 3.0)
    serial = sweep(_core, X, R, C, supervision)
    for n_threads in range(2, 9):
        for a, b in zip(serial, sweep(_core, X, R, C, supervision, n_threads=n_threads), strict=True):
            np.testing.assert_array_equal(a, b)


def torch_loss(X, Y, w, b, R, C, supervision, rho, lambda_reg):
    _, _, columns, labels, weights, gamma = supervision
    reconstruction = X.T @ Y
    error = torch.from_numpy(np.where(np.isnan(R), 0, C)) * (torch.from_numpy(np.nan_to_num(R)) - reconstruction) ** 2
    z = w @ reconstruction[:, columns] + b
    s = torch.where(torch.from_numpy(labels) == 1, z, -z)
    loss = torch.exp(-gamma * torch.nn.functional.softplus(s)) * torch.nn.functional.softplus(-s)
    supervised = (torch.from_numpy(weights / weights.sum()) * loss).sum()
    return rho * (error.sum() + lambda_reg * (X.square().sum() + Y.square().sum())) + (1 - rho) * supervised


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("rho", [0.01, 0.5, 0.99])
def test_y_is_stationary_and_the_gradient_is_autograds(problem, rho, gamma):
    rng = np.random.default_rng(4)
    X, _, R, C = problem(rng, 8, 5, 100)
    supervision = supervise(rng, 8, 100, gamma, 3.0)
    Y, reconstruction, supervised, on_X, on_theta, *_ = sweep(_core, X, R, C, supervision, rho=rho)
    variables = [torch.tensor(np.asarray(a), requires_grad=True) for a in (X, Y, supervision[0], supervision[1])]
    loss = torch_loss(*variables, R, C, supervision, rho, 0.1)
    loss.backward()
    gradient = [variable.grad.numpy() for variable in variables]
    assert rho * reconstruction + (1 - rho) * supervised == pytest.approx(loss.item(), rel=1e-12)
    assert np.abs(gradient[1]).max() < 1e-9
    np.testing.assert_allclose(on_X, gradient[0], atol=1e-10)
    np.testing.assert_allclose(on_theta, np.append(gradient[2], gradient[3]), atol=1e-12)


@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 8),
    d=st.integers(1, 8),
    gamma=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    rho=st.sampled_from([1e-4, 0.1, 0.9]),
    lambda_reg=st.sampled_from([0.0, 1e-6, 1.0]),
    scale=st.sampled_from([0.0, 1.0, 30.0]),
    logistic=st.booleans(),
)
def test_no_other_y_is_better(seed, m, d, gamma, rho, lambda_reg, scale, logistic):
    """Also where the loss is not convex: no z on the line that y may move along is better, near or far."""
    rng = np.random.default_rng(seed)
    n, X, R = 20, rng.standard_normal((d, m)), rng.random((m, 20))
    R[rng.random(R.shape) < 0.3] = np.nan
    w, b, columns, labels, weights, _ = supervise(rng, m, n, gamma, scale)
    if not logistic:
        w, b = np.full(m, 1 / m), 0.0
    supervision = w, b, columns, labels, weights, gamma
    Y, reconstruction, supervised, *rest = sweep(_core, X, R, None, supervision, logistic, rho, lambda_reg)
    assert all(np.isfinite(result).all() for result in (Y, reconstruction, supervised, *rest))

    def objective(Y):
        error = np.nansum((R - X.T @ Y) ** 2, axis=0) + lambda_reg * np.sum(Y**2, axis=0)
        scores = [
            _reference._score(z, label, logistic) for z, label in zip(w @ X.T @ Y[:, columns] + b, labels, strict=True)
        ]
        loss = np.array([_reference._label_loss(s, gamma, logistic)[0] for s in scores])
        value = rho * error
        value[columns] += (1 - rho) * weights / weights.sum() * loss
        return value

    at_optimum, plain = objective(Y), _core.instance_step(X, R, None, lambda_reg, 1)[0]
    slack = 1e-9 * (1 + objective(plain))
    for share in (0, 0.3, 0.9, 1.1, 2.0, 5.0):
        assert (at_optimum <= objective(plain + share * (Y - plain)) + slack).all()
    if lambda_reg > 0:  # else a singular system leaves y where it is in directions without weight
        for size in (1e-4, 1e-2, 1.0):
            assert (at_optimum <= objective(Y + size * rng.standard_normal(Y.shape)) + slack).all()


@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.parametrize("shape", [(1, 1, 30), (6, 4, 80), (5, 5, 60), (3, 6, 90)])
def test_the_inverse_curvature_equals_its_twin(problem, shape, learns):
    rng = np.random.default_rng(5)
    m, _, n = shape
    X, _, R, C = problem(rng, *shape)
    supervision = supervise(rng, m, n, 0.0, 2.0)
    *_, on_X, on_theta, gram, curvature, _ = sweep(_core, X, R, C, supervision)
    arguments = (gram, curvature, X, supervision[0], rng.random(m), 0.1, 0.2, learns, on_X, on_theta, 2)
    actual, expected = (k.apply_inverse_curvature(*arguments) for k in (_core, _reference))
    assert_all_close(actual, expected, 1e-6)
    step = np.append(actual[0], actual[1] if learns else [])
    assert step @ np.append(on_X, on_theta if learns else []) > 0  # positive definite


def test_without_weights_or_penalty_the_inverse_curvature_stays_finite():
    zeros = np.zeros((3, 4))
    G, g = _core.apply_inverse_curvature(
        np.zeros((5, 6)), np.zeros((4, 4)), zeros, np.zeros(4), np.zeros(4), 0.0, 1.0, True, zeros, np.zeros(5), 1
    )
    assert not G.any()
    assert not g.any()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rho": 0.0}, ValueError, r"rho must be in \(0, 1\], got 0"),
        ({"rho": np.nan}, ValueError, r"rho must be in \(0, 1\], got nan"),
        ({"lambda_reg": -1.0}, ValueError, "lambda_reg must be finite and at least 0"),
        ({"Y": np.empty((3, 5))}, ValueError, r"Y must have shape \(3, 6\), got \(3, 5\)"),
        ({"X": np.ones((3, 5))}, ValueError, r"X must have shape \(3, 4\), got \(3, 5\)"),
        ({"supervision": (np.ones(3), 0.0, [0], [1.0], [1.0], 0.0)}, ValueError, r"w must have shape \(4,\)"),
        ({"supervision": (np.ones(4), 0.0, [1, 0], [1.0, 0], [1.0, 1], 0.0)}, ValueError, "columns must ascend"),
    ],
)
def test_a_joint_sweep_names_bad_input(change, error, message):
    good = {
        "X": np.ones((3, 4)), "R": np.ones((4, 6)), "C": None, "lambda_reg": 0.1, "rho": 0.5, "Y": np.empty((3, 6)),
        "supervision": None, "logistic": True, "n_threads": 1,
    } | change  # fmt: skip
    if good["supervision"] is not None:
        w, b, *instances, gamma = good["supervision"]
        columns, labels, weights = (np.array(values) for values in instances)
        good["supervision"] = w, b, columns, labels, weights, gamma
    with pytest.raises(error, match=message):
        _core.joint_sweep(**good)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gram": np.ones((4, 6))}, r"gram must have shape \(5, 6\)"),
        ({"curvature": np.ones((3, 3))}, r"curvature must have shape \(4, 4\)"),
        ({"w": np.ones(3)}, r"w must have shape \(4,\)"),
        ({"prior": np.ones(5)}, r"prior must have shape \(4,\)"),
        ({"gradient_X": np.ones((4, 3))}, r"gradient_X must have shape \(3, 4\)"),
        ({"gradient_theta": np.ones(4)}, r"gradient_theta must have shape \(5,\)"),
        ({"rho": 2.0}, r"rho must be in \(0, 1\]"),
    ],
)
def test_the_inverse_curvature_names_bad_input(change, message):
    good = {
        "gram": np.ones((5, 6)), "curvature": np.eye(4), "X": np.ones((3, 4)), "w": np.ones(4), "prior": np.ones(4),
        "lambda_reg": 0.1, "rho": 0.5, "learns": True, "gradient_X": np.ones((3, 4)), "gradient_theta": np.ones(5),
        "n_threads": 1,
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=message):
        _core.apply_inverse_curvature(**good)


def test_sums_beyond_the_datas_precision_are_an_error_not_nan():
    gram = np.full((5, 6), np.inf)
    with pytest.raises(OverflowError, match="not finite: C or the factors are too large"):
        _core.apply_inverse_curvature(
            gram, np.eye(4), np.ones((3, 4)), np.ones(4), np.ones(4), 0.1, 0.5, True, np.ones((3, 4)), np.ones(5), 1
        )
