"""What all combiners do alike: they show their options, say when they are not fitted, and keep a factor model."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from cfensemble import Combiner, EnsembleData, MulticlassCombiner

TRUTH = np.arange(60) % 3
UNEVEN = 1.0 + np.arange(60) % 2


@pytest.fixture(params=[Combiner, MulticlassCombiner])
def make(request):
    return request.param


@pytest.fixture
def P(make):
    """What the combiner is fitted to: four classifiers' probabilities of three classes, or of the first one."""
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(3), (4, 60)).transpose(0, 2, 1) + 0.5 * (np.arange(3)[:, None] == TRUTH)
    P /= P.sum(axis=1, keepdims=True)
    P[np.broadcast_to(rng.random((4, 1, 60)) < 0.2, P.shape)] = np.nan
    return P if make is MulticlassCombiner else P[:, 0]


def fit(combiner, P, n_labeled=20, sample_weight=None):
    n = P.shape[-1]
    labels = np.where(np.arange(n) < n_labeled, TRUTH[:n], np.nan)
    if isinstance(combiner, MulticlassCombiner):
        return combiner.fit(P, labels, sample_weight)
    return combiner.fit(EnsembleData(P, np.where(np.isnan(labels), np.nan, labels == 0), None, sample_weight))


def test_it_shows_all_its_options(make):
    assert repr(make(2)) == f"{make.__name__}(n_threads=2, warm_start=False)"
    assert repr(make(warm_start=True)) == f"{make.__name__}(n_threads=None, warm_start=True)"


def test_what_it_learns_can_be_asked_for_after_the_fit_only(make, P):
    combiner = make(1)
    for ask in (combiner.predict, combiner.get_aggregator_weights, combiner.get_reconstruction):
        with pytest.raises(NotFittedError, match=f"this {make.__name__} is not fitted yet: call fit first"):
            ask()
    assert not hasattr(combiner, "n_iter_")
    assert not hasattr(combiner, "view_shares_")
    fit(combiner, P)
    assert combiner.n_iter_ == len(combiner.factor_model_.log_likelihood) - 1
    assert sum(combiner.view_shares_.values()) == pytest.approx(1)
    assert combiner.get_aggregator_weights().shape == (4,)


@pytest.mark.parametrize("sample_weight", [None, UNEVEN])
def test_a_warm_start_keeps_the_factor_model_and_changes_nothing(make, P, sample_weight, monkeypatch):
    warm, cold = make(1, warm_start=True), fit(make(1), P, 30, sample_weight)
    fit(warm, P, 10, sample_weight)
    monkeypatch.delattr("cfensemble.combining.combiner.fit_factor_model")
    monkeypatch.delattr("cfensemble.combining.multiclass.fit_factor_model")
    fit(warm, np.asfortranarray(P), 30, sample_weight)
    np.testing.assert_array_equal(warm.predict(), cold.predict())
    np.testing.assert_array_equal(warm.predict(R_new=P[..., :9]), cold.predict(R_new=P[..., :9]))


def test_a_warm_start_notices_other_predictions_and_other_sample_weights(make, P):
    warm = fit(make(1, warm_start=True), P)
    for other, weight in ((P[..., ::-1], None), (P[..., :40], None), (P[:3], None), (P, UNEVEN), (P, None)):
        expected = fit(make(1), other, 20, weight).predict()
        np.testing.assert_array_equal(fit(warm, other, 20, weight).predict(), expected)
