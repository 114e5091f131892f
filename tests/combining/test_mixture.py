import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cfensemble.combining.mixture import stack


def objective(weights, log_likelihood, prior):
    return np.log(weights @ np.exp(log_likelihood)).sum() + prior @ np.log(weights)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 50))
@settings(max_examples=50, deadline=None)
def test_no_other_weights_are_better(seed, k, n):
    rng = np.random.default_rng(seed)
    log_likelihood, prior = np.log(rng.random((k, n))), rng.random(k) + 0.1
    weights = stack(log_likelihood, prior)
    np.testing.assert_allclose(weights.sum(), 1)
    best = objective(weights, log_likelihood, prior)
    for other in rng.dirichlet(np.ones(k), 20):
        assert objective(0.9 * weights + 0.1 * other, log_likelihood, prior) <= best + 1e-6


def test_without_labels_the_weights_are_the_prior():
    np.testing.assert_allclose(stack(np.zeros((3, 0)), np.array([1.0, 2.0, 1.0])), [0.25, 0.5, 0.25])


def test_many_labels_decide():
    log_likelihood = np.log(np.array([[0.9], [0.5]])) @ np.ones((1, 1000))
    weights = stack(log_likelihood, np.array([1.0, 10.0]))
    assert weights[0] > 0.95


def test_a_predictor_that_was_certain_and_wrong_does_no_harm():
    weights = stack(np.array([[-1e5, -0.1], [-0.7, -0.7]]), np.ones(2))
    assert np.isfinite(weights).all()
