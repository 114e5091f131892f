"""Checks of what is to be drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Vector
from cfensemble._validation import label_vector, probability_matrix, reject_first
from cfensemble.plots.names import shown


def finite_vector(value: ArrayLike, name: str, size: int | None = None) -> Vector:
    """`value` as a vector of finite numbers, of this size if one is given."""
    vector = _numbers(value, name)
    if vector.ndim != 1 or vector.size == 0 or (size is not None and vector.size != size):
        expected = "1-D and not empty" if size is None else f"of shape ({size},)"
        raise ValueError(f"{name} must be {expected}, got shape {vector.shape}")
    reject_first(vector, ~np.isfinite(vector), name, "it must be finite")
    return vector


def optional_matrix(value: ArrayLike, name: str, shape: tuple[int, ...]) -> Vector:
    """`value` as numbers of this shape, NaN where there is none."""
    matrix = _numbers(value, name)
    if matrix.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {matrix.shape}")
    reject_first(matrix, np.isinf(matrix), name, "it must be finite, or NaN where there is none")
    return matrix


def read_predictions(y: ArrayLike, predictions: Mapping[str, ArrayLike]) -> tuple[Vector, dict[str, Vector]]:
    """The labels of the labelled instances, and each method's probabilities (repeats, labelled instances) of them."""
    shape = np.shape(y)
    if len(shape) != 1:
        raise ValueError(f"y must be 1-D, got shape {shape}")
    labels = label_vector(y, shape[0], "y")
    known = ~np.isnan(labels)
    if set(labels[known]) != {0, 1}:
        raise ValueError(f"y must hold both 0 and 1, found {np.unique(labels[known]).tolist()}")
    if not isinstance(predictions, Mapping) or not predictions:
        raise ValueError("predictions must map each method's name to its probabilities, and have at least one")
    read: dict[str, Vector] = {}
    for method, value in predictions.items():
        name = f"predictions[{method!r}]"
        p = probability_matrix(np.atleast_2d(value), name)
        if np.ndim(value) > 2 or p.shape[1] != labels.size:
            raise ValueError(
                f"{name} must have shape ({labels.size},) or (repeats, {labels.size}), as y has, got {np.shape(value)}"
            )
        read[_unused(shown(method), read)] = np.asarray(p[:, known], np.float64)
    return labels[known], read


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    """The name, marked if another one looks the same."""
    while name in taken:
        name += "'"
    return name


def _numbers(value: ArrayLike, name: str) -> Vector:
    try:
        return np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from error
