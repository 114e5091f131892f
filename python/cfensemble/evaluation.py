"""How good combined probabilities are: metrics, and cross-validation in the transductive setting.

Cross-validation hides labels, not instances. For each fold the method sees all of R and the labels of
the other folds, exactly as it sees unlabelled instances in use, and predicts the fold's labels. A
solver and a baseline are the same to it: any callable ``method(R, labels) -> p``. Several classes have
scores of their own: accuracy takes the place of the PR-AUC.

The out-of-fold predictions of all folds are pooled and scored once. With few labels a fold may hold a
single positive, and the PR-AUC of such a fold is little more than the rank of one instance; a mean over
folds would average noise. The price of pooling is that predictions of differently fitted models are
compared with each other, as they would be under one decision threshold.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble._validation import class_labels, class_probabilities, label_vector, method_result, probability_matrix
from cfensemble.baselines import Method

MAX_FOLDS = 5
FEW_LABELS = 20
"""Labels of the rarest class below which cross-validated figures are called rough."""
HIGHER_IS_BETTER = {"pr_auc": True, "accuracy": True, "log_loss": False, "brier": False}
LOG_LOSS_CLIP = 1e-6
"""Probabilities are clipped to [LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP] before their logarithm is taken, so
that one certain and wrong prediction costs 13.8 nats and not infinitely many."""
LARGEST = {"pr_auc": 1.0, "accuracy": 1.0, "log_loss": -float(np.log(LOG_LOSS_CLIP)), "brier": 1.0}
"""By metric, the largest value that it can have, of two classes; the least is 0."""
LARGEST_OF_CLASSES = LARGEST | {"brier": 2.0}
"""The same where each class has its probability: the Brier score then adds up over the classes."""


@dataclass(frozen=True)
class Scores:
    """Quality of the probabilities of a set of instances.

    Attributes
    ----------
    pr_auc : float
        Area under the precision-recall curve as average precision, in [0, 1], higher is better. The
        positive rate is what a constant prediction gets.
    log_loss : float
        Mean negative log-likelihood in nats, at least 0, lower is better (see `LOG_LOSS_CLIP`).
    brier : float
        Mean squared difference to the label, in [0, 1], lower is better.
    """

    pr_auc: float
    log_loss: float
    brier: float


def score(y: Vector, p: Float) -> Scores:
    """Score probabilities against the true labels.

    Parameters
    ----------
    y : array of shape (n,)
        True labels, 1 or 0, both classes present.
    p : array of shape (n,)
        Probabilities of the positive class, in [0, 1].

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        If the lengths differ, p leaves [0, 1] or holds NaN, y holds anything but 0 and 1, or a class is
        absent.
    """
    from sklearn.metrics import average_precision_score

    if y.ndim != 1 or y.shape != p.shape:
        raise ValueError(f"y and p must be 1-D and of equal length, got shapes {y.shape} and {p.shape}")
    if not np.all((p >= 0) & (p <= 1)):
        i = int(np.argmin((p >= 0) & (p <= 1)))
        raise ValueError(f"p[{i}] is {p[i]:g}; probabilities must lie in [0, 1]")
    if set(np.unique(y)) != {0, 1}:
        raise ValueError(f"y must hold both 0 and 1 and nothing else, found {np.unique(y)[:5].tolist()}")
    q = np.clip(p, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    return Scores(
        pr_auc=float(average_precision_score(y, p)),
        log_loss=float(-np.mean(np.where(y == 1, np.log(q), np.log1p(-q)))),
        brier=float(np.mean((p - y) ** 2)),
    )


@dataclass(frozen=True)
class ClassScores:
    """Quality of the probabilities of several classes for a set of instances.

    Attributes
    ----------
    accuracy : float
        Share of the instances whose most probable class is theirs, in [0, 1], higher is better.
    log_loss : float
        Mean negative log-likelihood in nats, at least 0, lower is better (see `LOG_LOSS_CLIP`).
    brier : float
        Mean squared distance to the one-hot label, in [0, 2], lower is better.
    """

    accuracy: float
    log_loss: float
    brier: float


def score_classes(y: Vector, p: Float) -> ClassScores:
    """Score probabilities of several classes against the true labels.

    Parameters
    ----------
    y : array of shape (n,)
        True labels, 0 to K - 1.
    p : array of shape (K, n)
        Probability of each class; columns add up to 1.

    Returns
    -------
    ClassScores

    Raises
    ------
    ValueError
        If y and p are not as described, or a label is missing.
    """
    p = class_probabilities(np.asarray(p)[None], "p", "1 x classes x instances")[0]
    t = class_labels(y, (p.shape[0], p.shape[1]), "y")
    if np.isnan(p).any() or np.isnan(t).any():
        raise ValueError("y and p must be complete: found NaN")
    columns, true = np.arange(t.size), t.astype(np.int64)
    of_truth = p[true, columns]
    return ClassScores(
        accuracy=float(np.mean(p.argmax(axis=0) == true)),
        log_loss=float(-np.mean(np.log(np.clip(of_truth, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)))),
        brier=float(np.mean(np.sum(p**2, axis=0) - 2 * of_truth + 1)),
    )


def count_folds(labels: Vector, n_classes: int | None = None) -> int:
    """Count the folds that the labels allow.

    Parameters
    ----------
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled; of several classes 0 to K - 1 or NaN.
    n_classes : int, optional
        K, where each class must have labels. Default: classes without labels do not count.

    Returns
    -------
    int
        The smaller of `MAX_FOLDS` and the size of the rarest class, or 0 where that is below 2 or a single class is
        labelled, and nothing can be estimated. Every fold, and what remains without it, then has all classes.
    """
    classes, sizes = np.unique(labels[~np.isnan(labels)], return_counts=True)
    if classes.size < (n_classes or 2):
        return 0
    folds = min(MAX_FOLDS, int(sizes.min()))
    return folds if folds >= 2 else 0


def hide_folds(labels: Vector, n_folds: int, n_repeats: int = 1, seed: int = 0) -> Iterator[tuple[Indices, Vector]]:
    """Divide the labelled instances into stratified folds and hide the labels of one after the other.

    Parameters
    ----------
    labels : array of shape (n,)
        Classes, or NaN = unlabelled.
    n_folds : int
        As many as `count_folds` allows, at most.
    n_repeats : int, default 1
        How often they are divided, each time in another way.
    seed : int, default 0
        Seed of the folds; the first of several repeats has those of a single one.

    Yields
    ------
    fold : array of int
        The instances of a fold.
    masked : array of shape (n,)
        The labels without theirs.
    """
    from sklearn.model_selection import RepeatedStratifiedKFold

    known = np.flatnonzero(~np.isnan(labels))
    splitter = RepeatedStratifiedKFold(n_splits=n_folds, n_repeats=n_repeats, random_state=seed)
    for _, fold in splitter.split(known, labels[known]):
        masked = labels.copy()
        masked[known[fold]] = np.nan
        yield known[fold], masked


def cross_validate(method: Method, R: Float, labels: Vector, seed: int = 0) -> Scores | None:
    """Score a method on the labelled instances, each predicted with its own fold's labels hidden.

    Parameters
    ----------
    method : callable
        ``method(R, labels) -> p`` with p of shape (n,).
    R : array of shape (m, n)
        Probabilities in [0, 1]; NaN = not predicted.
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled.
    seed : int, default 0
        Seed of the stratified folds; the same seed gives every method the same folds.

    Returns
    -------
    Scores or None
        The scores of the pooled out-of-fold predictions; None where `count_folds` is 0.

    Raises
    ------
    ValueError
        If R or labels are not as described, or the method returns anything but n probabilities.
    """
    R = probability_matrix(R)
    labels = label_vector(labels, R.shape[1])
    p = _out_of_fold(method, R, labels, labels.shape, seed)
    return None if p is None else score(labels[~np.isnan(labels)], p)


def cross_validate_classes(method: Method, R: Float, labels: Vector, seed: int = 0) -> ClassScores | None:
    """Do what `cross_validate` does for several classes.

    Parameters
    ----------
    method : callable
        ``method(R, labels) -> p`` with p of shape (K, n).
    R : array of shape (m, K, n)
        Probabilities that add up to 1 over the classes; NaN = not predicted.
    labels : array of shape (n,)
        0 to K - 1, or NaN = unlabelled.
    seed : int, default 0
        Seed of the stratified folds; the same seed gives every method the same folds.

    Returns
    -------
    ClassScores or None
        The scores of the pooled out-of-fold predictions; None where `count_folds` is 0.

    Raises
    ------
    ValueError
        If R or labels are not as described, or the method returns anything but (K, n) probabilities.
    """
    R = class_probabilities(R)
    labels = class_labels(labels, R.shape[1:])
    p = _out_of_fold(method, R, labels, R.shape[1:], seed)
    return None if p is None else score_classes(labels[~np.isnan(labels)], p)


def _out_of_fold(method: Method, R: Float, labels: Vector, shape: tuple[int, ...], seed: int) -> Float | None:
    """Predictions (..., n_labeled) of each labelled instance, its fold's labels hidden; None where there are no folds.

    `shape` is what the method returns.
    """
    n_folds = count_folds(labels)
    if n_folds == 0:
        return None
    predicted = np.empty(shape)
    for fold, masked in hide_folds(labels, n_folds, seed=seed):
        predicted[..., fold] = method_result(method(R, masked), shape)[..., fold]
    return predicted[..., ~np.isnan(labels)]
