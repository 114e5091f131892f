import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from cfensemble._reference import aggregator_loss
from cfensemble.ensemble.prior import WeightPrior, prior_center
from cfensemble.ensemble.reliability import reliability_weights
from cfensemble.ensemble.weight_fit import MANY, WeightProblem


def problem(rng, m=4, n=60):
    center = rng.dirichlet(np.ones(m))
    features = rng.standard_normal((m, n)) * 2
    y = (rng.random(n) < 1 / (1 + np.exp(-center @ features))).astype(float)
    return features, y, center


def objective(features, y, prior):
    def value(theta):
        z = theta[:-1] @ features + theta[-1]
        w, c = theta[:-1], prior.center
        s = w @ c / (c @ c)
        penalty = prior.strength * len(w) * np.sum((w - s * c) ** 2)
        penalty += prior.scale_precision * (s - 1) ** 2 + prior.bias_precision * theta[-1] ** 2
        return np.sum(np.logaddexp(0, z) - y * z) + penalty

    return value


@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.3, 10.0]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_fit_is_the_optimum(seed, strength, nonnegative):
    features, y, center = problem(np.random.default_rng(seed))
    prior = WeightPrior(center, strength)
    value = objective(features, y, prior)
    fitted = WeightProblem(features, y).solve(prior, nonnegative).theta
    bounds = [(0 if nonnegative else None, None)] * len(center) + [(None, None)]
    reference = minimize(value, np.append(center, 0.0), bounds=bounds, method="L-BFGS-B", tol=1e-12)
    assert value(fitted) <= reference.fun + 1e-7 * (1 + abs(reference.fun))
    np.testing.assert_allclose(fitted, reference.x, atol=2e-3)
    if nonnegative:
        assert (fitted[:-1] >= 0).all()


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_penalty_is_its_formula_with_exact_derivatives(seed):
    rng = np.random.default_rng(seed)
    prior = WeightPrior(rng.dirichlet(np.ones(3)), 0.7, 9.0, 2.0)
    theta = rng.standard_normal(4)
    value = objective(np.zeros((3, 0)), np.zeros(0), prior)
    penalty, gradient, hessian = prior.derivatives(theta)
    assert penalty == pytest.approx(value(theta))
    step = 1e-5 * np.eye(4)
    numeric = [(value(theta + h) - value(theta - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)
    numeric = [(prior.derivatives(theta + h)[1] - prior.derivatives(theta - h)[1]) / 2e-5 for h in step]
    np.testing.assert_allclose(hessian, numeric, atol=1e-5)


def test_a_prior_without_direction_is_a_ridge():
    penalty, _, _ = WeightPrior(np.zeros(3), 0.5).derivatives(np.array([1.0, 2.0, 0.0, 1.0]))
    assert penalty == pytest.approx(0.5 * 3 * 5 + 3)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_left_out_log_odds_are_those_of_fits_without_the_instance(nonnegative):
    features, y, center = problem(np.random.default_rng(3), n=40)
    prior = WeightPrior(center, 0.3)
    left_out = WeightProblem(features, y).solve(prior, nonnegative).left_out
    exact = []
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        theta = WeightProblem(features[:, others], y[others]).solve(prior, nonnegative).theta
        exact.append(theta[:-1] @ features[:, i] + theta[-1])
    np.testing.assert_allclose(left_out, exact, rtol=0.06, atol=0.03)


def test_a_strong_prior_is_kept_and_a_weak_one_overcome():
    rng = np.random.default_rng(4)
    features, y, _ = problem(rng, n=2000)
    believed = np.array([1.0, 0.0, 0.0, 0.0])
    strong = WeightProblem(features, y).solve(WeightPrior(believed, 1e6), True).theta
    weak = WeightProblem(features, y).solve(WeightPrior(believed, 1e-6), True).theta
    assert strong[0] > 100 * strong[1:-1].max()
    assert weak[1:-1].max() > 0.1


def test_without_labels_the_fit_is_the_prior():
    center = np.array([0.2, 0.8])
    fit = WeightProblem(np.zeros((2, 0)), np.zeros(0)).solve(WeightPrior(center, 1.0), True)
    np.testing.assert_allclose(fit.theta, [0.2, 0.8, 0.0], atol=1e-12)
    assert fit.left_out.shape == (0,)


def test_separable_labels_are_no_trouble():
    features = np.array([[-500.0, -400.0, 600.0], [1.0, 1.0, 1.0]])
    theta = WeightProblem(features, np.array([0.0, 0.0, 1.0])).solve(WeightPrior(np.full(2, 0.5), 1e-3), False).theta
    assert np.isfinite(theta).all()


def test_centers_by_name():
    R = np.random.default_rng(5).random((3, 40))
    np.testing.assert_array_equal(prior_center("average", R), 1 / 3)
    np.testing.assert_array_equal(prior_center("zero", R), 0)
    np.testing.assert_array_equal(prior_center("reliability", R), reliability_weights(R))


@pytest.mark.parametrize("m", [MANY - 1, MANY, MANY + 20])
def test_many_classifiers_have_the_derivatives_of_the_same_loss(m):
    rng = np.random.default_rng(m)
    features, y, center = problem(rng, m, 30)
    counts, theta = rng.uniform(0.5, 3, 30), rng.standard_normal(m + 1)
    prior = WeightPrior(center, 0.3)
    found = WeightProblem(features, y, 1, counts).derivatives(theta, prior)
    loss, slope, hessian = aggregator_loss(
        np.eye(m), features, theta[:-1], theta[-1], np.arange(30), y, counts, 0.0, True
    )
    for value, of_losses, of_prior in zip(found, (loss, slope, hessian), prior.derivatives(theta), strict=True):
        np.testing.assert_allclose(value, of_prior + counts.sum() * of_losses, rtol=1e-9, atol=1e-9)


def test_many_classifiers_that_are_certain_overflow_nothing():
    features = 1e4 * np.resize([1.0, -1.0], (MANY, 6))
    problem = WeightProblem(features, np.array([1.0, 0, 1, 0, 0, 1]))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = problem.derivatives(np.ones(MANY + 1), WeightPrior(np.full(MANY, 1 / MANY), 1.0))
    assert all(np.isfinite(value).all() for value in found)
