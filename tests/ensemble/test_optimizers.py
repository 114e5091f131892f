"""Optimizers of the aggregator: each lowers what it is given; Newton never raises it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.ensemble import WeightedAggregator
from cfensemble.ensemble.optimizers import OPTIMIZER_NAMES, make_optimizer
from cfensemble.objectives.label_weights import LabelledInstances


def supervised_objective(seed, gamma, m=4, d=4, n=60):
    """The aggregator's loss on noisy labels; its Hessian is singular for d < m."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((d, m)), rng.standard_normal((d, n))
    y = (X.T[0] @ Y + 2 * rng.standard_normal(n) > 0).astype(float)
    y[:2] = 0, 1
    labelled = LabelledInstances(np.arange(n), y, np.ones(n))
    return lambda theta, hessian: WeightedAggregator.derivatives(theta, X, Y, labelled, gamma, hessian)


def quadratic(theta, with_hessian):
    """Convex, with its least value 0 at (1, 1, 1)."""
    curvature = np.diag([1.0, 2.0, 5.0])
    error = theta - 1
    return float(error @ curvature @ error) / 2, curvature @ error, curvature if with_hessian else None


def run(optimizer, theta, objective, n_steps):
    for _ in range(n_steps):
        theta = optimizer.step(theta, objective)
    return theta


@pytest.mark.parametrize("name", OPTIMIZER_NAMES)
def test_the_minimum_of_a_convex_function_is_found(name):
    np.testing.assert_allclose(run(make_optimizer(name, 0.1), np.zeros(3), quadratic, 400), 1, atol=1e-3)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("name", OPTIMIZER_NAMES)
def test_the_supervised_loss_is_lowered(name, gamma):
    objective = supervised_objective(0, gamma)
    start = np.append(np.full(4, 0.25), 0)
    end = run(make_optimizer(name, 0.1), start, objective, 50)
    assert objective(end, False)[0] < 0.95 * objective(start, False)[0]


def test_gradient_descent_momentum_and_adam_take_the_steps_of_their_papers():
    theta, gradient, lr = np.array([3.0, 1.5, 0.0]), np.array([2.0, 1.0, -5.0]), 0.01
    np.testing.assert_allclose(quadratic(theta, False)[1], gradient)
    np.testing.assert_allclose(make_optimizer("gd", lr).step(theta, quadratic), theta - lr * gradient)
    np.testing.assert_allclose(make_optimizer("adam", lr).step(theta, quadratic), theta - lr * np.sign(gradient))
    momentum = make_optimizer("momentum", lr)
    first = momentum.step(theta, quadratic)
    np.testing.assert_allclose(first, theta - lr * gradient)
    second = first + 0.9 * (first - theta) - lr * quadratic(first, False)[1]
    np.testing.assert_allclose(momentum.step(first, quadratic), second)


def test_adam_keeps_running_means_of_gradient_and_square():
    adam, theta, first, second = make_optimizer("adam", 0.1), np.zeros(3), 0.0, 0.0
    for step in range(1, 6):
        gradient = quadratic(theta, False)[1]
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        expected = theta - 0.1 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        theta = adam.step(theta, quadratic)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


@given(
    seed=st.integers(0, 10**6),
    gamma=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    d=st.integers(1, 6),
    log_scale=st.floats(-2, 4),
)
def test_newton_descends_from_anywhere(seed, gamma, d, log_scale):
    objective = supervised_objective(seed, gamma, d=d)
    theta = 10**log_scale * np.random.default_rng(seed).standard_normal(5)
    value, gradient, _ = objective(theta, False)
    lowered = objective(make_optimizer("newton", 1).step(theta, objective), False)[0]
    assert lowered <= value
    if np.abs(gradient).max() > 1e-6:
        assert lowered < value


def test_newton_converges_quadratically():
    objective = supervised_objective(1, 0.0)
    newton, theta, norms = make_optimizer("newton", 1), np.append(np.full(4, 0.25), 0), []
    for _ in range(6):
        norms.append(np.linalg.norm(objective(theta, False)[1]))
        theta = newton.step(theta, objective)
    assert norms[-1] < 1e-8
    near = [(now, later) for now, later in pairwise(norms) if 1e-5 < now < 0.05]
    assert near
    assert all(later < 10 * now**2 for now, later in near)


def test_newton_finds_the_minimum_of_a_quadratic_in_one_step():
    np.testing.assert_allclose(make_optimizer("newton", 1).step(np.zeros(3), quadratic), 1)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("d", [1, 3])
def test_newton_converges_where_the_hessian_is_singular(gamma, d):
    objective = supervised_objective(2, gamma, d=d)
    start = np.append(np.full(4, 0.25), 0)
    assert np.linalg.matrix_rank(objective(start, True)[2], hermitian=True) == d + 1
    theta = run(make_optimizer("newton", 1), start, objective, 20)
    assert np.abs(objective(theta, False)[1]).max() < 1e-8
    assert np.abs(theta).max() < 100


def test_newton_leaves_an_indefinite_region_downhill():
    def double_well(theta, with_hessian):
        value = float(theta[0] ** 4 - theta[0] ** 2)
        return value, 4 * theta**3 - 2 * theta, np.array([12 * theta**2 - 2]) if with_hessian else None

    theta = run(make_optimizer("newton", 1), np.array([0.1]), double_well, 20)
    assert abs(theta[0]) == pytest.approx(np.sqrt(0.5))


def kink(theta, with_hessian):
    """Sum of |theta|, whose gradient leads nowhere at 0."""
    return float(np.abs(theta).sum()), np.ones(3), np.zeros((3, 3)) if with_hessian else None


def bounded(theta, with_hessian):
    """Convex and coupled; its least value over nonnegative weights is at (0, .5, -.5), without that bound at w < 0."""
    curvature = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    linear = np.array([2.0, -1.0, 0.5])
    value = float(theta @ curvature @ theta) / 2 + float(linear @ theta)
    return value, curvature @ theta + linear, curvature if with_hessian else None


@pytest.mark.parametrize("start", [np.zeros(3), np.array([5.0, 3.0, -2.0]), np.array([0.0, 1e-12, 1.0])])
@pytest.mark.parametrize("name", OPTIMIZER_NAMES)
def test_weights_that_must_not_be_negative_end_at_the_best_of_those(name, start):
    optimizer, theta = make_optimizer(name, 0.05, nonnegative=True), start
    for _ in range(20 if name == "newton" else 600):
        theta = optimizer.step(theta, bounded)
        assert (theta[:-1] >= 0).all()
    np.testing.assert_allclose(theta, [0, 0.5, -0.5], atol=1e-12 if name == "newton" else 1e-3)


@given(seed=st.integers(0, 10**6), gamma=st.sampled_from([0.0, 2.0]))
def test_newton_with_nonnegative_weights_never_rises(seed, gamma):
    objective, newton = supervised_objective(seed, gamma), make_optimizer("newton", 1, nonnegative=True)
    theta = np.abs(np.random.default_rng(seed).standard_normal(5))
    for _ in range(5):
        before, theta = objective(theta, False)[0], newton.step(theta, objective)
        assert objective(theta, False)[0] <= before
        assert (theta[:-1] >= 0).all()


@pytest.mark.parametrize(("objective", "minimum"), [(quadratic, 1), (kink, 0)])
def test_newton_stays_where_there_is_nothing_to_gain(objective, minimum):
    theta = np.full(3, float(minimum))
    np.testing.assert_array_equal(make_optimizer("newton", 1).step(theta, objective), theta)


@pytest.mark.parametrize("name", OPTIMIZER_NAMES)
def test_a_step_leaves_its_starting_point_alone(name):
    theta = np.zeros(3)
    theta.flags.writeable = False
    run(make_optimizer(name, 0.1), theta, quadratic, 2)
    assert not theta.any()


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="aggregator_optimizer must be one of 'gd', 'momentum', 'adam', 'newton'"):
        make_optimizer("sgd", 0.1)
