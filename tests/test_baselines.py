import numpy as np
import pytest

from cfensemble.baselines import (
    BASELINES,
    MULTICLASS_BASELINES,
    best_single,
    best_single_by_log_loss,
    class_median,
    impute,
    impute_classes,
    median,
    nonnegative_least_squares,
    plain_average,
)

NAN = np.nan
LEARNED = {name: BASELINES[name] for name in ("best single", "logistic stacking", "non-negative least squares")}


@pytest.fixture
def problem():
    """Six classifiers from good to useless, 80 of 400 labels known."""
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.3).astype(float)
    noise = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])[:, None]
    R = (1 - noise) * y + noise * rng.random((6, 400))
    labels = np.where(np.arange(400) < 80, y, NAN)
    return R, labels, y


def test_missing_entries_get_the_mean_of_their_classifier_and_an_empty_classifier_one_half():
    R = np.array([[0.2, NAN, 0.4], [NAN, NAN, NAN], [1.0, 0.0, 0.5]])
    before = R.copy()
    np.testing.assert_allclose(impute(R), [[0.2, 0.3, 0.4], [0.5, 0.5, 0.5], [1.0, 0.0, 0.5]])
    np.testing.assert_array_equal(R, before)


def test_average_and_median_are_taken_over_the_imputed_classifiers():
    R = np.array([[0.2, NAN], [0.4, 0.4], [0.9, 0.5]])
    labels = np.array([1.0, NAN])
    np.testing.assert_allclose(plain_average(R, labels), [0.5, (0.2 + 0.4 + 0.5) / 3])
    np.testing.assert_allclose(median(R, labels), [0.4, 0.4])


def test_best_single_is_the_classifier_that_ranks_the_labelled_instances_best():
    R = np.array([[0.1, 0.9, 0.8, 0.3], [0.5, 0.6, 0.4, 0.7], [0.9, 0.8, 0.1, NAN]])
    labels = np.array([1.0, 0.0, 0.0, NAN])
    np.testing.assert_allclose(best_single(R, labels), [0.9, 0.8, 0.1, 0.6])


def test_best_single_breaks_ties_by_the_brier_score():
    R = np.array([[0.6, 0.5, 0.4], [0.9, 0.2, 0.1], [0.8, 0.3, 0.2]])
    np.testing.assert_array_equal(best_single(R, np.array([1.0, 0.0, NAN])), R[1])


def test_nonnegative_least_squares_finds_the_weights_that_made_the_labels():
    R = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.5], [0.3, 0.3, 0.3, 0.3]])
    labels = np.array([1.0, 0.0, 0.0, NAN])
    np.testing.assert_allclose(nonnegative_least_squares(R, labels), R[0], atol=1e-12)


def test_nonnegative_least_squares_keeps_the_ranking_where_the_sum_exceeds_one():
    R = np.array([[0.2, 0.0, 0.4, 0.8]])
    p = nonnegative_least_squares(R, np.array([1.0, 0.0, NAN, NAN]))
    np.testing.assert_allclose(p, [0.25, 0.0, 0.5, 1.0])


def test_nonnegative_least_squares_without_any_weight_is_the_plain_average():
    R = np.array([[0.0, 0.2, 0.6], [0.0, 0.4, 0.2]])
    labels = np.array([1.0, 0.0, NAN])
    np.testing.assert_allclose(nonnegative_least_squares(R, labels), plain_average(R, labels))


@pytest.mark.parametrize("name", BASELINES)
def test_every_method_returns_a_probability_of_every_instance_and_leaves_its_input_alone(name, problem):
    R, labels, _ = problem
    R[np.random.default_rng(1).random(R.shape) < 0.1] = NAN
    R_before, labels_before = R.copy(), labels.copy()
    p = BASELINES[name](R, labels)
    assert p.shape == labels.shape
    assert np.all((p >= 0) & (p <= 1))
    np.testing.assert_array_equal(R, R_before)
    np.testing.assert_array_equal(labels, labels_before)


@pytest.mark.parametrize("name", LEARNED)
def test_learned_methods_use_the_labels_to_tell_good_from_useless(name, problem):
    R, labels, y = problem
    hidden = np.isnan(labels)
    error = np.mean((LEARNED[name](R, labels)[hidden] - y[hidden]) ** 2)
    assert error < 0.5 * np.mean((plain_average(R, labels)[hidden] - y[hidden]) ** 2)


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("only", [0.0, 1.0, NAN])
def test_learned_methods_say_that_they_need_both_classes(name, only):
    R = np.array([[0.2, 0.7, 0.5]])
    with pytest.raises(ValueError, match=f"{name} needs labelled instances of both classes"):
        LEARNED[name](R, np.array([only, only, NAN]))


@pytest.fixture
def classes():
    """Five classifiers of three classes from good to useless, 60 of 300 labels known."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    noise = np.array([0.2, 0.4, 0.7, 0.9, 1.0])[:, None, None]
    R = (1 - noise) * np.eye(3)[:, y] + noise * rng.dirichlet(np.ones(3), (5, 300)).transpose(0, 2, 1)
    return R, np.where(np.arange(300) < 60, y, NAN), y


def test_missing_predictions_of_classes_get_the_mean_of_their_classifier():
    R = np.array([[[0.2, NAN, 0.4], [0.8, NAN, 0.6]], [[NAN, NAN, NAN], [NAN, NAN, NAN]]])
    np.testing.assert_allclose(impute_classes(R), [[[0.2, 0.3, 0.4], [0.8, 0.7, 0.6]], np.full((2, 3), 0.5)])


def test_the_median_of_classes_adds_up_to_one():
    R = np.array([[[1.0], [0.0], [0.0]], [[0.0], [1.0], [0.0]], [[0.0], [0.0], [1.0]]])
    np.testing.assert_allclose(class_median(R, np.array([NAN])), np.full((3, 1), 1 / 3))
    np.testing.assert_allclose(class_median(R[[0, 0, 1]], np.array([NAN])), [[1], [0], [0]])


def test_best_single_of_classes_has_the_lowest_log_loss():
    R = np.array([[[0.4, 0.9], [0.6, 0.1]], [[0.6, 0.7], [0.4, 0.3]]])
    np.testing.assert_allclose(best_single_by_log_loss(R, np.array([0.0, NAN])), R[1])


@pytest.mark.parametrize("name", MULTICLASS_BASELINES)
def test_every_method_for_classes_returns_probabilities_and_leaves_its_input_alone(name, classes):
    R, labels, y = classes
    R[np.broadcast_to(np.random.default_rng(1).random((5, 1, 300)) < 0.1, R.shape)] = NAN
    R_before, labels_before = R.copy(), labels.copy()
    p = MULTICLASS_BASELINES[name](R, labels)
    assert p.shape == (3, 300)
    assert np.all(p >= 0)
    np.testing.assert_allclose(p.sum(axis=0), 1)
    assert np.mean(p.argmax(axis=0) == y) > 0.8
    np.testing.assert_array_equal(R, R_before)
    np.testing.assert_array_equal(labels, labels_before)


@pytest.mark.parametrize("name", ["multinomial stacking", "tuned multinomial stacking"])
def test_stacking_of_classes_needs_two_of_them_but_not_all(name, classes):
    R, labels, _ = classes
    p = MULTICLASS_BASELINES[name](R, np.where(labels < 2, labels, NAN))
    np.testing.assert_array_equal(p[2], 0)
    with pytest.raises(ValueError, match=f"{name} needs labelled instances of 2 or more classes, found 1"):
        MULTICLASS_BASELINES[name](R, np.where(labels < 1, labels, NAN))


def test_tuned_stacking_does_with_a_single_label_of_a_class(classes):
    R, labels, y = classes
    few = np.where((labels < 2) | (np.arange(300) == np.flatnonzero(labels == 2)[0]), labels, NAN)
    p = MULTICLASS_BASELINES["tuned multinomial stacking"](R, few)
    assert np.mean(p.argmax(axis=0) == y) > 0.5


def test_best_single_of_classes_needs_a_label(classes):
    R, labels, _ = classes
    with pytest.raises(ValueError, match="best single needs labelled instances of 1 or more classes, found 0"):
        best_single_by_log_loss(R, np.full_like(labels, NAN))
