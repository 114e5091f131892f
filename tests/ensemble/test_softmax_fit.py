import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from cfensemble.data.log_odds import class_log_odds
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.softmax_fit import SoftmaxProblem
from cfensemble.ensemble.weight_fit import WeightProblem


def problem(rng, m=4, K=3, n=60, size=2.0):
    center = rng.dirichlet(np.ones(m))
    features = class_log_odds(rng.dirichlet(np.full(K, 1 / size), (m, n)).transpose(0, 2, 1))
    p = softmax(np.tensordot(center, features, 1), axis=0)
    y = np.array([rng.choice(K, p=column) for column in p.T], np.int64)
    return features, y, center


def objective(features, y, prior, weight):
    m = len(features)

    def value(theta):
        w, b, c = theta[:m], theta[m:], prior.center
        s = w @ c / (c @ c)
        penalty = prior.strength * m * np.sum((w - s * c) ** 2) + prior.scale_precision * (s - 1) ** 2
        penalty += 2 * prior.bias_precision * b @ b
        log_p = log_softmax(np.tensordot(w, features, 1) + b[:, None], axis=0)
        return -weight @ log_p[y, np.arange(len(y))] + penalty

    return value


def weights(rng, n, weighted):
    return rng.exponential(size=n) if weighted else np.ones(n)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_objective_is_its_formula_with_exact_derivatives(seed, weighted):
    rng = np.random.default_rng(seed)
    features, y, center = problem(rng, n=20)
    weight = weights(rng, 20, weighted)
    prior = WeightPrior(center, 0.7, 9.0, 2.0)
    fit = SoftmaxProblem(features, y, weight if weighted else None)
    value = objective(features, y, prior, weight)
    theta = rng.standard_normal(7)
    found, gradient, hessian = fit.derivatives(theta, prior)
    assert found == pytest.approx(value(theta))
    step = 1e-5 * np.eye(7)
    numeric = [(value(theta + h) - value(theta - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(gradient, numeric, atol=1e-5)
    numeric = [(fit.derivatives(theta + h, prior)[1] - fit.derivatives(theta - h, prior)[1]) / 2e-5 for h in step]
    np.testing.assert_allclose(hessian, numeric, atol=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([2, 3, 6]), st.sampled_from([0.1, 3.0, 30.0]))
@settings(max_examples=30, deadline=None)
def test_the_bound_majorises_the_objective(seed, K, distance):
    rng = np.random.default_rng(seed)
    features, y, center = problem(rng, K=K, n=30)
    prior = WeightPrior(center, 0.1)
    fit = SoftmaxProblem(features, y, rng.exponential(size=30))
    theta, step = rng.standard_normal(4 + K), distance * rng.standard_normal(4 + K)
    value, gradient, hessian = fit.derivatives(theta, prior)
    bound = fit.bound(prior)
    majoriser = value + gradient @ step + step @ bound @ step / 2
    assert fit.derivatives(theta + step, prior)[0] <= majoriser + 1e-9 * abs(majoriser)
    assert np.linalg.eigvalsh(bound - hessian).min() > -1e-9 * np.trace(bound)


@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.3, 10.0]), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_fit_is_the_optimum(seed, strength, nonnegative, far):
    rng = np.random.default_rng(seed)
    features, y, center = problem(rng)
    weight = rng.exponential(size=len(y))
    prior = WeightPrior(center, strength)
    value = objective(features, y, prior, weight)
    start = np.append(np.full(4, 50.0), [-30.0, 0.0, 30.0]) if far else None
    fitted = SoftmaxProblem(features, y, weight).solve(prior, nonnegative, start).theta
    bounds = [(0 if nonnegative else None, None)] * 4 + [(None, None)] * 3
    reference = minimize(value, np.append(center, np.zeros(3)), bounds=bounds, method="L-BFGS-B", tol=1e-12)
    assert value(fitted) <= reference.fun + 1e-7 * (1 + abs(reference.fun))
    np.testing.assert_allclose(fitted, reference.x, atol=3e-3)
    assert fitted[4:].sum() == pytest.approx(0, abs=1e-6)
    if nonnegative:
        assert (fitted[:4] >= 0).all()


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_two_classes_are_the_binary_problem(nonnegative, strength):
    rng = np.random.default_rng(0)
    f, center = 2 * rng.standard_normal((4, 60)), rng.dirichlet(np.ones(4))
    y = (rng.random(60) < 1 / (1 + np.exp(-f[0]))).astype(np.int64)
    prior = WeightPrior(center, strength)
    binary = WeightProblem(f, y.astype(float)).solve(prior, nonnegative)
    fit = SoftmaxProblem(np.stack([-f / 2, f / 2], axis=1), y).solve(prior, nonnegative)
    np.testing.assert_allclose(fit.theta[:4], binary.theta[:4], atol=1e-9)
    assert fit.theta[5] - fit.theta[4] == pytest.approx(binary.theta[4], abs=1e-9)
    np.testing.assert_allclose(fit.left_out[1] - fit.left_out[0], binary.left_out, atol=2e-3)
    np.testing.assert_allclose(
        fit.left_out_log_likelihood(y), binary.left_out_log_likelihood(y.astype(float)), atol=2e-3
    )


@pytest.mark.parametrize("nonnegative", [True, False])
def test_left_out_probabilities_are_those_of_fits_without_the_instance(nonnegative):
    features, y, center = problem(np.random.default_rng(3), n=40)
    prior = WeightPrior(center, 0.3)
    fit = SoftmaxProblem(features, y).solve(prior, nonnegative)
    exact = []
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        theta = SoftmaxProblem(features[:, :, others], y[others]).solve(prior, nonnegative).theta
        exact.append(theta[:4] @ features[:, :, i] + theta[4:])
    with_itself = np.tensordot(fit.theta[:4], features, 1) + fit.theta[4:, None]
    left_out = fit.left_out - fit.left_out.mean(axis=0)
    error, difference = np.abs(left_out - np.transpose(exact)), np.abs(with_itself - np.transpose(exact))
    assert np.mean(error) < 0.2 * np.mean(difference)
    assert np.quantile(error, 0.95) < 0.05


@pytest.mark.parametrize("nonnegative", [True, False])
def test_an_integer_weight_is_repetition(nonnegative):
    rng = np.random.default_rng(5)
    features, y, center = problem(rng, n=30)
    count = rng.integers(1, 4, 30)
    prior = WeightPrior(center, 0.1)
    weighted = SoftmaxProblem(features, y, count.astype(float)).solve(prior, nonnegative)
    repeated = SoftmaxProblem(np.repeat(features, count, axis=2), np.repeat(y, count)).solve(prior, nonnegative)
    np.testing.assert_allclose(weighted.theta, repeated.theta, atol=1e-7)
    np.testing.assert_allclose(np.repeat(weighted.left_out, count, axis=1), repeated.left_out, atol=1e-3)


def test_without_labels_the_fit_is_the_prior():
    fit = SoftmaxProblem(np.zeros((2, 3, 0)), np.zeros(0, np.int64)).solve(WeightPrior(np.array([0.2, 0.8]), 1.0), True)
    np.testing.assert_allclose(fit.theta, [0.2, 0.8, 0, 0, 0], atol=1e-12)
    assert fit.left_out.shape == (3, 0)


def test_separable_labels_are_no_trouble():
    features = np.array([[[500.0, -400.0, -10.0], [-250.0, 200.0, 10.0], [-250.0, 200.0, 0.0]]])
    fit = SoftmaxProblem(features, np.array([0, 1, 1])).solve(WeightPrior(np.ones(1), 1e-3), False)
    assert np.isfinite(fit.theta).all()
    assert np.isfinite(fit.left_out).all()


@pytest.mark.parametrize("size", [1e15, 1e100, 1e200])
@pytest.mark.parametrize("separable", [False, True])
def test_however_much_instances_count_they_are_fitted(separable, size):
    features, y, center = problem(np.random.default_rng(7), n=30)
    if separable:
        y = np.argmax(features[0], axis=0)
    for nonnegative in (False, True):
        fit = SoftmaxProblem(features, y, np.full(30, size)).solve(WeightPrior(center, 0.1), nonnegative)
        likely = log_softmax(np.tensordot(fit.theta[:4], features, 1) + fit.theta[4:, None], axis=0)[y, np.arange(30)]
        assert np.isfinite(fit.left_out).all()
        if separable:
            assert likely.min() > -0.01
        elif not nonnegative:
            unweighted = SoftmaxProblem(features, y).solve(WeightPrior(center, 1e-9, 1e-9, 1e-9), False)
            np.testing.assert_allclose(fit.theta, unweighted.theta, atol=1e-3)
