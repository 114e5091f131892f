import numpy as np
import pytest
from scipy.stats import ttest_1samp

from cfensemble.baselines import BASELINES, plain_average
from cfensemble.comparison import compare, corrected_t, holm
from cfensemble.evaluation import LOG_LOSS_CLIP, count_folds, score

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


@pytest.mark.parametrize("n", [2, 5, 10])
def test_scores_that_are_all_the_same_tell_nothing_of_how_far_they_can_differ(n):
    assert corrected_t(np.zeros(n), 0.25) == (0.0, None, 1.0)
    assert corrected_t(np.full(n, 0.1), 0.25) == (pytest.approx(0.1), None, None)  # np.var of ten is not quite 0


def test_p_values_are_corrected_as_holm_says():
    assert holm({"a": 0.03, "b": 0.01, "c": 0.02, "d": 0.9}) == pytest.approx(
        {"b": 0.04, "c": 0.06, "a": 0.06, "d": 0.9}
    )
    assert holm({"a": 0.04}) == {"a": 0.04}
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


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
    methods = {f"{share}": lambda R, t, share=share: share * R[0] + 0.5 * (1 - share) for share in (0.9, 0.1)}
    found = compare(methods, BASELINES, R, labels, n_repeats=2)
    alone = [compare({name: method}, BASELINES, R, labels, n_repeats=2).estimates for name, method in methods.items()]
    for metric, best in found.best_baseline.items():
        by_method = found.estimates[metric]
        means = {name: by_method[name].mean for name in BASELINES}
        assert by_method[best].mean == (max if metric == "pr_auc" else min)(means.values())
        assert all(by_method[name].p_value is None for name in BASELINES)
        for name, estimate in by_method.items():
            if name == best:
                assert estimate.difference is None
            else:
                assert estimate.difference == pytest.approx(estimate.mean - by_method[best].mean)
        single = {name: found[metric][name].p_value for name, found in zip(methods, alone, strict=True)}
        assert {name: by_method[name].p_value for name in methods} == holm(single)
    assert set(found.seconds) == {*methods, *BASELINES}


def test_the_same_difference_in_all_folds_is_no_certainty(R, labels):
    labels[40:52], labels[52:68] = 0, NAN  # as many of either class: constants score the same in all folds
    labels[[20, 21, 50, 51]] = NAN
    method, baseline = (lambda R, t, p=p: np.full(100, p) for p in (1.0, 0.5))
    estimates = compare({"a": method}, {"b": baseline}, R, labels, 2).estimates["brier"]
    assert (estimates["a"].difference, estimates["a"].p_value) == (0.25, None)
    assert (estimates["a"].mean, estimates["a"].low, estimates["a"].high) == (0.5, None, None)


def test_the_same_seed_gives_the_same_folds(R, labels):
    first, again, other = (compare({}, BASELINES, R, labels, 2, seed).estimates for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_intervals_stay_among_the_values_a_metric_can_have(labels):
    R = np.clip(np.nan_to_num(labels) + np.random.default_rng(0).normal(0, 0.5, (2, 100)), 0, 1)
    estimate = compare({}, {"average": plain_average}, R, labels, 1).estimates["pr_auc"]["average"]
    assert 0 <= estimate.low <= estimate.mean <= estimate.high <= 1


@pytest.mark.parametrize(("metric", "largest"), [("brier", 1.0), ("log_loss", -np.log(LOG_LOSS_CLIP))])
def test_intervals_end_at_the_largest_value_of_two_classes(labels, metric, largest):
    flip = np.nan_to_num(labels)
    flip[10] = 1 - flip[10]
    wrong = lambda R, t: 1 - flip  # noqa: E731
    estimate = compare({}, {"wrong": wrong}, np.full((1, 100), 0.5), labels, 1).estimates[metric]["wrong"]
    assert 0 < estimate.low < estimate.mean < estimate.high == largest


def test_the_brier_score_of_several_classes_is_at_most_2():
    labels = np.repeat([0.0, 1.0, 2.0], 5)
    wrong = np.eye(3)[:, (labels.astype(int) + 1) % 3]
    wrong[:, 0] = [1, 0, 0]
    estimate = compare({}, {"wrong": lambda R, t: wrong}, np.full((1, 3, 15), 1 / 3), labels, 1).estimates["brier"][
        "wrong"
    ]
    assert 1 < estimate.mean < estimate.high == 2


def test_progress_is_told_after_each_fit(R, labels):
    told = []
    compare({}, BASELINES, R, labels, 2, on_fit=lambda: told.append(1))
    assert len(told) == 2 * count_folds(labels, 2) * len(BASELINES)


def test_lists_are_arrays_too(R, labels):
    baselines = {"average": plain_average}
    assert (
        compare({}, baselines, R.tolist(), labels.tolist(), 1).estimates
        == compare({}, baselines, R, labels, 1).estimates
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"R": np.full((3, 100), 5.0)}, r"R\[0, 0\] is 5.0"),
        ({"R": np.full((2, 3, 100), 0.5)}, r"R\[0, :, 0\] adds up to 1.5"),
        ({"labels": np.full(100, 2.0)}, r"labels\[0\] is 2.0"),
        ({"labels": np.zeros(7)}, "labels must have one entry per instance"),
        ({"baselines": {}}, "baselines is empty"),
        ({"methods": {"average": plain_average}}, "methods: 'average' is the name of a baseline as well"),
        ({"methods": {"a": lambda R, t: np.full(7, 0.5)}}, r"method returned shape \(7,\); expected .*\(100,\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(R, labels, change, message):
    arguments = {"methods": {}, "baselines": {"average": plain_average}, "R": R, "labels": labels} | change
    with pytest.raises(ValueError, match=message):
        compare(**arguments)


def test_too_few_labels_are_refused(R):
    labels = np.full(100, NAN)
    labels[:5] = [1, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="needs two labelled instances of each class"):
        compare({}, BASELINES, R, labels)


def test_no_repeats_are_refused(R, labels):
    with pytest.raises(ValueError, match="n_repeats must be at least 1"):
        compare({}, BASELINES, R, labels, n_repeats=0)
