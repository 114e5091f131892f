"""Checks of what users pass in: every error names the argument, the place, what was found and the cure."""

from collections.abc import Collection
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Mask, Vector

SUM_TOLERANCE = 1e-3
"""Probabilities of all classes may miss 1 by this much; single precision and rounded tables do."""
MAX_TOTAL_WEIGHT = 1e150
"""Beyond it, squares of sums over the instances may overflow."""


def float_matrix(value: ArrayLike, name: str, axes: str = "classifiers x instances") -> Float:
    """`value` as a 2-D, non-empty array; float32 and float64 are kept as they are, other numbers become float64."""
    return float_array(value, name, (2,), axes)


def float_array(value: ArrayLike, name: str, ndims: tuple[int, ...], axes: str) -> Float:
    """`value` as a non-empty array of so many dimensions, in the precision that `float_matrix` tells."""
    _reject_masked(value, name)
    expected = f"{name} must be {' or '.join(f'{ndim}-D' for ndim in ndims)} ({axes})"
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{expected}: {error}") from error
    if array.ndim not in ndims:
        raise ValueError(f"{expected}, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: it needs at least one row and one column ({axes})")
    if array.dtype in (np.float32, np.float64):
        return array if array.flags.aligned else array.copy()  # fields of packed records, say
    try:
        return array.astype(np.float64, casting="unsafe" if array.dtype == object else "same_kind")
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}") from error


def finite_matrix(value: ArrayLike, name: str = "R") -> Float:
    """`value` as a matrix of finite predictions on any scale, NaN where one is missing."""
    R = float_matrix(value, name)
    largest = float(np.finfo(R.dtype).max)
    reject_outside(R, -largest, largest, name, "predictions are finite, missing ones are NaN")
    return R


def probability_matrix(value: ArrayLike, name: str = "R") -> Float:
    """`value` as a matrix of probabilities, NaN where a prediction is missing."""
    R = float_matrix(value, name)
    reject_outside(R, 0, 1, name, "probabilities lie in [0, 1], missing ones are NaN")
    return R


def class_probabilities(value: ArrayLike, name: str = "R", axes: str = "classifiers x classes x instances") -> Vector:
    """`value` as probabilities (m, K, n) of K >= 2 classes that add up to 1, all of them NaN where one is missing."""
    _reject_masked(value, name)
    try:
        P = np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers ({axes}): {error}") from error
    if P.ndim != 3 or P.shape[1] < 2 or P.size == 0:
        raise ValueError(f"{name} must be 3-D ({axes}), with at least two classes, got shape {P.shape}")
    reject_first(P, (P < 0) | (P > 1), name, "probabilities lie in [0, 1], missing ones are NaN")
    missing = np.isnan(P)
    torn = np.logical_xor(missing, missing.all(axis=1, keepdims=True))
    reject_first(P, torn, name, "a missing prediction is NaN in all classes")
    total = P.sum(axis=1)
    off = np.abs(total - 1) > SUM_TOLERANCE
    if off.any():
        u, i = (int(index) for index in np.unravel_index(int(np.argmax(off)), off.shape))
        raise ValueError(f"{name}[{u}, :, {i}] adds up to {total[u, i]:g}: probabilities of all classes add up to 1")
    return P / total[:, None]


def class_labels(value: ArrayLike, shape: tuple[int, int], name: str = "labels") -> Vector:
    """`value` as float64 labels of instances in shape (classes, instances): 0 to K - 1, or NaN where unlabelled."""
    _reject_masked(value, name)
    K, n = shape
    try:
        labels = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be 0 to {K - 1}, or NaN where unlabelled: {error}") from error
    if labels.shape != (n,):
        raise ValueError(f"{name} must have one entry per instance, shape ({n},), got {labels.shape}")
    known = (labels >= 0) & (labels < K) & (labels == np.floor(labels))
    reject_first(labels, ~(known | np.isnan(labels)), name, f"labels are classes from 0 to {K - 1}, or NaN")
    return labels


def confidence_matrix(value: ArrayLike, R: Float, name: str = "C") -> Float:
    """`value` as the confidence weights of R's entries, in R's dtype; where R is missing they may be anything."""
    C = float_matrix(value, name)
    if C.shape != R.shape:
        raise ValueError(f"{name} must have R's shape {R.shape}, got {C.shape}")
    with np.errstate(over="ignore"):  # what becomes infinite is reported next
        C = C.astype(R.dtype, copy=False)
    if not (C.min() >= 0 and C.max() < np.inf):  # NaN fails as well
        for columns in column_blocks(C.shape):
            c = C[:, columns]
            bad = ~(np.isfinite(c) & (c >= 0)) & ~np.isnan(R[:, columns])
            reject_first(c, bad, name, "confidence weights are finite and >= 0", columns.start)
    return C


def factor_matrix(value: ArrayLike, name: str, dtype: DTypeLike | None = None) -> Float:
    """`value` as a matrix of finite factors, (d, columns), in this precision or its own."""
    factors = float_matrix(value, name, "latent dimensions x columns")
    if dtype is not None:
        with np.errstate(over="ignore"):  # what becomes infinite is reported next
            factors = factors.astype(dtype, copy=False)
    reject_first(factors, ~np.isfinite(factors), name, "factors are finite")
    return factors


def label_vector(value: ArrayLike, n_instances: int, name: str = "labels") -> Vector:
    """`value` as float64 labels: 1, 0, or NaN where unlabelled."""
    _reject_masked(value, name)
    try:
        labels = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be 1, 0, or NaN where unlabelled: {error}") from error
    if labels.shape != (n_instances,):
        raise ValueError(f"{name} must have one entry per instance, shape ({n_instances},), got {labels.shape}")
    reject_first(labels, ~((labels == 0) | (labels == 1) | np.isnan(labels)), name, "labels are 1, 0, or NaN")
    return labels


def method_result(p: Float, shape: tuple[int, ...]) -> Float:
    """Return what a method returned, if it is of the shape that it should be; else raise a ValueError."""
    if np.shape(p) != shape:
        raise ValueError(f"method returned shape {np.shape(p)}; expected probabilities of every instance, {shape}")
    return p


def sample_weights(value: ArrayLike | None, n_instances: int, name: str = "sample_weight") -> Vector | None:
    """`value` as weights of the instances; None where all of them are 1, or there are none."""
    if value is None:
        return None
    _reject_masked(value, name)
    try:
        weights = np.ascontiguousarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold a number per instance: {error}") from error
    if np.shape(value) != (n_instances,):
        raise ValueError(f"{name} must have one entry per instance, shape ({n_instances},), got {np.shape(value)}")
    bad = ~(np.isfinite(weights) & (weights >= 0))
    reject_first(weights, bad, name, "weights of instances are finite and >= 0")
    if not weights.any():
        raise ValueError(f"{name} is 0 for every instance: nothing is left to learn from")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if total > MAX_TOTAL_WEIGHT:
        raise ValueError(f"{name} adds up to {total:g}: at most {MAX_TOTAL_WEIGHT:g} can be reckoned with")
    return None if (weights == 1).all() else weights


def instance_mask(value: ArrayLike, n_instances: int, name: str = "labeled_idx") -> Mask:
    """A boolean mask of instances from a mask or from integer indices."""
    index = np.asarray(value)
    if index.dtype == np.bool_:
        if index.shape != (n_instances,):
            raise ValueError(f"{name} as a mask must have shape ({n_instances},), got {index.shape}")
        return index
    if index.size == 0:
        index = index.astype(np.int64)
    if index.ndim != 1 or not np.issubdtype(index.dtype, np.integer):
        raise TypeError(f"{name} must be a boolean mask or 1-D integer indices, got {index.ndim}-D {index.dtype}")
    outside = index[(index < -n_instances) | (index >= n_instances)]
    if outside.size:
        raise ValueError(f"{name} holds index {outside[0]}, but there are {n_instances} instances")
    mask = np.zeros(n_instances, np.bool_)
    mask[index] = True
    return mask


def number(value: Any, name: str, low: float = -np.inf, high: float = np.inf) -> float:
    """`value` if it is a finite real number in [low, high]."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    found = float(value)
    if not (low <= found <= high and isfinite(found)):
        if high < np.inf:
            expected = f"in [{low:g}, {high:g}]"
        else:
            expected = f"finite and >= {low:g}" if low > -np.inf else "a finite number"
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return found


def share(value: Any, name: str) -> float:
    """`value` if it is a real number strictly between 0 and 1."""
    found = number(value, name)
    if not 0 < found < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    return found


def integer(value: Any, name: str, low: int, high: int | None = None) -> int:
    """`value` if it is an integer in [low, high]."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    found = int(value)
    if found < low or (high is not None and found > high):
        raise ValueError(f"{name} must be {f'at least {low}' if high is None else f'in [{low}, {high}]'}, got {found}")
    return found


def generator(value: Any, name: str = "random_state") -> np.random.Generator:
    """A random generator from a seed >= 0, from None (a fresh one), or `value` if it is one."""
    if isinstance(value, np.random.Generator):
        return value
    return np.random.default_rng(None if value is None else integer(value, name, 0))


def boolean(value: Any, name: str) -> bool:
    """`value` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def choice(value: Any, name: str, valid: Collection[str]) -> str:
    """`value` if it is one of the valid names."""
    if not isinstance(value, str) or value not in valid:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, valid))}, got {value!r}")
    return value


def _reject_masked(value: Any, name: str) -> None:
    if isinstance(value, np.ma.MaskedArray):  # np.asarray would bring back what is masked
        raise TypeError(f"{name} is a masked array: pass {name}.filled(np.nan), what is missing is NaN")


def reject_outside(matrix: Float, low: float, high: float, name: str, expectation: str) -> None:
    """Raise a ValueError that shows a value outside [low, high], if there is one; NaN is not."""
    for columns in column_blocks(matrix.shape):
        block = matrix[:, columns]
        if np.fmin.reduce(block, axis=None) < low or np.fmax.reduce(block, axis=None) > high:
            reject_first(block, (block < low) | (block > high), name, expectation, columns.start)


def reject_first(values: Float, bad: Mask, name: str, expectation: str, offset: int = 0) -> None:
    """Raise a ValueError that shows the first of the values marked as bad; `offset` counts the columns before them."""
    if bad.any():
        *row, column = (int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
        place = ", ".join(map(str, [*row, column + offset]))
        raise ValueError(f"{name}[{place}] is {values[*row, column]}: {expectation}")
