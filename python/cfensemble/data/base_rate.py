"""What is expected of an instance that nothing is predicted of."""

import numpy as np

from cfensemble._blocks import column_blocks
from cfensemble._typing import Vector
from cfensemble.data.ensemble_data import EnsembleData


def observed_base_rate(data: EnsembleData, labels: Vector) -> float:
    """Share of positives among the labels (n,), else the data's mean prediction, else a coin toss."""
    s, labelled = data.sample_weight, ~np.isnan(labels)
    if labelled.any():
        return float(np.average(labels[labelled], weights=s[labelled]))
    total = count = 0.0
    for columns in column_blocks(data.R.shape):
        r = data.R[:, columns]
        observed = ~np.isnan(r)
        total += float(np.where(observed, r, 0).sum(axis=0, dtype=np.float64) @ s[columns])
        count += float(observed.sum(axis=0) @ s[columns])
    return total / count if count > 0 else 0.5
