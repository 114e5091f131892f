"""What predictions and labels look like when they were mixed up."""

import numpy as np

from cfensemble._typing import Float, Indices, Vector

SURE = 1e-5
"""Chance of calling an ensemble backwards that guesses."""


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
        Its ROC-AUC on the labelled instances where it is lower than chance explains (Mann and Whitney), as with
        predictions of the other class, and that of the median classifier is below one half; else None.
    """
    columns = np.flatnonzero(~np.isnan(labels))
    block, y = R[:, columns], labels[columns]
    seen = ~np.isnan(block).all(axis=0)
    if not seen.any():
        return None
    area, chance = _ranking(np.nanmean(block[:, seen], axis=0), y[seen])
    if not chance < SURE:
        return None
    each = [_ranking(r[~np.isnan(r)], y[~np.isnan(r)])[0] for r in block]
    return area if np.nanmedian(each) < 0.5 else None


def _ranking(p: Vector, y: Vector) -> tuple[float, float]:
    """ROC-AUC of predictions p (k,) of labels y (k,), and the chance that guessing has less.

    NaN without both classes.
    """
    from scipy.stats import mannwhitneyu

    positive, negative = p[y == 1], p[y == 0]
    if not positive.size or not negative.size:
        return np.nan, np.nan
    if np.ptp(p) == 0:
        return 0.5, 0.5
    found = mannwhitneyu(positive, negative, alternative="less", method="asymptotic")
    return float(found.statistic) / (positive.size * negative.size), float(found.pvalue)


def copies_of_labels(R: Float, labels: Vector) -> Indices:
    """Classifiers that predict exactly where there are labels, and just these, if not all instances have one."""
    labelled = ~np.isnan(labels)
    columns = np.flatnonzero(labelled)
    if labelled.all() or np.unique(labels[columns]).size < 2:
        return np.empty(0, np.int64)
    alike = np.flatnonzero((R[:, columns] == labels[columns]).all(axis=1))
    return np.array([u for u in alike if np.isnan(R[u, ~labelled]).all()], np.int64)
