import numpy as np
import pytest
from scipy.stats import ttest_1samp

from cfensemble.baselines import BASELINES, plain_average
from cfensemble.comparison import compare, corrected_t, count_stratified_folds
from cfensemble.evaluation import score

NAN = np.nan


@pytest.fixture
def labels():
    """12 positives and 28 negatives among 100 instances."""
    t = np.full(100, NAN)
    t[10:22] = 1
    t[40:68] = 0
    return t


@pytest.fixture(name="R")
def predictions(labels):
    return 0.8 * np.random.default_rng(0).random((3, 100)) + 0.2 * np.nan_to_num(labels)


def test_without_overlap_the_test_is_students():
    values = np.random.default_rng(0).normal(0.3, 1, 20)
    mean, half, p_value = corrected_t(values, test_ratio=0.0)
    reference = ttest_1samp(values, 0)
    interval = reference.confidence_interval(0.95)
    assert mean == pytest.approx(values.mean())
    assert (mean - half, mean + half) == pytest.approx((interval.low, interval.high))
    assert p_value == pytest.approx(reference.pvalue)


def test_overlapping_training_sets_widen_the_interval_as_nadeau_and_bengio_say():
    values = np.random.default_rng(0).normal(0.3, 1, 50)
    _, plain, p_plain = corrected_t(values, 0.0)
    _, corrected, p_corrected = corrected_t(values, 1 / 4)
    assert corrected / plain == pytest.approx(np.sqrt(1 + 50 / 4))
    assert p_corrected > p_plain


def test_scores_that_are_all_the_same_leave_no_doubt():
    assert corrected_t(np.zeros(5), 0.25) == (0.0, 0.0, 1.0)
    assert corrected_t(np.full(5, 0.5), 0.25) == (0.5, 0.0, 0.0)


def test_each_fold_is_scored_for_itself_with_its_labels_hidden(R, labels):
    hidden = []

    def method(R_seen, seen):
        np.testing.assert_array_equal(R_seen, R)
        hidden.append(np.flatnonzero(np.isnan(seen) & ~np.isnan(labels)))
        return plain_average(R_seen, seen)

    found = compare({"ours": method}, {"average": plain_average}, R, labels, n_repeats=3)
    assert (found.n_labelled, found.n_folds, found.n_repeats) == (40, 5, 3)
    assert len(hidden) == 15
    for repeat in range(3):
        folds = hidden[5 * repeat : 5 * repeat + 5]
        np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.flatnonzero(~np.isnan(labels)))
    assert not np.array_equal(hidden[0], hidden[5])
    p = plain_average(R, labels)
    scores = [score(labels[fold], p[fold]) for fold in hidden]
    for metric in ("pr_auc", "log_loss", "brier"):
        expected, half, _ = corrected_t(np.array([getattr(s, metric) for s in scores]), 1 / 4)
        estimate = found.estimates[metric]["ours"]
        assert estimate.mean == pytest.approx(expected)
        assert estimate.low == pytest.approx(max(expected - half, 0))
        assert (estimate.difference, estimate.p_value) == (0.0, 1.0)


def test_every_method_is_tested_against_the_best_baseline_of_the_metric(R, labels):
    found = compare({"constant": lambda R, t: np.full(100, 0.5)}, BASELINES, R, labels, n_repeats=2)
    for metric, best in found.best_baseline.items():
        by_method = found.estimates[metric]
        means = {name: by_method[name].mean for name in BASELINES}
        assert by_method[best].mean == (max if metric == "pr_auc" else min)(means.values())
        assert by_method[best].p_value is None
        for name, estimate in by_method.items():
            if name != best:
                assert estimate.difference == pytest.approx(estimate.mean - by_method[best].mean)
                assert 0 <= estimate.p_value <= 1
    assert found.estimates["brier"]["constant"].mean == 0.25
    assert set(found.seconds) == {"constant", *BASELINES}


def test_the_same_seed_gives_the_same_folds(R, labels):
    first, again, other = (compare({}, BASELINES, R, labels, 2, seed).estimates for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_intervals_stay_among_the_values_a_metric_can_have(labels):
    R = np.clip(np.nan_to_num(labels) + np.random.default_rng(0).normal(0, 0.3, (2, 100)), 0, 1)
    estimate = compare({}, {"average": plain_average}, R, labels, 1).estimates["pr_auc"]["average"]
    assert 0 <= estimate.low <= estimate.mean <= estimate.high <= 1


def test_progress_is_told_after_each_fit(R, labels):
    told = []
    compare({}, BASELINES, R, labels, 2, on_fit=lambda: told.append(1))
    assert len(told) == 2 * count_stratified_folds(R, labels) * len(BASELINES)


@pytest.mark.parametrize(("sizes", "folds"), [((1, 9), 0), ((9, 0), 0), ((2, 9), 2), ((9, 30), 5)])
def test_there_are_as_many_folds_as_the_rarest_class_allows(sizes, folds):
    labels = np.repeat([1.0, 0.0], sizes)
    assert count_stratified_folds(np.full((1, labels.size), 0.5), labels) == folds


def test_too_few_labels_are_refused(R):
    labels = np.full(100, NAN)
    labels[:5] = [1, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="needs two labelled instances of each class"):
        compare({}, BASELINES, R, labels)


def test_no_repeats_are_refused(R, labels):
    with pytest.raises(ValueError, match="n_repeats must be at least 1"):
        compare({}, BASELINES, R, labels, n_repeats=0)
