"""What a classifier's weight is: its average marginal effect on the combined log-odds."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import spearmanr

from cfensemble import Combiner, EnsembleData, MulticlassCombiner
from cfensemble.combining.effects import marginal_effects
from cfensemble.data.log_odds import class_log_odds, log_odds

NOISE = np.array([2.5, 0.5, 4.0, 1.2, 3.2, 0.8, 1.8])
MAKES = [Combiner, MulticlassCombiner]


def ensemble(make, seed=0, n=500, missing=0.0):
    """Classifiers of one signal, each with a noise of its own."""
    rng = np.random.default_rng(seed)
    m = len(NOISE)
    if make is Combiner:
        y = (rng.random(n) < 0.3).astype(float)
        P = expit(3 * y - 1.5 + NOISE[:, None] * rng.standard_normal((m, n)))
        absent = rng.random(P.shape) < missing
    else:
        y = rng.integers(0, 3, n)
        P = softmax(2 * np.eye(3)[:, y] + NOISE[:, None, None] * rng.standard_normal((m, 3, n)), axis=1)
        absent = np.broadcast_to(rng.random((m, 1, n)) < missing, P.shape)
    P[absent] = np.nan
    return P, np.where(np.arange(n) < 100, y, np.nan)


def fit(make, P, labels, sample_weight=None):
    if make is MulticlassCombiner:
        return make(1).fit(P, labels, sample_weight)
    return make(1).fit(EnsembleData(P, labels, sample_weight=sample_weight))


def test_of_one_aggregator_of_log_odds_it_is_the_weights_times_the_spread():
    rng = np.random.default_rng(0)
    R, w = rng.random((4, 300)), np.array([0.9, -0.4, 0.0, 0.2])
    R[:, ::5], R[:, 1::5] = rng.integers(0, 2, (4, 60)), 1e-4  # clipped, on either side
    effects = marginal_effects(R, lambda P: expit(w @ log_odds(P) - 0.7))
    np.testing.assert_allclose(effects, w * log_odds(R).std(axis=1), atol=1e-5)


def test_of_one_aggregator_of_several_classes_it_is_the_same():
    rng = np.random.default_rng(0)
    P, w, b = rng.dirichlet(np.full(4, 0.3), (3, 200)).transpose(0, 2, 1), np.array([0.9, -0.4, 0.2]), np.arange(4)
    P[:, :, ::5] = np.eye(4)[:, rng.integers(0, 4, (3, 40))].transpose(1, 0, 2)

    def predict(block):
        return softmax(np.tensordot(w, class_log_odds(block), 1) + b[:, None], axis=0)

    np.testing.assert_allclose(marginal_effects(P, predict), w * log_odds(P).std(axis=2).mean(axis=1), atol=1e-5)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_better_classifiers_count_more(make, missing):
    correlations = []
    for seed in range(4):
        w = fit(make, *ensemble(make, seed, missing=missing)).get_aggregator_weights()
        correlations.append(spearmanr(w, -NOISE).statistic)
    assert min(correlations) > 0.3
    assert np.mean(correlations) > 0.6


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
@pytest.mark.parametrize("make", MAKES)
def test_who_says_the_same_of_all_or_nothing_counts_nothing(make):
    P, labels = ensemble(make)
    P[2] = 0.3 if make is Combiner else np.array([0.5, 0.3, 0.2])[:, None]
    P[4] = np.nan
    w = fit(make, P, labels).get_aggregator_weights()
    np.testing.assert_allclose(w[[2, 4]], 0, atol=1e-12)
    assert np.count_nonzero(np.abs(w) > 1e-6) == len(w) - 2


def test_a_base_rate_that_varies_with_the_fold_counts_next_to_nothing():
    R, labels = ensemble(Combiner)
    R[2] = 0.3 + 0.005 * (np.arange(R.shape[1]) % 3)
    w = fit(Combiner, R, labels).get_aggregator_weights()
    assert abs(w[2]) < 0.1 * w.max()


@pytest.mark.parametrize("make", MAKES)
def test_the_order_of_classifiers_does_not_matter(make):
    P, labels = ensemble(make, missing=0.2)
    order = np.random.default_rng(0).permutation(len(P))
    w = fit(make, P, labels).get_aggregator_weights()
    np.testing.assert_allclose(fit(make, P[order], labels).get_aggregator_weights(), w[order], atol=1e-4)


@pytest.mark.parametrize("make", MAKES)
def test_an_instance_counts_as_often_as_its_sample_weight_says(make):
    P, labels = ensemble(make, n=240)
    counts = 1 + np.arange(240) % 2
    weighted = fit(make, P, labels, counts.astype(float)).get_aggregator_weights()
    repeated = fit(make, np.repeat(P, counts, axis=-1), np.repeat(labels, counts)).get_aggregator_weights()
    np.testing.assert_allclose(weighted, repeated, atol=0.03)


def test_it_looks_at_a_bounded_number_of_predictions_of_instances_that_the_classifier_predicted():
    R = np.random.default_rng(0).random((30, 5000))
    R[0, ::2] = np.nan
    seen = []

    def predict(block):
        seen.append(block)
        return np.full(block.shape[1], 0.5)

    assert not marginal_effects(R, predict).any()
    assert not np.isnan(seen[0][0]).any()
    assert sum(block.shape[1] for block in seen) <= 2 * 30 * 1000
