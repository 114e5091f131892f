"""Whether data are the same as before, without keeping them."""

import hashlib

import numpy as np

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Vector


def data_digest(R: Float, sample_weight: Vector | None) -> str:
    """A hash of predictions (m, n), or (m, K, n), and of how often each instance counts (n,), None being once."""
    digest = hashlib.blake2b(repr((R.shape, R.dtype.str, sample_weight is None)).encode())
    rows = R.reshape(-1, R.shape[-1])
    for columns in column_blocks(rows.shape):
        digest.update(np.ascontiguousarray(rows[:, columns]).data)
    if sample_weight is not None:
        digest.update(np.ascontiguousarray(sample_weight).data)
    return digest.hexdigest()
