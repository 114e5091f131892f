"""Well-known ways to combine classifiers, to compare CF-Ensemble with.

Every method has the signature ``method(R, labels) -> p`` of the transductive setting: R (m, n) holds
the classifiers' probabilities with NaN where one is missing, labels (n,) is 1, 0 or NaN where an
instance is unlabelled, and p (n,) in [0, 1] is the combined probability of every instance. A missing
prediction is replaced by the mean of what its classifier predicted elsewhere (see `impute`).
"""

from collections.abc import Callable

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble._validation import label_vector, probability_matrix

Method = Callable[[Float, Vector], Float]


def impute(R: Float) -> Float:
    """Replace each missing prediction by its classifier's mean.

    Parameters
    ----------
    R : array of shape (m, n)
        Probabilities in [0, 1]; NaN = not predicted.

    Returns
    -------
    array of shape (m, n)
        R with every NaN replaced by its row's mean over the observed entries, by 0.5 in a row that has
        none. R itself is left as it is.

    Raises
    ------
    ValueError
        If R is not 2-D, is empty, or holds values outside [0, 1].
    """
    R = probability_matrix(R)
    observed = ~np.isnan(R)
    count = observed.sum(axis=1)
    total = np.where(observed, R, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), 0.5)
    return np.where(observed, R, mean[:, None])


def plain_average(R: Float, labels: Vector) -> Float:
    """Mean over the classifiers, of shape (n,); `labels` is not used."""
    return np.asarray(impute(R).mean(axis=0))


def median(R: Float, labels: Vector) -> Float:
    """Median over the classifiers, of shape (n,); `labels` is not used."""
    return np.asarray(np.median(impute(R), axis=0))


def best_single(R: Float, labels: Vector) -> Float:
    """Predictions of the classifier with the highest PR-AUC on the labelled instances.

    Of classifiers with equal PR-AUC the one with the lowest Brier score is taken, then the first.

    Parameters
    ----------
    R : array of shape (m, n)
        Probabilities in [0, 1]; NaN = not predicted.
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled.

    Returns
    -------
    array of shape (n,)
        That classifier's probabilities, missing ones imputed.

    Raises
    ------
    ValueError
        If one of the two classes has no labelled instance.
    """
    from sklearn.metrics import average_precision_score

    full = impute(R)
    A, y = _labelled(full, labels, "best single")
    pr_auc = np.array([average_precision_score(y, a) for a in A])
    brier = np.mean((A - y) ** 2, axis=1)
    best: Float = full[np.lexsort((brier, -pr_auc))[0]]
    return best


def logistic_stacking(R: Float, labels: Vector) -> Float:
    """Logistic regression of the labels on the classifiers' probabilities (L2 penalty, C = 1).

    Parameters
    ----------
    R : array of shape (m, n)
        Probabilities in [0, 1]; NaN = not predicted.
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled.

    Returns
    -------
    array of shape (n,)
        The regression's probability of every instance.

    Raises
    ------
    ValueError
        If one of the two classes has no labelled instance.
    """
    from sklearn.linear_model import LogisticRegression

    full = impute(R)
    A, y = _labelled(full, labels, "logistic stacking")
    return np.asarray(LogisticRegression(max_iter=1000).fit(A.T, y).predict_proba(full.T)[:, 1])


def nonnegative_least_squares(R: Float, labels: Vector) -> Float:
    """Weighted sum of the classifiers, the weights >= 0 and fitted to the labels by least squares [1]_.

    The weights need not add up to one. Where the largest sum exceeds 1 all of them are divided by it,
    which keeps the ranking that clipping would spoil with ties. If every weight is 0 (no classifier
    gives a labelled positive more than 0), the plain average is returned.

    Parameters
    ----------
    R : array of shape (m, n)
        Probabilities in [0, 1]; NaN = not predicted.
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled.

    Returns
    -------
    array of shape (n,)
        The weighted sum for every instance, in [0, 1].

    Raises
    ------
    ValueError
        If one of the two classes has no labelled instance.

    References
    ----------
    .. [1] L. Breiman, "Stacked regressions", Machine Learning 24, 1996.
    """
    from scipy.optimize import nnls

    full = impute(R)
    A, y = _labelled(full, labels, "non-negative least squares")
    w, _ = nnls(A.T, y, maxiter=100 * len(A))
    if not w.any():
        return plain_average(R, labels)
    p = w @ full
    return np.asarray(p / max(1.0, p.max()))


def _labelled(full: Float, labels: Vector, method: str) -> tuple[Float, Vector]:
    """Columns and labels of the labelled instances, once both classes are known to be among them."""
    labels = label_vector(labels, full.shape[1])
    known = ~np.isnan(labels)
    y = labels[known]
    positives = int(y.sum())
    if not 0 < positives < y.size:
        raise ValueError(
            f"labels: {method} needs labelled instances of both classes, found {positives} positive and "
            f"{y.size - positives} negative; label at least one of each"
        )
    return full[:, known], y


BASELINES: dict[str, Method] = {
    "plain average": plain_average,
    "median": median,
    "best single": best_single,
    "logistic stacking": logistic_stacking,
    "non-negative least squares": nonnegative_least_squares,
}
"""Every baseline by the name it is shown under, in display order."""
