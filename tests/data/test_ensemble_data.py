"""EnsembleData: what it holds, how labels are split, and what it refuses."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.data import CertaintyConfidence, EnsembleData, LabelAwareConfidence
from cfensemble.exceptions import DataWarning

NAN = np.nan
R = np.array([[0.9, 0.2, NAN, 0.6, 0.5], [0.7, 0.4, 0.1, NAN, 0.0], [NAN, 0.5, 0.3, 1.0, 1.0]])
LABELS = np.array([1, 0, NAN, NAN, 1])
C = np.arange(15.0).reshape(3, 5)


def locked(array, dtype=np.float64):
    array = np.array(array, dtype)
    array.flags.writeable = False
    return array


@pytest.fixture
def data():
    return EnsembleData(locked(R), locked(LABELS))


# ----------------------------------------------------------------------------------------- what it holds


def test_counts_and_masks(data):
    assert (data.n_classifiers, data.n_instances, data.n_labeled, data.n_unlabeled) == (3, 5, 3, 2)
    assert data.labeled_idx.dtype == data.unlabeled_idx.dtype == np.bool_
    np.testing.assert_array_equal(data.labeled_idx, [True, True, False, False, True])
    np.testing.assert_array_equal(data.unlabeled_idx, ~data.labeled_idx)
    np.testing.assert_array_equal(data.R, R)
    np.testing.assert_array_equal(data.labels, LABELS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_keep_their_precision_and_are_not_copied(dtype):
    given_R = locked(R, dtype)
    data = EnsembleData(given_R, LABELS)
    assert data.R.dtype == data.C.dtype == data.compute_label_aware_confidence().dtype == dtype
    assert np.shares_memory(data.R, given_R)


def test_lists_will_do():
    data = EnsembleData([[0, 1], [1, 1]], [True, None], [[1, 2], [3, 4]])
    assert data.R.dtype == data.C.dtype == np.float64
    assert data.n_labeled == 1


# ------------------------------------------------------------------------------------------------- weights


def test_without_weights_every_instance_counts_once(data):
    np.testing.assert_array_equal(data.sample_weight, 1)
    assert not data.has_sample_weight
    assert not EnsembleData(R, LABELS, sample_weight=[1] * 5).has_sample_weight
    assert "weights" not in data.summary()


def test_an_instance_of_weight_0_has_no_label():
    weight = locked([2, 0, 0.5, 0, 1])
    data = EnsembleData(R, locked(LABELS), sample_weight=weight)
    np.testing.assert_array_equal(data.sample_weight, weight)
    np.testing.assert_array_equal(data.labels, [1, NAN, NAN, NAN, 1])
    assert data.has_sample_weight
    assert data.n_labeled == 2
    assert "weights      3.5 in total" in data.summary()


def test_both_parts_of_a_split_have_the_weights():
    weight = np.arange(1.0, 6)
    for part in EnsembleData(R, LABELS, C, weight).split_labeled_data(0.5, random_state=0):
        np.testing.assert_array_equal(part.sample_weight, weight)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 2], r"sample_weight must have one entry per instance, shape \(5,\), got \(2,\)"),
        ([[1, 1, 1, 1, 1]], r"sample_weight must have one entry per instance, shape \(5,\), got \(1, 5\)"),
        ([1, 1, -1, 1, 1], r"sample_weight\[2\] is -1.0: weights of instances are finite and >= 0"),
        ([1, 1, 1, NAN, 1], r"sample_weight\[3\] is nan"),
        ([1, 1, 1, np.inf, 1], r"sample_weight\[3\] is inf"),
        ([0, 0, 0, 0, 0], "sample_weight is 0 for every instance"),
        ([1, 1e151, 1, 1, 1], r"sample_weight adds up to 1e\+151: at most 1e\+150 can be reckoned with"),
        ([1e308] * 5, "sample_weight adds up to inf"),
        (["a"] * 5, "sample_weight must hold a number per instance"),
        (2, r"sample_weight must have one entry per instance, shape \(5,\), got \(\)"),
    ],
)
def test_bad_weights_are_named(weight, message):
    with pytest.raises(ValueError, match=message):
        EnsembleData(R, LABELS, sample_weight=weight)


# -------------------------------------------------------------------------------------------- confidence


def test_the_default_confidence_is_certainty_computed_once_and_only_when_asked_for(data, monkeypatch):
    calls = []
    compute = CertaintyConfidence.compute
    monkeypatch.setattr(CertaintyConfidence, "compute", lambda *args: calls.append(1) or compute(*args))
    data.summary()
    data.split_labeled_data(random_state=0)
    assert not data.has_confidence
    assert not calls
    np.testing.assert_allclose(data.C, np.nan_to_num(np.abs(R - 0.5)))
    assert data.C is data.C
    assert len(calls) == 1
    assert not data.has_confidence


def test_a_given_confidence_wins_and_a_missing_prediction_still_has_weight_0():
    data = EnsembleData(R, LABELS, np.where(np.isnan(R), NAN, C))
    assert data.has_confidence
    np.testing.assert_array_equal(data.C, np.where(np.isnan(R), 0, C))


def test_update_confidence_replaces_it(data):
    data.update_confidence(locked(2 * C))
    assert data.has_confidence
    observed = ~np.isnan(R)
    np.testing.assert_array_equal(data.C[observed], 2 * C[observed])


def test_label_aware_confidence_modulates_what_it_is_given_and_changes_nothing(data):
    before = data.C.copy()
    np.testing.assert_allclose(
        data.compute_label_aware_confidence(2), LabelAwareConfidence(2).compute(R, LABELS), rtol=1e-14
    )
    np.testing.assert_allclose(
        data.compute_label_aware_confidence(base_confidence=locked(np.ones_like(R)))[:, [0, 1, 2, 4]],
        [[1.9, 1.8, 0, 1.5], [1.7, 1.6, 1, 1], [0, 1.5, 1, 2]],
    )
    np.testing.assert_array_equal(data.C, before)


def test_a_given_confidence_is_what_the_labels_modulate():
    data = EnsembleData(R, LABELS, np.ones_like(R))
    np.testing.assert_allclose(data.compute_label_aware_confidence(1)[0, [0, 1, 3, 4]], [1.9, 1.8, 1, 1.5])


# ----------------------------------------------------------------------------------------------- its parts


def test_labelled_and_unlabelled_parts(data):
    R_labelled, y, C_labelled = data.get_labeled_data()
    np.testing.assert_array_equal(R_labelled, R[:, [0, 1, 4]])
    np.testing.assert_array_equal(y, [1, 0, 1])
    np.testing.assert_array_equal(C_labelled, data.C[:, [0, 1, 4]])
    R_unlabelled, C_unlabelled = data.get_unlabeled_data()
    np.testing.assert_array_equal(R_unlabelled, R[:, [2, 3]])
    np.testing.assert_array_equal(C_unlabelled, data.C[:, [2, 3]])


def labelled_data(n_positive, n_negative, n_unlabelled, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([1, 0, NAN], [n_positive, n_negative, n_unlabelled]))
    return EnsembleData(rng.random((2, len(labels))), locked(labels))


@given(
    n_positive=st.integers(2, 20),
    n_negative=st.integers(2, 20),
    n_unlabelled=st.integers(0, 5),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 10**6),
)
def test_a_split_divides_each_class_and_loses_no_label(n_positive, n_negative, n_unlabelled, fraction, seed):
    data = labelled_data(n_positive, n_negative, n_unlabelled, seed)
    train, validation = data.split_labeled_data(fraction, random_state=seed)
    for part in (train, validation):
        assert part.R is data.R
        assert set(part.labels[part.labeled_idx]) == {0, 1}
        np.testing.assert_array_equal(part.labels[part.labeled_idx], data.labels[part.labeled_idx])
    assert not (train.labeled_idx & validation.labeled_idx).any()
    np.testing.assert_array_equal(train.labeled_idx | validation.labeled_idx, data.labeled_idx)
    for label, count in ((1, n_positive), (0, n_negative)):
        kept = np.count_nonzero(train.labels == label)
        assert abs(kept - fraction * count) <= 0.5 or kept in (1, count - 1)


def test_a_split_is_reproducible_and_leaves_the_global_generator_alone():
    data = labelled_data(30, 50, 20)
    state = np.random.get_state()[1].copy()  # noqa: NPY002, the global state is what is watched
    first, again, generator, other = (
        data.split_labeled_data(random_state=seed)[0].labels for seed in (1, 1, np.random.default_rng(1), 2)
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, generator)
    assert np.any(np.isnan(first) != np.isnan(other))
    assert np.count_nonzero(first == 1) == 24
    assert np.count_nonzero(first == 0) == 40
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_split_carries_a_given_confidence_along_and_only_a_given_one():
    data = EnsembleData(R, LABELS, C)
    assert all(part.has_confidence and part.C is data.C for part in data.split_labeled_data(random_state=0))
    by_rule = EnsembleData(R, LABELS)
    _ = by_rule.C
    assert not any(part.has_confidence for part in by_rule.split_labeled_data(random_state=0))


@pytest.mark.parametrize("labels", [[NAN, NAN, NAN], [1, NAN, NAN]])
def test_with_less_than_two_labels_one_part_has_none(labels):
    train, validation = EnsembleData(np.full((1, 3), 0.5), labels).split_labeled_data()
    np.testing.assert_array_equal(train.labels, labels)
    assert validation.n_labeled == 0


@pytest.mark.parametrize(
    ("fraction", "error"),
    [(0, ValueError), (1, ValueError), (-0.1, ValueError), (1.5, ValueError), (NAN, ValueError), ("x", TypeError)],
)
def test_a_split_needs_a_fraction(data, fraction, error):
    with pytest.raises(error, match="train_fraction must"):
        data.split_labeled_data(fraction)


# ------------------------------------------------------------------------------------------------- in words


def test_summary_and_repr_say_what_there_is(data):
    assert repr(data) == "EnsembleData(n_classifiers=3, n_instances=5, n_labeled=3, missing=20.0%)"
    for words in ("classifiers  3", "instances    5", "3 (60.0%; 66.7% positive)", "20.0% of", "by rule"):
        assert words in data.summary()
    data.update_confidence(C)
    assert "given" in data.summary()
    assert "no labels" in EnsembleData(R, np.full(5, NAN)).summary()


@pytest.mark.parametrize(
    ("hidden", "messages"),
    [
        ((1, slice(None)), [r"1 classifier\(s\) without any prediction, the first at index 1"]),
        ((slice(None), slice(3, None)), [r"2 instance\(s\) without any prediction, the first at index 3"]),
        ((slice(None), slice(None)), [r"3 classifier\(s\).* index 0", r"5 instance\(s\).* index 0"]),
    ],
    ids=["classifier", "instances", "all"],
)
def test_an_empty_classifier_or_instance_is_legal_and_warned_about_where_the_data_is_made(hidden, messages):
    emptied = R.copy()
    emptied[hidden] = NAN
    with pytest.warns(DataWarning) as warned:
        data = EnsembleData(emptied, LABELS)
    assert len(warned) == len(messages)
    for warning, message in zip(warned, messages, strict=True):
        assert warning.filename == __file__
        assert re.match(f"R has {message}", str(warning.message))
    assert not data.C[hidden].any()
    data.split_labeled_data()  # says nothing about it again


# ---------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"R": R[0]}, r"R must be 2-D \(classifiers x instances\), got shape \(5,\)"),
        ({"R": np.empty((3, 0))}, r"R is empty, shape \(3, 0\)"),
        ({"R": R + 0.2}, r"R\[0, 0\] is 1.1"),
        ({"R": np.where(R == 1, -np.inf, R)}, r"R\[2, 3\] is -inf"),
        ({"labels": LABELS[:3]}, "should be classifiers x instances: is it transposed"),
        ({"labels": LABELS[:4]}, r"labels must have one entry per instance, shape \(5,\), got \(4,\)"),
        ({"labels": 2 * LABELS}, r"labels\[0\] is 2"),
        ({"labels": ["a"] * 5}, "labels must be 1, 0, or NaN"),
        ({"C": C[:2]}, r"C must have R's shape \(3, 5\), got \(2, 5\)"),
        ({"C": C - 1}, r"C\[0, 0\] is -1"),
        ({"C": np.where(C == 7, np.inf, C)}, r"C\[1, 2\] is inf"),
    ],
)
def test_bad_input_is_named_with_its_place(arguments, message):
    with pytest.raises(ValueError, match=message):
        EnsembleData(**{"R": R, "labels": LABELS} | arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: data.update_confidence(-C), r"C_new\[0, 1\] is -1"),
        (lambda data: data.update_confidence(C.T), r"C_new must have R's shape \(3, 5\), got \(5, 3\)"),
        (lambda data: data.compute_label_aware_confidence(-1), "alpha must be finite and >= 0, got -1"),
        (lambda data: data.compute_label_aware_confidence(1, C[:1]), r"base_confidence must have R's shape"),
    ],
)
def test_a_refused_confidence_leaves_the_data_as_it_was(data, call, message):
    with pytest.raises(ValueError, match=message):
        call(data)
    assert not data.has_confidence
    np.testing.assert_allclose(data.C, np.nan_to_num(np.abs(R - 0.5)))
