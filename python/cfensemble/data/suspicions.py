"""What predictions and labels look like when they were mixed up."""

import numpy as np

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Indices, Vector

SURE = 4.0
"""Standard errors below one half from which a ROC-AUC is called backwards: by chance once in 30,000 tables."""


def backwards(R: Float, labels: Vector) -> float | None:
    """How well the mean prediction ranks, if that and most of the classifiers rank backwards.

    Parameters
    ----------
    R : ndarray of shape (m, n)
        Predictions, NaN where missing.
    labels : ndarray of shape (n,)
        1, 0, or NaN = unlabelled.

    Returns
    -------
    float or None
        Its ROC-AUC on the labelled instances where it is lower than chance explains, as with predictions of the other
        class, and that of the median classifier is below one half; else None.
    """
    columns = np.flatnonzero(~np.isnan(labels))
    block, y = R[:, columns], labels[columns]
    seen = ~np.isnan(block).all(axis=0)
    if not seen.any():
        return None
    area, error = _area(np.nanmean(block[:, seen], axis=0), y[seen])
    if not area < 0.5 - SURE * error:
        return None
    each = [_area(r[~np.isnan(r)], y[~np.isnan(r)])[0] for r in block]
    return area if np.nanmedian(each) < 0.5 else None


def _area(p: Vector, y: Vector) -> tuple[float, float]:
    """ROC-AUC of predictions p (k,) of labels y (k,), and its standard error by chance; NaN without both classes."""
    from scipy.stats import rankdata

    n_positive, n_negative = int(np.sum(y == 1)), int(np.sum(y == 0))
    if not n_positive or not n_negative:
        return np.nan, np.nan
    area = (rankdata(p)[y == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)
    error = np.sqrt((n_positive + n_negative + 1) / (12 * n_positive * n_negative))  # Mann and Whitney, of no ties
    return float(area), float(error)


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
