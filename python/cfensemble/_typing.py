"""Array types that recur in signatures."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64: predictions, weights, factors
Vector: TypeAlias = NDArray[np.float64]  # small or label-sized arrays, always in float64
Mask: TypeAlias = NDArray[np.bool_]
Indices: TypeAlias = NDArray[np.int64]

# Where the aggregator's loss is wanted: w, b; columns, labels and weights of the labelled instances; focal_gamma.
Supervision: TypeAlias = tuple[Vector, float, Indices, Vector, Vector, float]
