import numpy as np
import pytest

from cfensemble.baselines import plain_average, plain_class_average
from cfensemble.evaluation import (
    LOG_LOSS_CLIP,
    ClassScores,
    Scores,
    count_folds,
    cross_validate,
    cross_validate_classes,
    hide_folds,
    score,
    score_classes,
)

NAN = np.nan


@pytest.fixture
def labels():
    """12 positives and 28 negatives among 100 instances."""
    t = np.full(100, NAN)
    t[10:22] = 1
    t[40:68] = 0
    return t


@pytest.fixture(name="R")
def predictions():
    return np.random.default_rng(0).random((3, 100))


def test_scores_are_the_textbook_ones():
    y = np.array([1.0, 0.0, 1.0, 0.0])
    p = np.array([0.9, 0.6, 0.5, 0.2])
    scores = score(y, p)
    assert scores.pr_auc == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert scores.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.5, 0.8]).mean())
    assert scores.brier == pytest.approx((0.1**2 + 0.6**2 + 0.5**2 + 0.2**2) / 4)


def test_a_certain_and_wrong_probability_costs_a_finite_log_loss():
    scores = score(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    assert scores.log_loss == pytest.approx(-np.log(LOG_LOSS_CLIP) / 2, rel=1e-6)


def test_perfect_probabilities_get_perfect_scores():
    scores = score(np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]))
    assert scores == Scores(pr_auc=1.0, log_loss=pytest.approx(0.0, abs=1e-5), brier=0.0)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([1.0, 0.0], [0.5], r"equal length, got shapes \(2,\) and \(1,\)"),
        ([1.0, 0.0], [0.5, 1.2], r"p\[1\] is 1.2"),
        ([1.0, 0.0], [NAN, 0.5], r"p\[0\] is nan"),
        ([1.0, 1.0], [0.5, 0.5], r"both 0 and 1 and nothing else, found \[1.0\]"),
        ([1.0, NAN], [0.5, 0.5], "both 0 and 1 and nothing else"),
    ],
)
def test_scores_of_something_else_than_probabilities_and_labels_are_refused(y, p, message):
    with pytest.raises(ValueError, match=message):
        score(np.array(y), np.array(p))


@pytest.mark.parametrize(
    ("positives", "negatives", "folds"),
    [(0, 9, 0), (9, 0, 0), (0, 0, 0), (1, 9, 0), (2, 9, 2), (9, 3, 3), (5, 9, 5), (90, 90, 5)],
)
def test_there_are_as_many_folds_as_the_rarer_class_allows_up_to_five(positives, negatives, folds):
    assert count_folds(np.array([1.0] * positives + [0.0] * negatives + [NAN] * 4)) == folds


def test_each_fold_hides_its_own_labels_and_nothing_else(R, labels):
    seen = []

    def method(R_seen, labels_seen):
        np.testing.assert_array_equal(R_seen, R)
        seen.append(labels_seen.copy())
        return plain_average(R_seen, labels_seen)

    cross_validate(method, R, labels)
    known = ~np.isnan(labels)
    hidden = np.array([known & np.isnan(t) for t in seen])
    np.testing.assert_array_equal(hidden.sum(axis=0), known)
    for t in seen:
        kept = ~np.isnan(t)
        np.testing.assert_array_equal(t[kept], labels[kept])
        assert set(t[kept]) == {0, 1}


def test_folds_are_stratified_and_follow_the_seed(R, labels):
    def folds(seed):
        hidden = []

        def method(R_seen, labels_seen):
            hidden.append(np.isnan(labels_seen) & ~np.isnan(labels))
            return plain_average(R_seen, labels_seen)

        cross_validate(method, R, labels, seed)
        return np.array(hidden)

    assert [labels[fold].sum() in (2, 3) for fold in folds(0)] == [True] * 5
    np.testing.assert_array_equal(folds(1), folds(1))
    assert not np.array_equal(folds(0), folds(1))


def test_a_method_that_does_not_learn_scores_as_it_does_on_all_labelled_rows(R, labels):
    known = ~np.isnan(labels)
    expected = score(labels[known], plain_average(R, labels)[known])
    assert cross_validate(plain_average, R, labels) == expected


def test_a_method_that_repeats_the_labels_it_is_given_gains_nothing(R, labels):
    def cheat(R_seen, labels_seen):
        return np.nan_to_num(labels_seen, nan=0.5)

    scores = cross_validate(cheat, R, labels)
    assert scores.brier == 0.25
    assert scores.pr_auc == pytest.approx(12 / 40)


def test_cross_validation_leaves_the_labels_as_they_were(R, labels):
    before = labels.copy()
    cross_validate(plain_average, R, labels)
    np.testing.assert_array_equal(labels, before)


def test_too_few_labels_are_not_estimated(R):
    labels = np.full(100, NAN)
    labels[:9] = [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert cross_validate(plain_average, R, labels) is None


def test_a_method_that_answers_for_other_instances_is_refused(R, labels):
    with pytest.raises(ValueError, match=r"method returned shape \(40,\)"):
        cross_validate(lambda R, t: np.full(40, 0.5), R, labels)


def test_scores_of_classes_are_the_textbook_ones():
    p = np.array([[0.5, 0.2, 0.1], [0.3, 0.2, 0.9], [0.2, 0.6, 0.0]])
    scores = score_classes(np.array([0, 2, 2]), p)
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.log_loss == pytest.approx(-np.log([0.5, 0.6, LOG_LOSS_CLIP]).mean())
    assert scores.brier == pytest.approx((0.25 + 0.09 + 0.04 + 0.04 + 0.04 + 0.16 + 0.01 + 0.81 + 1) / 3)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([0.0], [[0.5, 0.5], [0.5, 0.5]], "y must have one entry per instance"),
        ([0.0], [[0.5], [0.2]], "adds up to 0.7"),
        ([2.0], [[0.5], [0.5]], r"y\[0\] is 2.0: labels are classes from 0 to 1"),
        ([NAN], [[0.5], [0.5]], "must be complete"),
        ([1.0], [[NAN], [NAN]], "must be complete"),
    ],
)
def test_scores_of_something_else_than_class_probabilities_are_refused(y, p, message):
    with pytest.raises(ValueError, match=message):
        score_classes(np.array(y), np.array(p))


@pytest.mark.parametrize(("sizes", "folds"), [((0, 4, 0), 0), ((1, 4, 4), 0), ((3, 0, 4), 3), ((9, 9, 9), 5)])
def test_there_are_as_many_folds_as_the_rarest_labelled_class_allows(sizes, folds):
    assert count_folds(np.append(np.repeat([0.0, 1.0, 2.0], sizes), NAN)) == folds


@pytest.mark.parametrize(("sizes", "folds"), [((0, 4, 4), 0), ((1, 4, 4), 0), ((3, 2, 4), 2), ((9, 9, 9), 5)])
def test_all_classes_must_have_labels_where_their_number_is_given(sizes, folds):
    assert count_folds(np.append(np.repeat([0.0, 1.0, 2.0], sizes), NAN), n_classes=3) == folds


def test_folds_are_hidden_one_after_the_other_and_divided_anew_in_each_repeat(labels):
    known = np.flatnonzero(~np.isnan(labels))
    hidden = []
    for fold, masked in hide_folds(labels, 4, n_repeats=3, seed=1):
        np.testing.assert_array_equal(fold, np.flatnonzero(np.isnan(masked) & ~np.isnan(labels)))
        assert set(labels[fold]) == {0, 1}
        hidden.append(fold)
    repeats = [hidden[4 * k : 4 * k + 4] for k in range(3)]
    for repeat in repeats:
        np.testing.assert_array_equal(np.sort(np.concatenate(repeat)), known)
    assert not np.array_equal(repeats[0][0], repeats[1][0])
    for fold, (single, _) in zip(repeats[0], hide_folds(labels, 4, seed=1), strict=True):
        np.testing.assert_array_equal(fold, single)


def test_classes_are_cross_validated_with_their_own_labels_hidden():
    rng = np.random.default_rng(0)
    R = rng.dirichlet(np.ones(3), (4, 100)).transpose(0, 2, 1)
    labels = np.where(np.arange(100) < 60, rng.integers(0, 3, 100), NAN)
    known = ~np.isnan(labels)
    expected = score_classes(labels[known], plain_class_average(R, labels)[:, known])
    found = cross_validate_classes(plain_class_average, R, labels)
    assert isinstance(found, ClassScores)
    assert vars(found) == pytest.approx(vars(expected))

    def cheat(R_seen, labels_seen):
        return np.where(np.isnan(labels_seen), 1 / 3, np.eye(3)[:, np.nan_to_num(labels_seen).astype(int)])

    found = cross_validate_classes(cheat, R, labels)
    assert isinstance(found, ClassScores)
    assert found.log_loss == pytest.approx(np.log(3))
    assert cross_validate_classes(cheat, R, np.full(100, NAN)) is None
