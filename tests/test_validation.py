"""The checks themselves: what passes keeps its value, what does not is named with its place."""

import re

import numpy as np
import pytest

from cfensemble import _validation as check

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("given", "expected"),
    [("f4", "f4"), ("f8", "f8"), (">f8", "f8"), ("f2", "f8"), ("i8", "f8"), ("u1", "f8"), ("?", "f8"), ("O", "f8")],
)
def test_a_matrix_keeps_float32_and_becomes_float64_otherwise(given, expected):
    value = np.array([[0, 1], [1, 1]], given)
    matrix = check.float_matrix(value, "R")
    assert matrix.dtype == np.dtype(expected)
    assert matrix.dtype.isnative
    np.testing.assert_array_equal(matrix, [[0, 1], [1, 1]])


def test_a_float_matrix_is_not_copied():
    value = np.ones((2, 3), np.float32)[:, ::-1]
    assert np.shares_memory(check.probability_matrix(value), value)
    assert np.shares_memory(check.confidence_matrix(value, value), value)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([0.5, 0.5], ValueError, r"R must be 2-D .*got shape \(2,\)"),
        (0.5, ValueError, r"R must be 2-D .*got shape \(\)"),
        ([[[0.5]]], ValueError, r"R must be 2-D .*got shape \(1, 1, 1\)"),
        ([[]], ValueError, r"R is empty, shape \(1, 0\)"),
        (np.empty((0, 4)), ValueError, r"R is empty, shape \(0, 4\)"),
        ([["a", "b"]], TypeError, "R must hold numbers"),
        ([[0.5j]], TypeError, "R must hold numbers"),
        ([[0.1, 0.2], [0.3]], ValueError, "R must be 2-D"),
        (np.ma.masked_array([[0.1, 0.2]], [[True, False]]), TypeError, r"R is a masked array: .*NaN"),
        ([[0.1, 0.2], [0.3, 1.5]], ValueError, r"R\[1, 1\] is 1.5: probabilities lie in \[0, 1\]"),
        ([[0.1, -0.2], [-0.3, 0.4]], ValueError, r"R\[0, 1\] is -0.2"),
        ([[NAN, INF]], ValueError, r"R\[0, 1\] is inf"),
        ([[NAN, -INF]], ValueError, r"R\[0, 1\] is -inf"),
    ],
)
def test_a_matrix_of_probabilities_must_be_one(value, error, message):
    with pytest.raises(error, match=message):
        check.probability_matrix(value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_confidence_takes_the_precision_of_the_predictions(dtype):
    C = check.confidence_matrix([[1, 2]], np.ones((1, 2), dtype))
    assert C.dtype == dtype
    np.testing.assert_array_equal(C, [[1, 2]])


@pytest.mark.parametrize(
    ("C", "message"),
    [
        ([[1, 1]], r"C must have R's shape \(2, 2\), got \(1, 2\)"),
        ([[0, 1], [-1, -2]], r"C\[1, 0\] is -1.0: confidence weights are finite and >= 0"),
        ([[0, 1], [1, NAN]], r"C\[1, 1\] is nan"),
        ([[INF, 1], [1, 1]], r"C\[0, 0\] is inf"),
        ([[1, 1], [1, 1e39]], r"C\[1, 1\] is "),
    ],
    ids=["shape", "negative", "nan", "inf", "beyond float32"],
)
def test_confidence_must_fit_the_predictions_and_be_finite_and_not_negative(C, message):
    with pytest.raises(ValueError, match=message):
        check.confidence_matrix(C, np.full((2, 2), 0.5, np.float32))


def test_confidence_of_a_missing_prediction_may_be_anything_and_is_not_copied():
    given = np.array([[2, -1, NAN, 3, INF]])
    assert np.shares_memory(check.confidence_matrix(given, np.array([[0.5, NAN, NAN, 1, NAN]])), given)
    with pytest.raises(ValueError, match=r"C\[0, 4\] is inf"):
        check.confidence_matrix(given, np.array([[0.5, NAN, NAN, 1, 1]]))


def test_the_place_in_a_large_matrix_is_the_place_in_the_whole():
    R = np.full((3, 200_000), 0.5)
    R[1, 150_001] = 2
    with pytest.raises(ValueError, match=r"R\[1, 150001\] is 2"):
        check.probability_matrix(R)
    with pytest.raises(ValueError, match=r"C\[1, 150001\] is -2"):
        check.confidence_matrix(np.where(R == 2, -2, 1), np.full(R.shape, 0.5))


@pytest.mark.parametrize("value", [[1, 0, NAN], (True, False, None), np.array([1, 0, NAN], np.float32)])
def test_labels_become_float64(value):
    labels = check.label_vector(value, 3)
    assert labels.dtype == np.float64
    np.testing.assert_array_equal(labels, [1, 0, NAN])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 0], r"labels must have one entry per instance, shape \(3,\), got \(2,\)"),
        ([[1], [0], [1]], r"got \(3, 1\)"),
        ([1, 0.5, 2], r"labels\[1\] is 0.5: labels are 1, 0, or NaN"),
        ([1, 0, -1], r"labels\[2\] is -1"),
        ([INF, 0, 1], r"labels\[0\] is inf"),
        (["yes", "no", "no"], "labels must be 1, 0, or NaN"),
        ([1j, 0, 0], "labels must be 1, 0, or NaN"),
    ],
)
def test_labels_must_be_1_0_or_nan_one_per_instance(value, message):
    with pytest.raises(ValueError, match=message):
        check.label_vector(value, 3)


def test_masked_labels_are_not_taken_for_known_ones():
    with pytest.raises(TypeError, match=r"labels is a masked array: .*NaN"):
        check.label_vector(np.ma.masked_array([1.0, 0.0], [True, False]), 2)


@pytest.mark.parametrize(
    "value",
    [
        [True, False, False, True],
        [0, 3],
        [3, 0, 3],
        [-4, -1],
        np.array([0, 3], np.uint8),
        (0, 3),
    ],
)
def test_a_mask_may_be_given_as_indices(value):
    mask = check.instance_mask(value, 4)
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, [True, False, False, True])


def test_no_indices_are_an_empty_mask():
    assert not check.instance_mask([], 4).any()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([True, False], ValueError, r"labeled_idx as a mask must have shape \(3,\), got \(2,\)"),
        ([0, 3], ValueError, "labeled_idx holds index 3, but there are 3 instances"),
        ([-4], ValueError, "labeled_idx holds index -4"),
        (np.array([0, 200], np.uint8), ValueError, "labeled_idx holds index 200"),
        ([0.0, 1.0], TypeError, "labeled_idx must be a boolean mask or 1-D integer indices, got 1-D float64"),
        ([[0], [1]], TypeError, "got 2-D int64"),
        (1, TypeError, "got 0-D int64"),
    ],
)
def test_a_mask_of_another_kind_is_refused(value, error, message):
    with pytest.raises(error, match=message):
        check.instance_mask(value, 3)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.int64(0)])
def test_a_number_comes_back_as_a_float(value):
    assert check.number(value, "rho", 0, 1) == float(value)
    assert type(check.number(value, "rho", 0, 1)) is float


@pytest.mark.parametrize(
    ("value", "bounds", "error", "message"),
    [
        (1.5, (0, 1), ValueError, r"x must be in \[0, 1\], got 1.5"),
        (-1, (0,), ValueError, "x must be finite and >= 0, got -1"),
        (NAN, (0, 1), ValueError, r"x must be in \[0, 1\], got nan"),
        (INF, (0,), ValueError, "x must be finite and >= 0, got inf"),
        (NAN, (), ValueError, "x must be a finite number, got nan"),
        ("1", (), TypeError, "x must be a number, got '1'"),
        (None, (), TypeError, "x must be a number, got None"),
        (True, (), TypeError, "x must be a number, got True"),
        (1j, (), TypeError, "x must be a number, got 1j"),
        (np.ones(1), (), TypeError, "x must be a number"),
    ],
)
def test_a_number_must_be_finite_and_within_its_bounds(value, bounds, error, message):
    with pytest.raises(error, match=message):
        check.number(value, "x", *bounds)


def test_a_share_lies_strictly_between_0_and_1():
    assert check.share(0.25, "fraction") == 0.25
    for value in (0, 1, -0.5, 1.5):
        with pytest.raises(ValueError, match=f"fraction must lie strictly between 0 and 1, got {value}"):
            check.share(value, "fraction")


def test_an_integer_comes_back_as_an_int():
    assert type(check.integer(np.int64(3), "n", 1)) is int
    assert check.integer(1, "n", 1, 1) == 1


@pytest.mark.parametrize(
    ("value", "bounds", "error", "message"),
    [
        (0, (1,), ValueError, "n must be at least 1, got 0"),
        (6, (1, 5), ValueError, r"n must be in \[1, 5\], got 6"),
        (2.0, (1,), TypeError, r"n must be an integer, got 2\.0"),
        (True, (1,), TypeError, "n must be an integer, got True"),
        ("2", (1,), TypeError, "n must be an integer, got '2'"),
    ],
)
def test_an_integer_must_be_one_and_within_its_bounds(value, bounds, error, message):
    with pytest.raises(error, match=message):
        check.integer(value, "n", *bounds)


def test_a_generator_comes_from_a_seed_or_is_one():
    rng = np.random.default_rng(3)
    assert check.generator(rng) is rng
    assert check.generator(np.int64(3)).random() == rng.random()
    assert check.generator(None).random() != check.generator(None).random()


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (0.5, TypeError), ("x", TypeError)])
def test_a_seed_is_an_integer_and_not_negative(seed, error):
    with pytest.raises(error, match="random_state must be"):
        check.generator(seed)


def test_a_choice_is_one_of_the_valid_names_or_an_error_lists_them():
    assert check.choice("b", "kind", ("a", "b")) == "b"
    for value in ("c", None, ["a"]):
        with pytest.raises(ValueError, match=re.escape(f"kind must be one of 'a', 'b', got {value!r}")):
            check.choice(value, "kind", ("a", "b"))
