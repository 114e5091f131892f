"""omega: class weights, costs and their schedule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.objectives.label_weights import LabelledInstances, LabelWeighting, class_weights

Y = np.array([1.0, 0, 0, 0])
COLUMNS = np.array([7, 1, 4, 5])
CLASS_WEIGHTS = np.array([2, 2 / 3, 2 / 3, 2 / 3])


def omega(weighting, iteration=0, max_iter=10, previous=None):
    return weighting.omega(Y, COLUMNS, iteration, max_iter, previous)


@given(n_positive=st.integers(1, 50), n_negative=st.integers(1, 50))
def test_class_weights_give_both_classes_half_of_the_sum(n_positive, n_negative):
    y = np.repeat([1.0, 0.0], [n_positive, n_negative])
    weights = class_weights(y)
    assert weights.sum() == pytest.approx(len(y))
    assert weights[y == 1].sum() == pytest.approx(len(y) / 2)
    assert len(set(weights[y == 1])) == len(set(weights[y == 0])) == 1


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_class_weights_of_a_single_class_are_1(label):
    np.testing.assert_array_equal(class_weights(np.full(3, label)), 1)


@pytest.mark.parametrize(("use_class_weights", "weights"), [(True, CLASS_WEIGHTS), (False, np.ones(4))])
def test_labelled_instances_are_those_of_the_mask(use_class_weights, weights):
    labels = np.array([np.nan, 0, np.nan, 1, 0, 0])
    labelled = LabelledInstances.of(labels, ~np.isnan(labels), use_class_weights)
    np.testing.assert_array_equal(labelled.columns, [1, 3, 4, 5])
    np.testing.assert_array_equal(labelled.labels, [0, 1, 0, 0])
    np.testing.assert_allclose(labelled.weights, weights[[1, 0, 2, 3]])


INSTANCE_WEIGHT = np.arange(8.0)
PREVIOUS = np.array([0.5, 0.75, 1.0, 0.1])
UNDECIDED = np.array([1, 0.5, 0, 0.2])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, CLASS_WEIGHTS),
        ({"use_class_weights": False}, np.ones(4)),
        ({"class_weight": {0: 0.5, 1: 3}}, [3, 0.5, 0.5, 0.5]),
        ({"instance_weight": INSTANCE_WEIGHT}, CLASS_WEIGHTS * COLUMNS),
        ({"cost": "confidence"}, CLASS_WEIGHTS * UNDECIDED),
        (
            {"class_weight": {0: 0.5, 1: 3}, "instance_weight": INSTANCE_WEIGHT.tolist(), "cost": "confidence"},
            UNDECIDED * COLUMNS * [3, 0.5, 0.5, 0.5],
        ),
        ({"weight_schedule": lambda iteration: 0.25}, 0.25 * CLASS_WEIGHTS + 0.75),
    ],
    ids=str,
)
def test_omega_is_the_product_of_what_is_asked_for(settings, expected):
    np.testing.assert_allclose(omega(LabelWeighting(**settings), previous=PREVIOUS), expected, atol=1e-15)


def test_before_there_are_predictions_every_instance_is_undecided():
    np.testing.assert_allclose(omega(LabelWeighting(cost="confidence")), CLASS_WEIGHTS)


@pytest.mark.parametrize(("iteration", "share"), [(0, 0), (1, 0.2), (4, 0.8), (5, 1), (9, 1)])
def test_the_ramp_leads_from_uniform_to_full_weights_in_half_the_iterations(iteration, share):
    actual = omega(LabelWeighting(weight_schedule="ramp"), iteration)
    np.testing.assert_allclose(actual, share * CLASS_WEIGHTS + 1 - share)


def test_a_schedule_is_asked_with_the_iteration():
    weighting = LabelWeighting(weight_schedule=lambda iteration: iteration / 8)
    np.testing.assert_allclose(omega(weighting, 2), 0.25 * CLASS_WEIGHTS + 0.75)


@pytest.mark.parametrize(
    ("settings", "needs_predictions", "is_constant", "changing"),
    [
        ({}, False, True, []),
        ({"cost": "confidence"}, True, False, []),
        ({"weight_schedule": "ramp"}, False, False, [1, 2, 3, 4, 5]),
        ({"weight_schedule": lambda iteration: float(iteration >= 3)}, False, False, [3]),
    ],
    ids=str,
)
def test_a_weighting_tells_whether_and_when_it_changes(settings, needs_predictions, is_constant, changing):
    weighting = LabelWeighting(**settings)
    assert weighting.needs_predictions is needs_predictions
    assert weighting.is_constant is is_constant
    assert [i for i in range(10) if weighting.is_changing(i, 10)] == changing


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_weight": {1: 2}}, r"class_weight must map 0 and 1 to weights, got \{1: 2\}"),
        ({"class_weight": {0: 1, 1: 2, 2: 3}}, "class_weight must map 0 and 1"),
        ({"class_weight": "balanced"}, "class_weight must map 0 and 1 to weights, got 'balanced'"),
        ({"class_weight": {0: -1, 1: 2}}, r"class_weight\[0\] must be finite and >= 0, got -1"),
        ({"class_weight": {0: 0, 1: 2}}, "class_weight must be positive"),
        ({"instance_weight": [1.0, -1.0]}, r"instance_weight\[1\] is -1"),
        ({"instance_weight": [np.nan]}, r"instance_weight\[0\] is nan"),
        ({"instance_weight": [[1.0]]}, "instance_weight must be 1-D"),
        ({"cost": "certainty"}, "cost must be None or 'confidence', got 'certainty'"),
        ({"weight_schedule": "steep"}, "weight_schedule must be None, 'ramp' or callable, got 'steep'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LabelWeighting(**settings)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_a_schedule_must_stay_between_0_and_1(share):
    with pytest.raises(ValueError, match=r"weight_schedule\(3\) must be in \[0, 1\]"):
        omega(LabelWeighting(weight_schedule=lambda iteration: share), 3)


def test_weights_that_are_all_0_are_refused():
    with pytest.raises(ValueError, match="instance_weight is 0 on every labelled instance"):
        omega(LabelWeighting(instance_weight=np.zeros(8)))


def test_once_everything_is_decided_the_cost_no_longer_counts():
    decided = omega(LabelWeighting(cost="confidence"), previous=np.array([0.0, 1, 1, 0]))
    np.testing.assert_array_equal(decided, omega(LabelWeighting()))


def test_labels_that_are_missing_where_the_mask_says_otherwise_are_refused():
    with pytest.raises(ValueError, match=r"labels\[1\] is NaN, but labeled_idx says it is labelled"):
        LabelledInstances.of(np.array([1, np.nan]), np.array([True, True]), True)
