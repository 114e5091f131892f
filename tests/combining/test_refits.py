"""Fits to other labels of the same instances."""

import numpy as np
import pytest

from cfensemble.combining import Combiner, MulticlassCombiner
from cfensemble.combining.refits import Refits
from cfensemble.data import EnsembleData


@pytest.fixture
def three():
    rng = np.random.default_rng(1)
    y = np.arange(150) % 3
    scores = np.eye(3)[y].T[None] * np.array([0.5, 1.0, 2.0, 0.0])[:, None, None] + rng.normal(size=(4, 3, 150))
    R = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    R[2, :, ::7] = np.nan
    R[:, :, 3] = np.nan
    return R, y.astype(float)


def test_a_refit_is_what_a_fit_to_these_labels_gives(imbalanced):
    data, _ = imbalanced
    R = data.R.copy()
    columns = np.flatnonzero(data.labeled_idx)
    R[:, columns[3]] = np.nan
    with pytest.warns(UserWarning, match="without any prediction"):
        combiner = Combiner().fit(EnsembleData(R, data.labels))
    chosen = np.arange(0, len(columns), 2)
    labels = np.full(data.n_instances, np.nan)
    labels[columns[chosen]] = data.labels[columns[chosen]]
    with pytest.warns(UserWarning, match="without any prediction"):
        expected = Combiner().fit(EnsembleData(R, labels)).predict()[columns]
    found = Refits(combiner, R, columns).predict(chosen, data.labels[columns[chosen]])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_refit_of_several_classes_is_what_a_fit_gives(three):
    R, y = three
    columns = np.arange(100)
    chosen = np.arange(0, 100, 3) + np.arange(34) % 3
    chosen = chosen[chosen < 100]
    labels = np.full(150, np.nan)
    labels[chosen] = y[chosen]
    refits = Refits(MulticlassCombiner().fit(R, y), R, columns)
    expected = MulticlassCombiner().fit(R, labels).predict()[:, columns]
    np.testing.assert_allclose(refits.predict(chosen, y[chosen]), expected, atol=1e-9)


def test_without_a_good_classifier_left_out_labels_are_less_likely_and_without_noise_they_are_not(three):
    R, y = three
    complete, *without = [
        found.mean() for found in Refits(MulticlassCombiner().fit(R, y), R, np.arange(150)).left_out_log_likelihoods(y)
    ]
    assert len(without) == 4
    assert without[2] < complete - 0.05
    assert without[3] == pytest.approx(complete, abs=0.03)


def test_left_out_labels_of_two_classes(imbalanced):
    data, _ = imbalanced
    columns = np.flatnonzero(data.labeled_idx)
    R = data.R.copy()
    R[4] = np.random.default_rng(0).random(R.shape[1])  # noise
    refits = Refits(Combiner().fit(EnsembleData(R, data.labels)), R, columns)
    complete, *without = [found.mean() for found in refits.left_out_log_likelihoods(data.labels[columns])]
    assert len(without) == data.n_classifiers
    assert without[4] == pytest.approx(complete, abs=0.01)
    assert -1 < complete < 0
