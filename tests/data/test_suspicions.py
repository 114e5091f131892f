"""What was mixed up is noticed, and only that."""

import numpy as np
import pytest

from cfensemble import CFEnsembleClassifier, DataWarning, EnsembleData
from cfensemble.data.suspicions import backwards, copies_of_labels

NAN = np.nan


def ensemble():
    """Predictions (4, 200) of which some are missing, and 60 labels."""
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(200) < 60, np.arange(200) % 2, NAN)
    R = np.clip(0.5 + 0.3 * (np.arange(200) % 2 - 0.5) + rng.normal(0, 0.2, (4, 200)), 0, 1)
    R[rng.random(R.shape) < 0.2] = NAN
    return R, labels


def test_predictions_of_the_other_class_rank_backwards():
    R, labels = ensemble()
    assert backwards(R, labels) is None
    assert backwards(1 - R, labels) < 0.2


def test_one_inverted_classifier_does_not_make_the_others_suspect():
    R, labels = ensemble()
    R = 0.5 + 0.1 * (R - 0.5)
    R[3] = np.where(np.arange(200) % 2, 0.0, 1.0)
    assert backwards(R, labels) is None
    assert backwards(R[3:], labels) == 0


def test_noise_is_not_called_backwards():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        assert backwards(rng.random((3, 40)), (np.arange(40) % 4 == 0).astype(float)) is None


@pytest.mark.parametrize("labels", [np.full(4, NAN), np.array([1, 1, NAN, NAN])])
def test_without_both_classes_there_is_no_ranking(labels):
    assert backwards(np.full((2, 4), 0.5), labels) is None
    assert backwards(np.full((2, 4), NAN), np.array([0, 1, NAN, NAN])) is None


def test_copies_of_the_labels_are_found():
    labels = np.array([1, NAN, 0, NAN, 1, 0])
    R = np.array([[0.9, 0.2, 0.1, 0.5, 0.8, 0.3], labels, 1 - labels, np.where(labels == 1, 1, NAN)])
    assert copies_of_labels(R, labels).tolist() == [1]
    assert copies_of_labels(R[:, [0, 2, 4, 5]], labels[[0, 2, 4, 5]]).size == 0  # a perfect classifier of all rows
    with pytest.warns(DataWarning, match=r"R\[1\] holds the labels themselves"):
        EnsembleData(R[:3], labels)
    P = {"a": R[0], "label": R[1]}
    with pytest.warns(DataWarning, match="'label' holds the labels themselves"):
        CFEnsembleClassifier("als").fit(P, np.where(np.isnan(labels), -1, labels).astype(int))
