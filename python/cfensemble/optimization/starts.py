"""Where iterations begin."""

from collections.abc import Iterator

import numpy as np

from cfensemble._typing import Float


def random_factors(rng: np.random.Generator, d: int, columns: int) -> Float:
    """Standard normal factors (d, columns), scaled so that |column|^2 is 1 in expectation."""
    return rng.standard_normal((d, columns)) / np.sqrt(d)


def spectral_factors(R: Float, d: int) -> Float:
    """Instance factors (d, n) of the best rank-d approximation of R, missing predictions at their classifier's mean.

    With the singular value decomposition R = U S V', these are the first d rows of S^1/2 V', those past the rank being
    0 (Eckart and Young 1936). R is read in blocks: R R' = U S^2 U' is small, and S^1/2 V' = S^-1/2 U' R.
    """
    m, n = R.shape
    gram = np.zeros((m, m))
    for _, block in _filled_blocks(R):
        gram += block @ block.T
    squares, U = np.linalg.eigh(gram)
    kept = np.flatnonzero(squares > m * np.finfo(np.float64).eps * squares[-1])[::-1][:d]
    project = U[:, kept].T / squares[kept, None] ** 0.25
    Y = np.zeros((d, n))
    for columns, block in _filled_blocks(R):
        Y[: len(kept), columns] = project @ block
    return Y


def _filled_blocks(R: Float, size: int = 4096) -> Iterator[tuple[slice, Float]]:
    blocks = [slice(begin, begin + size) for begin in range(0, R.shape[1], size)]
    total = sum(np.nansum(R[:, columns], axis=1, dtype=np.float64) for columns in blocks)
    count = sum(np.count_nonzero(~np.isnan(R[:, columns]), axis=1) for columns in blocks)
    mean = total / np.maximum(count, 1)
    for columns in blocks:
        block = R[:, columns]
        yield columns, np.where(np.isnan(block), mean[:, None], block)
