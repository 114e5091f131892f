"""The plain average."""

import numpy as np
import pytest

from cfensemble.ensemble import MeanAggregator
from cfensemble.objectives.label_weights import LabelledInstances

R_HAT = np.array([[0.2, 0.9, 1.5, -1.0], [0.4, 0.3, 1.1, 0.2]])
EXPECTED = [0.3, 0.6, 1.0, 0.0]


def test_it_predicts_the_mean_clipped_to_a_probability():
    np.testing.assert_allclose(MeanAggregator().predict(R_HAT), EXPECTED)
    for column, expected in zip(R_HAT.T, EXPECTED, strict=True):
        p = MeanAggregator().predict(column.tolist())
        assert np.shape(p) == ()
        assert p == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predicting_from_factors_is_predicting_from_their_product(dtype):
    rng = np.random.default_rng(0)
    X, Y = (rng.standard_normal((3, size)).astype(dtype) for size in (5, 40))
    aggregator = MeanAggregator()
    p = aggregator.predict_factors(X, Y)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, aggregator.predict(X.T @ Y), atol=1e-6 if dtype == np.float32 else 1e-14)


def test_log_odds_are_averaged_before_they_become_a_probability():
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((3, 5)), rng.standard_normal((3, 40))
    expected = 1 / (1 + np.exp(-(X.T @ Y).mean(axis=0)))
    np.testing.assert_allclose(MeanAggregator(link="logit").predict(X.T @ Y), expected)
    np.testing.assert_allclose(MeanAggregator(link="logit").predict_factors(X, Y), expected)
    with pytest.raises(ValueError, match="link must be one of 'identity', 'logit', got 'probit'"):
        MeanAggregator(link="probit")


@pytest.mark.parametrize("settings", [{}, {"use_class_weights": False, "focal_gamma": 2.0}])
def test_it_has_nothing_to_learn(settings):
    aggregator = MeanAggregator(2)
    aggregator.update(np.ones((3, 2)), np.ones((3, 4)), [0, 1], np.array([1, 0, 1, 0]), 0.1, **settings)
    np.testing.assert_allclose(aggregator.predict(R_HAT), EXPECTED)
    np.testing.assert_array_equal(aggregator.get_weights(), [0.5, 0.5])


def test_the_loss_stays_finite_where_it_is_certain_and_wrong():
    labelled = LabelledInstances(np.array([0, 2]), np.array([1.0, 0.0]), np.array([1.0, 3.0]))
    loss = MeanAggregator().loss(np.ones((1, 2)), np.array([[-5.0, 0.5, 7.0]]), labelled)
    assert loss == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_its_weights_are_equal_and_known_as_soon_as_the_classifiers_are():
    aggregator = MeanAggregator()
    with pytest.raises(ValueError, match="n_classifiers is not known yet"):
        aggregator.get_weights()
    aggregator.predict(R_HAT)
    np.testing.assert_array_equal(aggregator.get_weights(), [0.5, 0.5])
    np.testing.assert_array_equal(MeanAggregator(4).get_weights(), np.full(4, 0.25))


def test_its_parameters_can_be_restored():
    restored = MeanAggregator()
    restored.set_params(**MeanAggregator(3).get_params())
    assert repr(restored) == "MeanAggregator(n_classifiers=3)"


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (1.5, TypeError)])
def test_n_classifiers_is_a_count(value, error):
    with pytest.raises(error, match="n_classifiers must be"):
        MeanAggregator(value)


@pytest.mark.parametrize("shape", [(), (3, 4), (2, 3, 4)])
def test_it_refuses_reconstructions_of_another_shape(shape):
    with pytest.raises(ValueError, match="r_hat must have shape"):
        MeanAggregator(2).predict(np.full(shape, 0.5))
