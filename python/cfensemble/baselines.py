"""Well-known ways to combine classifiers, to compare CF-Ensemble with.

Every method has the signature ``method(R, labels) -> p`` of the transductive setting: R (m, n) holds
the classifiers' probabilities with NaN where one is missing, labels (n,) is 1, 0 or NaN where an
instance is unlabelled, and p (n,) in [0, 1] is the combined probability of every instance. A missing
prediction is replaced by the mean of what its classifier predicted elsewhere (see `impute`).
"""

from collections.abc import Callable

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble._validation import class_labels, class_probabilities, label_vector, probability_matrix
from cfensemble.data.log_odds import class_log_odds

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


def impute_classes(R: Float) -> Vector:
    """Replace each missing prediction (m, K, n) by its classifier's mean, or 1 / K where it predicted nothing at all.

    Parameters
    ----------
    R : ndarray of shape (m, K, n)
        Predicted probabilities of all classes, NaN where missing.

    Returns
    -------
    ndarray of shape (m, K, n)

    Raises
    ------
    ValueError
        If R is not 3-D, or holds anything but probabilities that add up to 1 over the classes.
    """
    P = class_probabilities(R)
    observed = ~np.isnan(P)
    count = observed.sum(axis=2)
    mean = np.where(count > 0, np.where(observed, P, 0.0).sum(axis=2) / np.maximum(count, 1), 1 / P.shape[1])
    return np.where(observed, P, mean[:, :, None])


def plain_class_average(R: Float, labels: Vector) -> Float:
    """Mean over the classifiers, of shape (K, n); `labels` is not used."""
    return np.asarray(impute_classes(R).mean(axis=0))


def class_median(R: Float, labels: Vector) -> Float:
    """Median over the classifiers class by class, of shape (K, n), made to add up to 1; `labels` is not used."""
    median_ = np.median(impute_classes(R), axis=0)
    total = median_.sum(axis=0)
    return np.where(total > 0, median_ / np.where(total > 0, total, 1), 1 / len(median_))


def best_single_by_log_loss(R: Float, labels: Vector) -> Float:
    """Predictions of the classifier with the lowest log-loss on the labelled instances.

    Of classifiers with equal log-loss the most accurate is taken, then the first. Probabilities below 1e-6 count as
    1e-6, so that one certain and wrong prediction is not the end.

    Parameters
    ----------
    R : array of shape (m, K, n)
        Probabilities; NaN = not predicted.
    labels : array of shape (n,)
        0 to K - 1, or NaN = unlabelled.

    Returns
    -------
    array of shape (K, n)
        That classifier's probabilities, missing ones imputed.

    Raises
    ------
    ValueError
        If nothing is labelled.
    """
    full = impute_classes(R)
    A, y = _labelled_classes(full, labels, 1, "best single")
    log_loss = -np.mean(np.log(np.maximum(A[:, y, np.arange(y.size)], 1e-6)), axis=1)
    accuracy = np.mean(A.argmax(axis=1) == y, axis=1)
    return np.asarray(full[np.lexsort((-accuracy, log_loss))[0]])


def multinomial_stacking(R: Float, labels: Vector) -> Float:
    """Multinomial logistic regression of the labels on the classifiers' probabilities (L2 penalty, C = 1).

    Parameters
    ----------
    R : array of shape (m, K, n)
        Probabilities; NaN = not predicted.
    labels : array of shape (n,)
        0 to K - 1, or NaN = unlabelled.

    Returns
    -------
    array of shape (K, n)
        The regression's probabilities of every instance; 0 for classes without a label.

    Raises
    ------
    ValueError
        If fewer than two classes are labelled.
    """
    full = impute_classes(R)
    A, y = _labelled_classes(full, labels, 2, "multinomial stacking")
    return _regress(A, y, full, 1.0)


def tuned_multinomial_stacking(R: Float, labels: Vector) -> Float:
    """Multinomial logistic regression of the labels on the logarithms of the probabilities, C from cross-validation.

    C is the one of 1e-4, ..., 100 with the lowest log-loss in up to five stratified folds; where a class has a single
    label, there are no such folds, and C = 0.01. Parameters, result and errors as in `multinomial_stacking`.
    """
    from sklearn.model_selection import StratifiedKFold

    full = class_log_odds(impute_classes(R))
    A, y = _labelled_classes(full, labels, 2, "tuned multinomial stacking")
    n_folds = min(5, int(np.bincount(y)[np.unique(y)].min()))
    if n_folds < 2:
        return _regress(A, y, full, 0.01)
    strengths = np.logspace(-4, 2, 7)
    losses = np.zeros(len(strengths))
    for train, test in StratifiedKFold(n_folds, shuffle=True, random_state=0).split(y, y):
        for j, strength in enumerate(strengths):
            p = _regress(A[:, :, train], y[train], A[:, :, test], strength)
            losses[j] -= np.sum(np.log(np.maximum(p[y[test], np.arange(test.size)], 1e-12)))
    return _regress(A, y, full, strengths[losses.argmin()])


def _regress(A: Vector, y: Indices, full: Vector, C: float) -> Float:
    from sklearn.linear_model import LogisticRegression

    m, K, n = full.shape
    model = LogisticRegression(C=C, max_iter=1000).fit(A.reshape(m * K, -1).T, y)
    p = np.zeros((K, n))
    found = model.predict_proba(full.reshape(m * K, n).T).T
    p[model.classes_] = found
    return p


def _labelled_classes(full: Vector, labels: Vector, least: int, method: str) -> tuple[Vector, Indices]:
    """Columns and labels of the labelled instances, once at least that many classes are known to be among them."""
    labels = class_labels(labels, full.shape[1:])
    known = ~np.isnan(labels)
    y = labels[known].astype(np.int64)
    found = np.unique(y).size
    if found < least:
        raise ValueError(f"labels: {method} needs labelled instances of {least} or more classes, found {found}")
    return full[:, :, known], y


MULTICLASS_BASELINES: dict[str, Method] = {
    "plain average": plain_class_average,
    "median": class_median,
    "best single": best_single_by_log_loss,
    "multinomial stacking": multinomial_stacking,
    "tuned multinomial stacking": tuned_multinomial_stacking,
}
"""Every baseline for several classes by the name it is shown under, in display order."""
