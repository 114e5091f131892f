"""Labels as users write them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cfensemble.estimators.labels import encode_labels, unlabelled

NAN = float("nan")


@pytest.mark.parametrize(
    "y",
    [
        ["b", None, "a", "b"],
        np.array(["b", None, "a", "b"], object),
        np.array(["b", NAN, "a", "b"], object),
        pd.Series(["b", None, "a", "b"]),
        pd.Series(["b", None, "a", "b"], dtype="string"),
        pd.Series(["b", None, "a", "b"], dtype="category"),
        pl.Series(["b", None, "a", "b"]),
        pa.chunked_array([["b", None, "a", "b"]]),
    ],
)
def test_strings_with_gaps(y):
    labels = encode_labels(y, 4)
    assert labels.classes.tolist() == ["a", "b"]
    np.testing.assert_array_equal(labels.codes, [1, NAN, 0, 1])
    assert labels.decoded().tolist() == ["b", None, "a", "b"]


@pytest.mark.parametrize(
    "y",
    [
        [5, -1, 3, 5],
        [5, None, 3, 5],
        [5, NAN, 3, 5],
        np.array([5.0, NAN, 3.0, -1.0])[[0, 1, 2, 0]],
        pd.Series([5, None, 3, 5], dtype="Int64"),
        pl.Series([5, None, 3, 5]),
    ],
)
def test_numbers_with_gaps(y):
    labels = encode_labels(y, 4)
    assert labels.classes.tolist() == [3, 5]
    np.testing.assert_array_equal(labels.codes, [1, NAN, 0, 1])


@pytest.mark.parametrize(
    "y", [pd.Series([5, None, 3], dtype="Int64"), pl.Series([5, None, 3]), pa.chunked_array([[5, None, 3]])]
)
def test_integers_stay_integers_where_some_are_missing(y):
    assert encode_labels(y, 3).classes.dtype.kind == "i"


def test_booleans():
    labels = encode_labels([True, None, False], 3)
    assert labels.classes.tolist() == [False, True]
    np.testing.assert_array_equal(labels.codes, [1, NAN, 0])


@pytest.mark.parametrize("marker", [0, 2.0, "unknown", None])
def test_another_marker(marker):
    y = [1, -1, marker, 1]
    if isinstance(marker, str):
        y = ["x", "-1", marker, "x"]
    labels = encode_labels(y, 4, marker)
    assert len(labels.classes) == 2
    np.testing.assert_array_equal(np.isnan(labels.codes), [False, False, True, False])


def test_dates_without_a_date_are_unlabelled():
    days = np.array(["2024-01-02", "NaT", "2024-01-01"], "datetime64[D]")
    np.testing.assert_array_equal(unlabelled(days), [False, True, False])
    np.testing.assert_array_equal(unlabelled(pd.Series(days)), [False, True, False])
    np.testing.assert_array_equal(encode_labels(days.astype(str).astype(object), 3, "NaT").codes, [1, NAN, 0])


def test_a_column_vector_is_taken_with_a_warning():
    with pytest.warns(UserWarning, match="column-vector"):
        assert encode_labels(np.array([[1], [0]]), 2).classes.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, -1, 1, 1], r"one class only, 1, .*-1 means unlabelled here.*unlabeled=None"),
        (["a", "a", None, None], r"one class only, 'a'"),
        ([None] * 4, r"all 4 rows are unlabelled.*cfensemble.combine"),
        ([-1] * 4, r"all 4 rows are unlabelled"),
        ([1, "a", None, 0], r"mixed types: y\[0\] is 1 and y\[1\] is 'a'"),
        ([None, "a", 1, 0], r"mixed types: y\[1\] is 'a' and y\[2\] is 1"),
        ([0.5, 0.25, 1.0, 2.0], r"Unknown label type: continuous"),
        ([1, 0, 1], r"y has 3 labels for 4 instances"),
        ([1, 0, np.inf, 1], r"y\[2\] is infinite"),
        (None, r"requires y to be passed"),
        ([[1, 0], [0, 1], [1, 1], [0, 0]], r"shape \(4, 2\)"),
    ],
)
def test_bad_labels_are_refused_in_one_sentence(y, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y, 4)


def test_minus_one_is_a_class_where_nothing_marks_the_unlabelled():
    assert encode_labels([1, -1, 1, -1], 4, unlabeled=None).classes.tolist() == [-1, 1]


def test_unlabelled_rows_are_found_in_labels_of_any_number_of_classes():
    np.testing.assert_array_equal(unlabelled([1, -1, None]), [False, True, True])
    np.testing.assert_array_equal(unlabelled(np.array(["a", "b"])), [False, False])
