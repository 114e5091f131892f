"""The learned aggregator: predictions, derivatives and its gradient step."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from cfensemble.ensemble import WeightedAggregator, WeightPrior
from cfensemble.ensemble.penalty import WeightPenalty
from cfensemble.objectives import supervised_loss
from cfensemble.objectives.label_weights import LabelledInstances

M, D, N = 4, 3, 30
gammas = pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
class_weighting = pytest.mark.parametrize("use_class_weights", [False, True])


def factors(rng, dtype=np.float64):
    return rng.standard_normal((D, M)).astype(dtype), rng.standard_normal((D, N)).astype(dtype)


def random_aggregator(rng):
    aggregator = WeightedAggregator(M)
    aggregator.set_params(w=rng.standard_normal(M), b=rng.standard_normal())
    return aggregator


def random_labels(rng):
    """A fifth positive, half negative, the rest unlabelled."""
    return rng.permutation(np.repeat([1, 0, np.nan], [6, 15, 9]))


# ---------------------------------------------------------------------------------------------- predicting


def test_it_starts_from_the_plain_average_or_from_small_random_weights():
    np.testing.assert_array_equal(WeightedAggregator(4).w, np.full(4, 0.25))
    assert WeightedAggregator(4).b == 0
    first, again, other = (WeightedAggregator(4, init_uniform=False, random_state=seed).w for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.all(first != other)
    many = WeightedAggregator(4000, init_uniform=False, random_state=0).w
    assert np.std(many) == pytest.approx(1 / 4000, rel=0.1)


def test_it_predicts_the_sigmoid_of_a_weighted_sum_for_one_or_many_instances():
    rng = np.random.default_rng(0)
    aggregator, r_hat = random_aggregator(rng), rng.random((M, N))
    p = aggregator.predict(r_hat)
    assert p.shape == (N,)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-(aggregator.w @ r_hat + aggregator.b))), rtol=1e-14)
    single = aggregator.predict(r_hat[:, 7].tolist())
    assert np.shape(single) == ()
    assert single == pytest.approx(p[7], rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predicting_from_factors_is_predicting_from_their_product(dtype):
    rng = np.random.default_rng(1)
    X, Y = factors(rng, dtype)
    aggregator = random_aggregator(rng)
    p = aggregator.predict_factors(X, Y)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, aggregator.predict(X.T @ Y), rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_extreme_log_odds_are_certain_probabilities():
    aggregator = WeightedAggregator(1)
    aggregator.set_params(w=[1e6], b=0)
    np.testing.assert_array_equal(aggregator.predict([[-1.0, 0.0, 1.0]]), [0, 0.5, 1])
    np.testing.assert_array_equal(aggregator.predict_factors(np.ones((1, 1)), np.array([[-1.0, 0, 1]])), [0, 0.5, 1])


# ---------------------------------------------------------------------------------------------- derivatives


@gammas
@class_weighting
@given(seed=st.integers(0, 10**6))
def test_gradient_and_hessian_are_the_central_differences(gamma, use_class_weights, seed):
    rng = np.random.default_rng(seed)
    X, Y = factors(rng)
    labels = random_labels(rng)
    labelled = LabelledInstances.of(labels, ~np.isnan(labels), use_class_weights)
    theta = rng.standard_normal(M + 1)

    def at(theta):
        return WeightedAggregator.derivatives(theta, X, Y, labelled, gamma)

    _, gradient, hessian = at(theta)
    steps = 1e-5 * np.eye(M + 1)
    sides = [(at(theta + step), at(theta - step)) for step in steps]
    np.testing.assert_allclose(gradient, [(up[0] - down[0]) / 2e-5 for up, down in sides], atol=1e-8)
    np.testing.assert_allclose(hessian, [(up[1] - down[1]) / 2e-5 for up, down in sides], atol=1e-7)
    assert WeightedAggregator.derivatives(theta, X, Y, labelled, gamma, with_hessian=False)[2] is None


@gammas
@class_weighting
def test_derivatives_are_autograds(gamma, use_class_weights):
    rng = np.random.default_rng(2)
    X, Y = factors(rng)
    labels = random_labels(rng)
    labelled = LabelledInstances.of(labels, ~np.isnan(labels), use_class_weights)
    features = torch.tensor(np.vstack([X.T @ Y, np.ones(N)])[:, labelled.columns])
    target, omega = torch.tensor(labelled.labels), torch.tensor(labelled.weights)

    def loss(theta):
        p = torch.sigmoid(theta @ features)
        p_true = torch.where(target == 1, p, 1 - p)
        return -(omega * (1 - p_true) ** gamma * torch.log(p_true)).sum() / omega.sum()

    theta = torch.tensor(rng.standard_normal(M + 1))
    actual = WeightedAggregator.derivatives(theta.numpy(), X, Y, labelled, gamma)
    derivative = torch.autograd.functional
    expected = loss(theta), derivative.jacobian(loss, theta), derivative.hessian(loss, theta)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e.numpy(), rtol=1e-10, atol=1e-13)


@gammas
@class_weighting
def test_the_loss_is_the_one_whose_derivatives_these_are(gamma, use_class_weights):
    rng = np.random.default_rng(3)
    X, Y = factors(rng)
    labels, aggregator = random_labels(rng), random_aggregator(rng)
    labelled = LabelledInstances.of(labels, ~np.isnan(labels), use_class_weights)
    value = aggregator.derivatives(np.append(aggregator.w, aggregator.b), X, Y, labelled, gamma)[0]
    assert aggregator.loss(X, Y, labelled, gamma) == value
    assert supervised_loss(X, Y, labels, labelled.columns, aggregator, use_class_weights, gamma) == value


# -------------------------------------------------------------------------------------------------- learning


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("as_indices", [False, True])
def test_an_update_is_one_class_weighted_gradient_step(dtype, as_indices):
    rng = np.random.default_rng(4)
    X, Y = factors(rng, dtype)
    labels = np.where(np.arange(N) < 3, 1.0, np.where(np.arange(N) < 20, 0.0, np.nan))
    mask = ~np.isnan(labels)
    aggregator = random_aggregator(rng)
    w, b = aggregator.w, aggregator.b
    r_hat = X.T @ Y[:, mask]
    residual = expit(w @ r_hat + b) - labels[mask]
    residual *= np.where(labels[mask] == 1, 20 / (2 * 3), 20 / (2 * 17)) / 20
    aggregator.update(X, Y, np.flatnonzero(mask) if as_indices else mask, labels, 0.3)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(aggregator.w, w - 0.3 * r_hat @ residual, rtol=rtol)
    assert aggregator.b == pytest.approx(b - 0.3 * residual.sum(), rel=rtol)


@gammas
@class_weighting
def test_an_update_takes_class_weights_and_gamma(gamma, use_class_weights):
    rng = np.random.default_rng(5)
    X, Y = factors(rng)
    labels, aggregator = random_labels(rng), random_aggregator(rng)
    labelled = LabelledInstances.of(labels, ~np.isnan(labels), use_class_weights)
    theta = np.append(aggregator.w, aggregator.b)
    gradient = aggregator.derivatives(theta, X, Y, labelled, gamma)[1]
    aggregator.update(X, Y, labelled.columns, labels, 0.2, use_class_weights, gamma)
    np.testing.assert_array_equal(np.append(aggregator.w, aggregator.b), theta - 0.2 * gradient)


def test_an_update_takes_a_prior_and_can_keep_weights_from_being_negative():
    rng = np.random.default_rng(8)
    X, Y = factors(rng)
    labels, aggregator = random_labels(rng), WeightedAggregator(M)
    aggregator.set_params(w=[-1.0, 0.5, -0.1, 2.0], b=0.3)
    labelled = LabelledInstances.of(labels, ~np.isnan(labels), True)
    prior = WeightPrior(np.array([0.1, 0.2, 0.3, 0.4]), 0.5)
    theta = aggregator.theta
    gradient = aggregator.derivatives(theta, X, Y, labelled)[1]
    gradient += WeightPenalty(0.0, prior, len(labelled.columns)).gradient(theta)
    bounded = WeightedAggregator(M)
    bounded.set_params(**aggregator.get_params())
    aggregator.update(X, Y, labelled.columns, labels, 0.2, prior=prior)
    np.testing.assert_allclose(aggregator.theta, theta - 0.2 * gradient, rtol=1e-12)
    assert aggregator.w.min() < 0
    bounded.update(X, Y, labelled.columns, labels, 0.2, prior=prior, nonnegative=True)
    np.testing.assert_allclose(bounded.w, np.maximum(aggregator.w, 0), rtol=1e-12)
    assert bounded.b == pytest.approx(aggregator.b)


@pytest.mark.parametrize("nobody", [[], np.zeros(N, bool)])
def test_an_update_without_labels_changes_nothing(nobody):
    rng = np.random.default_rng(6)
    aggregator = random_aggregator(rng)
    before = aggregator.get_params()
    aggregator.update(*factors(rng), nobody, np.full(N, np.nan), 0.1)
    np.testing.assert_array_equal(aggregator.w, before["w"])
    assert aggregator.b == before["b"]


# ------------------------------------------------------------------------------------------------ parameters


def test_parameters_can_be_restored_and_are_copies():
    original = random_aggregator(np.random.default_rng(7))
    restored = WeightedAggregator(M)
    restored.set_params(**original.get_params())
    np.testing.assert_array_equal(restored.get_weights(), original.w)
    assert restored.b == original.b
    for copy in (original.get_params()["w"], original.get_weights()):
        copy[:] = 0
        assert original.w.all()


def test_normalized_weights_are_shares():
    aggregator = WeightedAggregator(3)
    aggregator.set_params(w=[-1, 0, 3], b=5)
    np.testing.assert_allclose(aggregator.get_normalized_weights(), [0.25, 0, 0.75])
    aggregator.set_params(w=[0, 0, 0], b=5)
    np.testing.assert_allclose(aggregator.get_normalized_weights(), np.full(3, 1 / 3))


def test_repr_tells_size_and_bias():
    assert repr(WeightedAggregator(3)) == "WeightedAggregator(n_classifiers=3, b=0)"


# ------------------------------------------------------------------------------------------------- bad input

Z = np.zeros(N)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a, X, Y: WeightedAggregator(0), ValueError, "n_classifiers must be at least 1, got 0"),
        (lambda a, X, Y: WeightedAggregator(2.0), TypeError, "n_classifiers must be an integer"),
        (lambda a, X, Y: a.predict(np.ones((3, 2))), ValueError, r"r_hat must have shape \(4, n\) or \(4,\), got"),
        (lambda a, X, Y: a.predict(0.5), ValueError, "r_hat must have shape"),
        (lambda a, X, Y: a.predict_factors(X[:, :2], Y), ValueError, r"w must have shape \(2,\), got \(4,\)"),
        (lambda a, X, Y: a.set_params(w=[1, 2], b=0), ValueError, r"w must have shape \(4,\), got \(2,\)"),
        (lambda a, X, Y: a.set_params(w=[1, 2, 3, np.inf], b=0), ValueError, "w must be finite"),
        (lambda a, X, Y: a.set_params(w=[1, 2, 3, 4], b=np.nan), ValueError, "b must be"),
        (lambda a, X, Y: a.update(X, Y, [0], Z, -0.1), ValueError, "lr must be finite and >= 0, got -0.1"),
        (lambda a, X, Y: a.update(X, Y, [0], Z, 0.1, focal_gamma=-1), ValueError, "focal_gamma must be"),
        (lambda a, X, Y: a.update(X, Y, [0], Z, 0.1, nonnegative=1), TypeError, "nonnegative must be True or False"),
        (
            lambda a, X, Y: a.update(X, Y, [0], Z, 0.1, prior=WeightPrior(np.ones(2), 1.0)),
            ValueError,
            "prior has a center of 2 weights, but there are 4",
        ),
        (lambda a, X, Y: a.update(X[:2], Y, [0], Z, 0.1), ValueError, "X and Y must have the same latent dim"),
        (lambda a, X, Y: a.update(X * np.nan, Y, [0], Z, 0.1), ValueError, r"X\[0, 0\] is nan"),
        (lambda a, X, Y: a.update(X, Y, [N], Z, 0.1), ValueError, "labeled_idx holds index 30"),
        (lambda a, X, Y: a.update(X, Y, [1], Z[:1], 0.1), ValueError, "labels must have one entry per instance"),
        (lambda a, X, Y: a.update(X, Y, [3], Z + 2, 0.1), ValueError, r"labels\[0\] is 2"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(call, error, message):
    rng = np.random.default_rng(8)
    aggregator = random_aggregator(rng)
    before = np.append(aggregator.w, aggregator.b)
    with pytest.raises(error, match=message):
        call(aggregator, *factors(rng))
    np.testing.assert_array_equal(np.append(aggregator.w, aggregator.b), before)
