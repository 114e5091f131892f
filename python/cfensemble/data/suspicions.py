"""What predictions and labels look like when they were mixed up."""

import numpy as np

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Indices, Vector

SURE = 4.0
"""Standard errors below one half from which a ROC-AUC is called backwards: by chance once in 30,000 tables."""


def mean_ranking(R: Float, labels: Vector) -> tuple[float, bool] | None:
    """How well the mean prediction ranks, and whether it surely ranks backwards.

    Parameters
    ----------
    R : ndarray of shape (m, n)
        Predictions, NaN where missing.
    labels : ndarray of shape (n,)
        1, 0, or NaN = unlabelled.

    Returns
    -------
    area : float
        ROC-AUC on the labelled instances.
    backwards : bool
        Whether it is lower than chance explains, as where the predictions are those of the other class.
    """
    columns = np.flatnonzero(~np.isnan(labels))
    block = R[:, columns]
    seen = ~np.isnan(block).all(axis=0)
    y = labels[columns[seen]]
    n_positive, n_negative = int(np.sum(y == 1)), int(np.sum(y == 0))
    if not n_positive or not n_negative:
        return None
    from scipy.stats import rankdata

    ranks = rankdata(np.nanmean(block[:, seen], axis=0))
    area = float((ranks[y == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
    error = np.sqrt((n_positive + n_negative + 1) / (12 * n_positive * n_negative))  # Mann and Whitney, of no ties
    return area, area < 0.5 - SURE * error


def copies_of_labels(R: Float, labels: Vector) -> Indices:
    """Classifiers that predict exactly where there are labels, and just these, if not all instances have one."""
    labelled = ~np.isnan(labels)
    if labelled.all() or np.unique(labels[labelled]).size < 2:
        return np.empty(0, np.int64)
    alike = np.ones(len(R), bool)
    for columns in column_blocks(R.shape):
        r, y = R[:, columns], labels[columns]
        alike &= ((r == y) | (np.isnan(r) & np.isnan(y))).all(axis=1)
    return np.flatnonzero(alike)
