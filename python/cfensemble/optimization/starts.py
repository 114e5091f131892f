"""Where iterations begin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from cfensemble._blocks import LARGE, column_blocks
from cfensemble._typing import Float, Mask, Vector
from cfensemble.ensemble.base import BaseAggregator


@dataclass(frozen=True)
class Start:
    """Where an earlier fit ended; not to be written to.

    Attributes
    ----------
    X, Y : ndarray of shape (d, m) and (d, n)
    aggregator : BaseAggregator
    """

    X: Float
    Y: Float
    aggregator: BaseAggregator


def starting_factors(
    R: Float,
    d: int,
    rank: int,
    rng: np.random.Generator | None,
    sample_weight: Vector | None = None,
    start: Start | None = None,
) -> tuple[Float, Float]:
    """Instance factors (d, n) and a view of their first `rank` rows; the other rows are 0.

    They are those of the start where there is one, else random ones, or without a generator spectral ones, for which
    each instance counts as often as `sample_weight` (n,) says, by default once.
    """
    if start is not None:
        Y = start.Y.astype(R.dtype)
    else:
        Y = spectral_factors(R, d, sample_weight) if rng is None else random_factors(rng, d, R.shape[1], R.dtype)
    Y[rank:] = 0
    return Y, Y[:rank]


def pad_rows(factors: Float, d: int) -> Float:
    """The factors (rank, columns) with rows of 0 up to d."""
    padded = np.zeros((d, factors.shape[1]), factors.dtype)
    padded[: len(factors)] = factors
    return padded


def random_factors(rng: np.random.Generator, d: int, columns: int, dtype: DTypeLike = np.float64) -> Float:
    """Standard normal factors (d, columns), scaled so that |column|^2 is 1 in expectation."""
    factors = np.empty((d, columns), dtype)
    for row in factors:
        row[:] = rng.standard_normal(columns) / np.sqrt(d)
    return factors


def spectral_factors(R: Float, d: int, sample_weight: Vector | None = None) -> Float:
    """Instance factors (d, n) of R's best rank-d approximation, missing predictions at their classifier's mean.

    With the singular value decomposition R = U S V', these are the first d rows of S^1/2 V', those past the rank being
    0 (Eckart and Young 1936). R is read in blocks: R R' = U S^2 U' is small, and S^1/2 V' = S^-1/2 U' R.
    Columns that count several times, as `sample_weight` (n,) says, do so in R R' and in the means.
    """
    m, n = R.shape
    blocks = list(column_blocks(R.shape, LARGE))

    def weighted(values: Float | Mask, columns: slice) -> Float | Mask:
        return values if sample_weight is None else values * sample_weight[columns]

    if any(np.isnan(R[:, columns]).any() for columns in blocks):
        total = sum(np.nansum(weighted(R[:, columns], columns), axis=1, dtype=np.float64) for columns in blocks)
        count = np.zeros(m) + sum(weighted(~np.isnan(R[:, columns]), columns).sum(axis=1) for columns in blocks)
        mean = np.divide(total, count, out=np.zeros(m), where=count > 0)[:, None]

        def filled(columns: slice) -> Vector:
            return np.where(np.isnan(R[:, columns]), mean, R[:, columns])
    else:

        def filled(columns: slice) -> Vector:
            return R[:, columns].astype(np.float64, copy=False)

    gram = sum(weighted(block, columns) @ block.T for columns, block in zip(blocks, map(filled, blocks), strict=True))
    squares, U = np.linalg.eigh(gram)
    kept = np.flatnonzero(squares > m * np.finfo(np.float64).eps * squares[-1])[::-1][:d]
    project = U[:, kept].T / squares[kept, None] ** 0.25
    Y = np.zeros((d, n), R.dtype)
    for columns in blocks:
        Y[: len(kept), columns] = project @ filled(columns)
    return Y
