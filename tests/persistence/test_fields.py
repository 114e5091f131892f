"""Kinds of values that models are made of."""

import json

import numpy as np
import pytest

from cfensemble.persistence.fields import Array, Plain, Values
from cfensemble.persistence.record import Record


def written_and_read(field, value):
    record = Record({})
    node = json.loads(json.dumps(field.write(value, "name", record)))
    return field.read(node, "name", Record(record.tensors))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["no", "yes", "perhaps"]),
        np.array(["no", 3, 2.5, True, None], object),
        np.array([False, True]),
        np.array([-3, 5], np.int8),
        np.array([2**63], np.uint64),
        np.array([0.1, 1e300]),
        np.array([0.1, 2], np.float32),
        np.array([], object),
        np.array(["\udc80", "\x00a", "\U0001f600"]),
    ],
)
def test_labels_and_names_keep_their_type(values):
    found = written_and_read(Values(), values)
    assert found.dtype == values.dtype
    assert found.tolist() == values.tolist()
    assert list(map(type, found.tolist())) == list(map(type, values.tolist()))


@pytest.mark.parametrize(
    "values", [np.array([b"no"]), np.array(["2020-01-01"], "M8[D]"), np.array([[1]]), np.array([object()], object)]
)
def test_other_labels_are_not_written(values):
    with pytest.raises(TypeError, match="cannot be written to a file"):
        Values().write(values, "classes_", Record({}))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (["no", "yes"], "must be a dtype and values"),
        ({"dtype": "<U9999999999", "values": ["no"]}, "unknown dtype"),
        ({"dtype": None, "values": ["no"]}, "unknown dtype None"),
        ({"dtype": "int64", "values": [True]}, "must hold values of dtype int64"),
        ({"dtype": "str", "values": ["no", 3]}, "must hold values of dtype str"),
    ],
)
def test_what_is_read_is_checked(node, message):
    with pytest.raises(ValueError, match=f"classes_.*{message}"):
        Values().read(node, "classes_", Record({}))


def test_a_number_too_large_for_its_dtype_is_an_error():
    with pytest.raises(OverflowError):
        Values().read({"dtype": "int8", "values": [300]}, "classes_", Record({}))


def test_plain_values_lose_their_numpy_types_only():
    for value in (None, True, 3, 0.1, "text", {"a": 1, 2: None}):
        assert written_and_read(Plain(), value) == value
    assert written_and_read(Plain(), np.float64(0.1)) == 0.1
    assert type(written_and_read(Plain(), np.int32(3))) is int
    with pytest.raises(ValueError, match="name must be a finite number, got inf"):
        written_and_read(Plain(), np.inf)
    with pytest.raises(TypeError, match="only None, booleans, numbers and strings can"):
        written_and_read(Plain(), print)


@pytest.mark.parametrize("array", [np.array(3.0), np.zeros((0, 3)), np.arange(6.0).reshape(2, 3).T, np.zeros(4)[::2]])
def test_arrays_of_any_layout_come_back(array):
    found = written_and_read(Array(*"abc"[: array.ndim]), array)
    np.testing.assert_array_equal(found, array)
    assert found.shape == array.shape
    assert found.flags.c_contiguous
