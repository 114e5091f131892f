"""The confidence rule against its formula, entry by entry, and what it refuses."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.data import ConfidenceRule

NAN = np.nan
R = np.array(
    [
        [0.9, 0.2, NAN, 0.6],
        [0.7, 0.4, 0.1, NAN],
        [NAN, 0.5, 0.3, 1.0],
    ]
)
LABELS = [1, 0, NAN, 0]
RULES = {
    "nothing": ConfidenceRule(),
    "constant": ConfidenceRule(2),
    "certainty": ConfidenceRule(certainty=3),
    "classifiers": ConfidenceRule(per_classifier=[0.5, 0, 2]),
    "instances": ConfidenceRule(per_instance=[1, 2, 0, 4]),
    "labels": ConfidenceRule(1, labels=LABELS, alpha=0.5),
    "labels without influence": ConfidenceRule(1, labels=LABELS),
    "influence without labels": ConfidenceRule(1, alpha=2),
    "all": ConfidenceRule(0.1, 2, [0.5, 0, 2], [1, 2, 0, 4], labels=LABELS, alpha=1.5),
}


def weight(rule, R, u, i):
    """The formula for one entry."""
    r = float(R[u, i])
    if np.isnan(r):
        return 0.0
    base = rule.constant + rule.certainty * abs(r - 0.5)
    base += 0 if rule.per_classifier is None else rule.per_classifier[u]
    base += 0 if rule.per_instance is None else rule.per_instance[i]
    label = NAN if rule.labels is None else rule.labels[i]
    return base * (1 + rule.alpha * {1: r, 0: 1 - r}.get(label, 0))


def by_hand(rule, R):
    return np.array([[weight(rule, R, u, i) for i in range(R.shape[1])] for u in range(R.shape[0])])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_weights_follow_the_formula_in_the_precision_of_the_predictions(rule, dtype):
    predictions = R.astype(dtype)
    C = rule.weights(predictions)
    assert C.dtype == dtype
    np.testing.assert_allclose(C, by_hand(rule, predictions), rtol=4 * np.finfo(dtype).eps)
    assert (C[np.isnan(R)] == 0).all()
    np.testing.assert_array_equal(predictions, R.astype(dtype))


@given(seed=st.integers(0, 10**6), m=st.integers(1, 5), n=st.integers(1, 30))
def test_some_instances_have_the_weights_that_they_have_among_all(seed, m, n):
    rng = np.random.default_rng(seed)
    predictions = np.where(rng.random((m, n)) < 0.2, NAN, rng.random((m, n)))
    labels = np.where(rng.random(n) < 0.5, NAN, rng.integers(0, 2, n))
    some = slice(*sorted(rng.integers(0, n + 1, 2)))
    for rule in (
        ConfidenceRule(1, 2, rng.random(m)),
        ConfidenceRule(per_instance=rng.random(n)),
        ConfidenceRule(1, labels=labels, alpha=0.7),
        ConfidenceRule(1, 2, rng.random(m), rng.random(n), labels, 0.7),
    ):
        expected = rule.weights(predictions)
        np.testing.assert_array_equal(rule.select(some).weights(predictions[:, some]), expected[:, some])
        assert rule.select(slice(0, n)) is rule


def test_a_matrix_of_many_blocks_is_weighed_like_its_columns():
    rng = np.random.default_rng(0)
    predictions = rng.random((3, 100_000))
    rule = ConfidenceRule(0.1, 1, rng.random(3), rng.random(100_000), rng.integers(0, 2, 100_000), 0.5)
    C = rule.weights(predictions)
    for i in (0, 40_000, 99_999):
        np.testing.assert_allclose(C[:, i], [weight(rule, predictions, u, i) for u in range(3)], rtol=1e-14)


def test_labels_replace_those_of_the_rule():
    rule = RULES["all"]
    expected = ConfidenceRule(0.1, 2, [0.5, 0, 2], [1, 2, 0, 4], [NAN, NAN, 1, 1], 3).weights(R)
    np.testing.assert_array_equal(rule.with_labels([NAN, NAN, 1, 1], 3).weights(R), expected)
    np.testing.assert_array_equal(
        rule.with_labels(None, 0).weights(R), ConfidenceRule(0.1, 2, [0.5, 0, 2], [1, 2, 0, 4]).weights(R)
    )
    np.testing.assert_array_equal(rule.labels, LABELS)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_can_be_pickled_and_not_be_changed(rule):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rule)).weights(R), rule.weights(R))
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.alpha = 1.0


def test_the_kernels_find_floats_and_contiguous_float64():
    rule = ConfidenceRule(
        1,
        np.float32(0.5),
        np.arange(6, dtype=np.float32)[::2],
        np.arange(8)[::-2],
        np.array([1, 9, 0, 9, NAN, 9, 1, 9])[::2],
        2,
    )
    assert all(type(value) is float for value in (rule.constant, rule.certainty, rule.alpha))
    for values in (rule.per_classifier, rule.per_instance, rule.labels):
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
    np.testing.assert_array_equal(rule.per_instance, [7, 5, 3, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"constant": -1}, ValueError, "constant must be finite and >= 0, got -1"),
        ({"certainty": NAN}, ValueError, "certainty must be finite and >= 0, got nan"),
        ({"alpha": np.inf}, ValueError, "alpha must be finite and >= 0, got inf"),
        ({"alpha": "1"}, TypeError, "alpha must be a number, got '1'"),
        ({"per_classifier": [1, -2]}, ValueError, r"per_classifier\[1\] is -2.*: confidence weights are finite and"),
        ({"per_instance": [NAN]}, ValueError, r"per_instance\[0\] is nan"),
        ({"per_instance": [[1.0]]}, ValueError, r"per_instance must be 1-D, got shape \(1, 1\)"),
        ({"per_classifier": 1.0}, ValueError, r"per_classifier must be 1-D, got shape \(\)"),
        ({"labels": [1, 2]}, ValueError, r"labels\[1\] is 2"),
        ({"labels": [[1, 0]]}, ValueError, "labels must have one entry per instance"),
    ],
)  # fmt: skip
def test_bad_rules_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ConfidenceRule(**arguments)


@pytest.mark.parametrize(("name", "length"), [("per_classifier", 3), ("per_instance", 4), ("labels", 4)])
def test_a_rule_must_suit_the_predictions(name, length):
    message = rf"{name} must have length {length} to suit R's shape \(3, 4\), got 5"
    with pytest.raises(ValueError, match=message):
        ConfidenceRule(**{name: np.ones(5)}).weights(R)
