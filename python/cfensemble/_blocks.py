"""Passes over matrices of R's shape in blocks of columns, so that no temporary grows with the data."""

from collections.abc import Iterator

import numpy as np

from cfensemble._typing import Float

CACHED = 1 << 16
"""Entries of a block whose few temporaries stay in the cache."""
LARGE = 1 << 19
"""Entries of a block that keeps a matrix product, or several threads, busy; 4 MiB in float64."""


def column_blocks(shape: tuple[int, ...], entries: int = CACHED) -> Iterator[slice]:
    """Slices of the columns of a matrix of that shape, each of about so many entries, and at least 16 columns wide."""
    rows, columns = shape
    width = max(entries // rows, 16)  # narrower ones would waste most of every cache line
    for begin in range(0, columns, width):
        yield slice(begin, begin + width)


def count_missing(R: Float) -> int:
    """How many entries of R are NaN."""
    return sum(int(np.count_nonzero(np.isnan(R[:, columns]))) for columns in column_blocks(R.shape))
