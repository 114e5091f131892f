"""Predictions as users have them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from cfensemble.estimators.predictions import read_predictions

NAN = float("nan")
P = np.array([[0.9, 0.2], [NAN, 0.4], [0.1, 1.0]])
COLUMNS = {"svm": [0.9, None, 0.1], "bayes": [0.2, 0.4, 1]}
FRAME = pd.DataFrame(COLUMNS)
THREE = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    "table",
    [
        FRAME,
        FRAME.convert_dtypes(),
        FRAME.astype(object),
        FRAME.astype("float64[pyarrow]"),
        pl.DataFrame(COLUMNS, strict=False),
        pa.table(COLUMNS),
    ],
)
def test_tables_have_a_named_column_per_classifier(table):
    values, names = read_predictions(table)
    np.testing.assert_array_equal(values, P)
    assert values.dtype == np.float64
    assert names == ["svm", "bayes"]


@pytest.mark.parametrize("array", [P, P.astype(np.float32), np.asfortranarray(P), P.tolist()])
def test_arrays_have_no_names(array):
    values, names = read_predictions(array)
    np.testing.assert_allclose(values, P, rtol=1e-6)
    assert names is None
    assert values.dtype == getattr(array, "dtype", np.float64)


def test_a_table_whose_columns_are_numbered_has_no_names():
    assert read_predictions(pd.DataFrame(P))[1] is None


def test_a_list_holds_what_predict_proba_returns():
    values, names = read_predictions([THREE, THREE[::-1]])
    assert values.shape == (2, 2, 3)
    np.testing.assert_array_equal(values[:, 1], THREE[::-1])
    assert names is None


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_list_holds_frames_of_all_classes(frame):
    values, names = read_predictions([frame(THREE), frame(THREE[::-1])])
    np.testing.assert_array_equal(values, np.stack([THREE, THREE[::-1]], axis=1))
    assert names is None


def test_a_mapping_may_hold_the_probabilities_of_the_positive_class():
    values, names = read_predictions({"svm": P[:, 0], "bayes": pd.Series(P[:, 1])})
    np.testing.assert_array_equal(values, P)
    assert names == ["svm", "bayes"]


def test_a_mapping_gives_the_classifiers_names():
    values, names = read_predictions({"svm": THREE, "bayes": THREE})
    assert values.shape == (2, 2, 3)
    assert names == ["svm", "bayes"]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (pd.DataFrame({"svm": [0.1, 1.5]}), ValueError, r"P\[1, 0\] \(column 'svm'\) is 1.5: probabilities lie in"),
        ([[0.1, -0.2]], ValueError, r"P\[0, 1\] is -0.2"),
        (pd.DataFrame({"svm": [0.1], "city": ["Rome"]}), TypeError, r"column 'city' holds no probabilities"),
        ([["a"]], TypeError, r"P must hold numbers"),
        ([0.1, 0.2], ValueError, r"P must be 2-D or 3-D .* got shape \(2,\)"),
        (np.empty((0, 3)), ValueError, r"P is empty, shape \(0, 3\)"),
        (pd.DataFrame(index=[0, 1]), ValueError, r"P is empty"),
        ([], ValueError, r"got shape \(0,\)"),
        ({}, ValueError, r"P is empty"),
        ([THREE, THREE[:1]], ValueError, r"P\[1\] has shape \(1, 3\) and P\[0\] \(2, 3\)"),
        ({"a": THREE, "b": THREE[0]}, ValueError, r"P\['b'\] has shape \(3,\)"),
        ({"a": 0.5}, ValueError, r"P\['a'\] has shape \(\): each classifier needs an array"),
        (None, TypeError, r"data frame of probabilities, got None"),
        (sparse.csr_array(THREE), TypeError, r"got scipy's csr_array: pass P.toarray\(\), with NaN"),
        (pl.LazyFrame(COLUMNS, strict=False), TypeError, r"got polars's LazyFrame: pass P.collect\(\)"),
        (pd.DataFrame([[0.1, 0.2]], columns=["a", "a"]), ValueError, r"P has columns of the same name.*'a' 2 times"),
        (pa.table([[0.1], [0.2]], names=["a", "a"]), ValueError, r"P has columns of the same name"),
        ([THREE, THREE * 0.99], ValueError, r"P\[0, 1\] sums to 0.99; .* add up to 1 within 0.001"),
        ([np.where(THREE == 0.3, NAN, THREE)], ValueError, r"P\[0, 0\] is missing for some classes only"),
    ],
)
def test_bad_predictions_are_refused_in_one_sentence(value, error, message):
    with pytest.raises(error, match=message):
        read_predictions(value)


def test_missing_predictions_are_missing_for_all_classes():
    values, _ = read_predictions([np.where([[True], [False]], NAN, THREE)])
    assert np.isnan(values[0]).all()
