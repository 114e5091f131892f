"""Cross-validation and scoring where most rows have no label."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold, KFold

from cfensemble.model_selection import LabeledSplit, make_labeled_scorer

Y = np.array([0, 1, -1, 0, 1, -1, 0, 1, -1])
X = np.arange(18.0).reshape(9, 2)


@pytest.mark.parametrize("y", [Y, np.where(Y < 0, np.nan, Y), np.where(Y < 0, None, Y).tolist()])
@pytest.mark.parametrize("cv", [3, KFold(3), LabeledSplit(3).cv])
def test_each_labelled_row_is_tested_once_and_unlabelled_rows_are_always_trained_on(y, cv):
    splits = list(LabeledSplit(cv).split(X, y))
    assert len(splits) == LabeledSplit(cv).get_n_splits(X, y) == 3
    tested = np.concatenate([test for _, test in splits])
    assert sorted(tested) == [0, 1, 3, 4, 6, 7]
    for train, test in splits:
        assert set(train) | set(test) == set(range(9))
        assert not set(train) & set(test)


SORTED = np.array([0, 0, -1, 0, 1, -1, 1, 1, -1])


@pytest.mark.parametrize(
    "y",
    [
        SORTED,
        np.where(SORTED < 0, None, SORTED),
        pd.Series(np.where(SORTED < 0, None, SORTED)),
        pd.Series(np.where(SORTED < 0, None, SORTED), dtype="Int64"),
        np.where(SORTED < 0, None, np.where(SORTED, "yes", "no")),
    ],
)
def test_folds_are_stratified(y):
    for _, test in LabeledSplit(3).split(X, y):
        assert sorted(SORTED[test]) == [0, 1]


def test_groups_stay_together():
    groups = [0, 0, 9, 1, 1, 9, 2, 2, 9]
    tests = [test.tolist() for _, test in LabeledSplit(GroupKFold(3)).split(X, Y, groups)]
    assert sorted(tests) == [[0, 1], [3, 4], [6, 7]]


def test_splits_of_an_iterable_count_labelled_rows():
    splitter = LabeledSplit(iter([([0, 1, 2, 3], [4, 5])]))
    for _ in range(2):
        (split,) = splitter.split(X, Y)
        assert [part.tolist() for part in split] == [[0, 1, 2, 3, 4, 5, 8], [6, 7]]
    assert splitter.get_n_splits(X, Y) == 1


def test_indices_and_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="cv: its indices count the 6 labelled rows alone, 0 to 5, not all 9"):
        list(LabeledSplit([([0, 1, 2, 3], [4, 8])]).split(X, Y))
    splitter = LabeledSplit(GroupKFold(2))
    with pytest.raises(ValueError, match="groups has 6 entries for 9 rows"):
        list(splitter.split(X, Y, np.arange(6)))
    with pytest.raises(ValueError, match="groups has 10 entries for 9 rows"):
        splitter.get_n_splits(X, Y, list(range(10)))


def test_without_labels_there_is_nothing_to_split_or_score():
    with pytest.raises(ValueError, match="no labelled row to split"):
        next(LabeledSplit().split(X, np.full(9, -1)))
    model = DummyClassifier().fit(X, Y)
    with pytest.raises(ValueError, match="no labelled row to score"):
        make_labeled_scorer("accuracy")(model, X, np.full(9, -1))


@pytest.mark.parametrize("y", [Y, np.where(Y < 0, np.nan, Y), np.where(Y < 0, None, Y).tolist()])
def test_scorers_leave_out_unlabelled_rows(y):
    known = Y >= 0
    model = LogisticRegression().fit(X[known], Y[known])
    expected = accuracy_score(Y[known], model.predict(X[known]))
    assert make_labeled_scorer("accuracy")(model, X, y) == expected
    assert make_labeled_scorer(lambda model, X, y: float(len(y)))(model, X, y) == 6


def test_weights_of_unlabelled_rows_are_left_out_too():
    known = Y >= 0
    model = LogisticRegression().fit(X[known], Y[known])
    weight = np.arange(9.0)
    expected = accuracy_score(Y[known], model.predict(X[known]), sample_weight=weight[known])
    assert make_labeled_scorer("accuracy")(model, X, Y, sample_weight=weight) == expected
