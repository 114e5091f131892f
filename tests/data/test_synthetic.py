"""Synthetic ensembles: what comes back, whether the quality asked for is met, and how diversity behaves."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cfensemble.data.synthetic import (
    _average_precision,
    generate_balanced_ensemble_data,
    generate_imbalanced_ensemble_data,
    generate_simple_ensemble_data,
)

GENERATORS = [
    generate_imbalanced_ensemble_data,
    generate_balanced_ensemble_data,
    generate_simple_ensemble_data,
]
CALIBRATED = GENERATORS[:2]
DIVERSITIES = ["low", "medium", "high"]

every_generator = pytest.mark.parametrize("generate", GENERATORS)
calibrated_generators = pytest.mark.parametrize("generate", CALIBRATED)


def mean_pr_auc(R, y_true):
    return np.mean([average_precision_score(y_true, r) for r in R])


def mean_error_correlation(R, y_true):
    return np.corrcoef(R - y_true)[np.triu_indices(len(R), 1)].mean()


@every_generator
@pytest.mark.parametrize("n_classifiers", [1, 7])
def test_returns_the_documented_arrays(generate, n_classifiers):
    R, labels, labeled_idx, y_true = generate(
        n_classifiers=n_classifiers, n_instances=120, n_labeled=40, random_state=0
    )
    assert (R.shape, R.dtype) == ((n_classifiers, 120), np.float64)
    assert (labels.shape, labels.dtype) == ((120,), np.float64)
    assert (labeled_idx.shape, labeled_idx.dtype) == ((120,), np.bool_)
    assert (y_true.shape, y_true.dtype) == ((120,), np.int64)
    assert R.min() > 0
    assert R.max() < 1
    assert set(y_true) == {0, 1}
    assert labeled_idx.sum() == 40
    np.testing.assert_array_equal(labels[labeled_idx], y_true[labeled_idx])
    assert np.isnan(labels[~labeled_idx]).all()


@pytest.mark.parametrize(("generate", "shape"), [*zip(GENERATORS, [(15, 300), (15, 300), (10, 200)], strict=True)])
def test_defaults(generate, shape):
    R, _, labeled_idx, _ = generate(random_state=0)
    assert R.shape == shape
    assert labeled_idx.sum() == shape[1] // 2


@pytest.mark.parametrize(
    ("n_instances", "positive_rate", "n_positive"),
    [(300, 0.10, 30), (300, 0.01, 3), (3000, 0.05, 150), (999, 0.10, 100), (100, 0.001, 2), (100, 0.9, 90)],
)
def test_number_of_positives_is_exact(n_instances, positive_rate, n_positive):
    _, _, _, y_true = generate_imbalanced_ensemble_data(
        n_instances=n_instances,
        n_labeled=50,
        positive_rate=positive_rate,
        target_quality=0.95,
        random_state=1,
    )
    assert y_true.sum() == n_positive


@pytest.mark.parametrize("generate", [generate_balanced_ensemble_data, generate_simple_ensemble_data])
def test_half_are_positive_in_a_balanced_task(generate):
    *_, y_true = generate(n_instances=200, random_state=1)
    assert y_true.sum() == 100


@pytest.mark.parametrize(
    ("n_labeled", "n_labeled_positive"),
    [(2, 1), (3, 1), (4, 2), (20, 2), (100, 10), (299, 30), (300, 30)],
)
def test_labelled_sample_is_stratified_and_holds_both_classes(n_labeled, n_labeled_positive):
    _, labels, labeled_idx, _ = generate_imbalanced_ensemble_data(n_labeled=n_labeled, random_state=2)
    assert labeled_idx.sum() == n_labeled
    assert np.nansum(labels) == n_labeled_positive


def test_scarce_positives_are_labelled_at_least_twice():
    _, labels, _, _ = generate_imbalanced_ensemble_data(
        n_instances=3000, n_labeled=30, positive_rate=0.01, random_state=2
    )
    assert np.nansum(labels) == 2


@pytest.mark.parametrize("diversity", DIVERSITIES)
@pytest.mark.parametrize("n_instances", [300, 3000])
@pytest.mark.parametrize("positive_rate", [0.10, 0.05, 0.01])
def test_mean_pr_auc_meets_the_target(positive_rate, n_instances, diversity):
    for seed, target in enumerate([0.25, 0.5, 0.7, 0.9]):
        R, _, _, y_true = generate_imbalanced_ensemble_data(
            n_instances=n_instances,
            positive_rate=positive_rate,
            target_quality=target,
            diversity=diversity,
            random_state=seed,
        )
        assert mean_pr_auc(R, y_true) == pytest.approx(target, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("positive_rate", [0.10, 0.05, 0.01])
@pytest.mark.parametrize("n_classifiers", [1, 2, 100])
def test_mean_pr_auc_meets_the_target_for_few_and_many_classifiers(n_classifiers, positive_rate, seed):
    R, _, _, y_true = generate_imbalanced_ensemble_data(
        n_classifiers=n_classifiers, positive_rate=positive_rate, random_state=seed
    )
    assert mean_pr_auc(R, y_true) == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("target", [0.12, 0.99])
@pytest.mark.parametrize("n_subgroups", [1, 4, 1000])
def test_extreme_targets_are_met_with_any_number_of_subgroups(target, n_subgroups):
    R, _, _, y_true = generate_imbalanced_ensemble_data(
        n_instances=3000, target_quality=target, n_subgroups=n_subgroups, random_state=3
    )
    assert mean_pr_auc(R, y_true) == pytest.approx(target, abs=0.01)


def test_large_sample_meets_the_target_closely():
    R, _, _, y_true = generate_imbalanced_ensemble_data(n_instances=100_000, positive_rate=0.01, random_state=4)
    assert _average_precision(R, y_true).mean() == pytest.approx(0.7, abs=0.002)


@pytest.mark.parametrize("target", [0.6, 0.8, 0.95])
def test_balanced_data_meet_the_target(target):
    R, _, _, y_true = generate_balanced_ensemble_data(target_quality=target, random_state=5)
    assert mean_pr_auc(R, y_true) == pytest.approx(target, abs=0.01)


def test_classifiers_errors_are_less_correlated_the_more_diverse_they_are():
    for seed in range(5):
        low, medium, high = (
            mean_error_correlation(R, y_true)
            for R, _, _, y_true in (
                generate_imbalanced_ensemble_data(n_instances=3000, diversity=diversity, random_state=seed)
                for diversity in DIVERSITIES
            )
        )
        assert low > medium > high > 0


def test_plain_average_gains_more_from_more_diversity():
    def gain(diversity, seed):
        R, _, _, y_true = generate_imbalanced_ensemble_data(n_instances=3000, diversity=diversity, random_state=seed)
        return average_precision_score(y_true, R.mean(axis=0)) - mean_pr_auc(R, y_true)

    low, medium, high = (np.mean([gain(diversity, seed) for seed in range(5)]) for diversity in DIVERSITIES)
    assert high > medium > low > 0.05
    assert high > 0.15


def test_classifiers_differ_in_quality():
    R, _, _, y_true = generate_imbalanced_ensemble_data(n_instances=3000, random_state=6)
    assert np.std(_average_precision(R, y_true)) > 0.05


@pytest.mark.parametrize("positive_rate", [0.1, 0.01])
def test_probabilities_are_roughly_calibrated(positive_rate):
    means = [
        generate_imbalanced_ensemble_data(n_instances=3000, positive_rate=positive_rate, random_state=seed)[0].mean()
        for seed in range(5)
    ]
    assert positive_rate / 2 < np.mean(means) < positive_rate * 2


def test_simple_data_get_harder_with_noise_and_easier_by_averaging():
    quality = []
    for noise in (0.1, 0.3, 0.6):
        R, _, _, y_true = generate_simple_ensemble_data(noise=noise, random_state=7)
        quality.append(mean_pr_auc(R, y_true))
        assert average_precision_score(y_true, R.mean(axis=0)) > quality[-1]
    assert quality[0] > quality[1] > quality[2]


@pytest.mark.parametrize("decimals", [1, 2, 15])
def test_average_precision_agrees_with_scikit_learn_ties_included(decimals):
    rng = np.random.default_rng(8)
    R = rng.random((6, 500)).round(decimals)
    y_true = (rng.random(500) < 0.2).astype(np.int64)
    expected = [average_precision_score(y_true, r) for r in R]
    np.testing.assert_allclose(_average_precision(R, y_true), expected, rtol=1e-12)


@every_generator
def test_same_seed_same_arrays(generate):
    first = generate(random_state=9)
    for again in (generate(random_state=9), generate(random_state=np.random.default_rng(9))):
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], generate(random_state=10)[0])


@every_generator
def test_a_generator_advances_and_no_seed_means_fresh_data(generate):
    rng = np.random.default_rng(9)
    assert not np.array_equal(generate(random_state=rng)[0], generate(random_state=rng)[0])
    assert not np.array_equal(generate()[0], generate()[0])


@every_generator
@pytest.mark.parametrize("random_state", [None, 11])
def test_global_generator_is_left_alone(generate, random_state):
    _, keys_before, *before = np.random.get_state()  # noqa: NPY002 (the state under test)
    generate(random_state=random_state)
    _, keys_after, *after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(keys_before, keys_after)
    assert before == after


@every_generator
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_classifiers": 0}, "n_classifiers must be at least 1, got 0"),
        ({"n_instances": 3}, "n_instances must be at least 4, got 3"),
        ({"n_labeled": 1}, r"n_labeled must be in \[2, [0-9]+\], got 1"),
        ({"n_instances": 50, "n_labeled": 51}, r"n_labeled must be in \[2, 50\], got 51"),
        ({"random_state": -1}, "random_state must be at least 0, got -1"),
    ],
)
def test_values_out_of_range_are_refused(generate, arguments, message):
    with pytest.raises(ValueError, match=message):
        generate(**arguments)


@every_generator
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_classifiers": 2.0}, "n_classifiers must be an integer, got 2.0"),
        ({"n_instances": "300"}, "n_instances must be an integer, got '300'"),
        ({"n_labeled": True}, "n_labeled must be an integer, got True"),
        ({"random_state": np.random.RandomState(0)}, "random_state must be an integer, got RandomState"),
        ({"random_state": 1.5}, "random_state must be an integer, got 1.5"),
    ],
)
def test_wrong_types_are_refused(generate, arguments, message):
    with pytest.raises(TypeError, match=message):
        generate(**arguments)


@calibrated_generators
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_subgroups": 0}, ValueError, "n_subgroups must be at least 1, got 0"),
        ({"diversity": "huge"}, ValueError, "diversity must be one of 'low', 'medium', 'high', got 'huge'"),
        ({"diversity": ["low"]}, ValueError, r"diversity must be one of .*, got \['low'\]"),
        ({"target_quality": 1.0}, ValueError, "target_quality must lie strictly between 0 and 1, got 1.0"),
        ({"target_quality": np.nan}, ValueError, "target_quality must be a finite number, got nan"),
        ({"target_quality": "0.7"}, TypeError, "target_quality must be a number, got '0.7'"),
        ({"target_quality": 0.05}, ValueError, r"target_quality must be above 0\.[15], .*got 0.05"),
    ],
)
def test_calibrated_generators_refuse_bad_settings(generate, arguments, error, message):
    with pytest.raises(error, match=message):
        generate(**arguments)


@pytest.mark.parametrize("positive_rate", [0, 1, -0.1])
def test_positive_rate_has_to_be_a_share(positive_rate):
    with pytest.raises(ValueError, match="positive_rate must lie strictly between 0 and 1"):
        generate_imbalanced_ensemble_data(positive_rate=positive_rate)


def test_target_at_the_positive_rate_is_refused_and_above_it_met():
    with pytest.raises(ValueError, match=r"target_quality must be above 0\.3,"):
        generate_imbalanced_ensemble_data(positive_rate=0.3, target_quality=0.3)
    R, _, _, y_true = generate_imbalanced_ensemble_data(positive_rate=0.3, target_quality=0.31, random_state=12)
    assert mean_pr_auc(R, y_true) == pytest.approx(0.31, abs=0.01)


def test_target_between_the_only_possible_values_is_refused():
    # The average precision of one classifier on two positives is 1, 5/6 or less.
    with pytest.raises(ValueError, match=r"target_quality = 0.92 is out of reach: .*2 positives"):
        generate_imbalanced_ensemble_data(
            n_classifiers=1, n_instances=200, positive_rate=0.01, target_quality=0.92, random_state=13
        )


@pytest.mark.parametrize("noise", [-0.1, np.inf, np.nan])
def test_simple_generator_refuses_bad_noise(noise):
    with pytest.raises(ValueError, match="noise must be finite and >= 0"):
        generate_simple_ensemble_data(noise=noise)
