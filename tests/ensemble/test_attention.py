"""The attention aggregator against its definition and its torch twin."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from cfensemble.ensemble import AttentionAggregator
from cfensemble.objectives.label_weights import LabelledInstances
from cfensemble.optimization.torch_net import _Attention

M, N = 5, 40


def twins(dtype=torch.float64):
    """The torch module with parameters large enough to matter, and its NumPy counterpart."""
    rng = np.random.default_rng(0)
    module = _Attention(M, dtype, rng)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += torch.tensor(rng.standard_normal(parameter.shape), dtype=dtype)
    return module, module.to_numpy()


@pytest.fixture
def aggregator():
    return twins()[1]


@pytest.fixture
def r_hat():
    return np.random.default_rng(1).standard_normal((M, N))


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_it_predicts_what_its_torch_twin_does(dtype, rtol, r_hat):
    module, aggregator = twins(dtype)
    given = torch.tensor(r_hat, dtype=dtype)
    with torch.no_grad():
        expected = torch.sigmoid(module(given)).numpy()
    np.testing.assert_allclose(aggregator.predict(given.numpy()), expected, rtol=rtol)


def test_every_instance_shares_its_attention_among_the_classifiers(aggregator, r_hat):
    shares = aggregator.attention(r_hat)
    assert shares.shape == (M, N)
    assert np.all(shares >= 0)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    assert np.std(shares, axis=1).max() > 0.1  # and not all alike


def test_a_prediction_is_the_attention_weighted_mean_of_the_votes(aggregator, r_hat):
    params = aggregator.get_params()
    votes = expit(params["slope"] * r_hat + params["bias"])
    p = aggregator.predict(r_hat)
    np.testing.assert_allclose(p, (aggregator.attention(r_hat) * votes).sum(axis=0))
    single = aggregator.predict(r_hat[:, 3])
    assert np.shape(single) == ()
    assert single == pytest.approx(p[3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predicting_from_factors_is_predicting_from_their_product(aggregator, dtype):
    rng = np.random.default_rng(2)
    X, Y = (rng.standard_normal((3, size)).astype(dtype) for size in (M, N))
    p = aggregator.predict_factors(X, Y)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, aggregator.predict(X.T @ Y), rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_loss_is_the_weighted_mean_focal_loss(aggregator, gamma):
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((3, M)), rng.standard_normal((3, N))
    columns, y, weights = np.array([4, 0, 9]), np.array([1.0, 0.0, 1.0]), np.array([1.0, 2.0, 0.5])
    p = aggregator.predict(X.T @ Y)[columns]
    p_true = np.where(y == 1, p, 1 - p)
    expected = weights @ ((1 - p_true) ** gamma * -np.log(p_true)) / weights.sum()
    loss = aggregator.loss(X, Y, LabelledInstances(columns, y, weights), gamma)
    assert loss == pytest.approx(expected, rel=1e-9)


def test_its_weights_are_the_mean_attention_in_training(r_hat):
    module, untrained = twins()
    np.testing.assert_allclose(untrained.get_weights(), np.full(M, 1 / M))
    module(torch.tensor(r_hat))
    aggregator = module.to_numpy()
    aggregator.predict(r_hat[:, :3])
    np.testing.assert_allclose(aggregator.get_weights(), aggregator.attention(r_hat).mean(axis=1))


def test_parameters_can_be_restored_and_are_copies(aggregator, r_hat):
    params = aggregator.get_params()
    restored = AttentionAggregator(**params)
    expected = aggregator.predict(r_hat)
    for value in params.values():
        value[...] = 0
    np.testing.assert_array_equal(restored.predict(r_hat), expected)
    np.testing.assert_array_equal(aggregator.predict(r_hat), expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"keys": np.ones((M, 3))}, r"keys must have shape \(5, 16\), got \(5, 3\)"),
        ({"slope": np.ones(2)}, r"slope must have shape \(\), got \(2,\)"),
        ({"hidden_bias": np.ones(3)}, r"hidden_bias must have shape \(16,\), got \(3,\)"),
        ({"hidden_weight": np.ones(5)}, "hidden_weight must have shape"),
        ({"query_weight": np.ones(())}, "query_weight must have shape"),
        ({"temperature": 1}, "parameters must be hidden_weight, .*, mean_attention, got"),
    ],
)
def test_parameters_must_fit_together(aggregator, changed, message):
    with pytest.raises(ValueError, match=message):
        AttentionAggregator(**aggregator.get_params() | changed)


def test_all_parameters_are_needed(aggregator):
    with pytest.raises(ValueError, match=r"parameters must be hidden_weight, .*, got none"):
        aggregator.set_params()


@pytest.mark.parametrize("shape", [(), (M + 1,), (M + 1, 2), (M, 2, 2)])
def test_it_refuses_reconstructions_of_another_shape(aggregator, shape):
    with pytest.raises(ValueError, match="r_hat must have shape"):
        aggregator.predict(np.full(shape, 0.5))
