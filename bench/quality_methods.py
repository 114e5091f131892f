"""The combiners that are compared: this package's, and what people use.

Each is a function of complete or incomplete predictions R (m, n) and labels (n,), NaN = unlabelled. The baselines take
complete ones: they are given what is best for them of two imputations.
"""

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from cfensemble import EnsembleData
from cfensemble._typing import Float, Vector
from cfensemble.baselines import BASELINES, Method
from cfensemble.data.log_odds import log_odds
from cfensemble.solvers import make_trainer

GREEDY_STEPS = 50


def log_odds_average(R: Float, labels: Vector) -> Float:
    """Sigmoid of the mean log-odds."""
    return 1 / (1 + np.exp(-log_odds(R).mean(axis=0)))


def cross_validated_logistic(R: Float, labels: Vector) -> Float:
    """Logistic regression on log-odds, its penalty chosen by stratified cross-validation of the log-loss."""
    Z, known = log_odds(R), ~np.isnan(labels)
    y = labels[known]
    folds = int(min(5, y.sum(), (1 - y).sum()))
    model = LogisticRegressionCV(
        Cs=np.logspace(-4, 2, 7),
        cv=StratifiedKFold(folds, shuffle=True, random_state=0),
        scoring="neg_log_loss",
        max_iter=300,
    )
    return model.fit(Z[:, known].T, y).predict_proba(Z.T)[:, 1]


def greedy_by_pr_auc(R: Float, labels: Vector) -> Float:
    """Greedy selection with replacement by PR-AUC (Caruana et al. 2004)."""
    return _greedy(R, labels, lambda p, y: _average_precision(p, y) - 1e-4 * _log_loss(p, y))


def greedy_by_log_loss(R: Float, labels: Vector) -> Float:
    """Greedy selection with replacement by log-loss."""
    return _greedy(R, labels, lambda p, y: -_log_loss(p, y))


def self_training(R: Float, labels: Vector) -> Float:
    """Self-training of a logistic regression."""
    model = SelfTrainingClassifier(LogisticRegression(max_iter=300), threshold=0.9, max_iter=8)
    return model.fit(R.T, np.where(np.isnan(labels), -1, labels).astype(int)).predict_proba(R.T)[:, 1]


def label_spreading(R: Float, labels: Vector) -> Float:
    """Label spreading over the 15 nearest neighbours in standardised log-odds."""
    Z = log_odds(R)
    Z = (Z - Z.mean(axis=1, keepdims=True)) / (Z.std(axis=1, keepdims=True) + 1e-9)
    model = LabelSpreading(kernel="knn", n_neighbors=15, alpha=0.5, max_iter=50)
    p = model.fit(Z.T, np.where(np.isnan(labels), -1, labels).astype(int)).label_distributions_[:, 1]
    return np.nan_to_num(p, nan=float(np.nanmean(labels)))


def _greedy(R: Float, labels: Vector, quality: Callable[[Float, Vector], float]) -> Float:
    known = ~np.isnan(labels)
    A, y = R[:, known], labels[known]
    total, count = np.zeros(A.shape[1]), np.zeros(len(R))
    best, best_count = -np.inf, count
    for step in range(1, GREEDY_STEPS + 1):
        reached = [quality((total + a) / step, y) for a in A]
        chosen = int(np.argmax(reached))
        total, count[chosen] = total + A[chosen], count[chosen] + 1
        if reached[chosen] > best + 1e-12:
            best, best_count = reached[chosen], count.copy()
    return best_count / best_count.sum() @ R


def _average_precision(p: Float, y: Vector) -> float:
    """What scikit-learn computes, at a tenth of the overhead: tied instances share the precision at their end."""
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order])), p.size - 1)
    hits = np.cumsum(y[order])[ends]
    return float(np.diff(hits, prepend=0) @ (hits / (ends + 1)) / hits[-1])


def _log_loss(p: Float, y: Vector) -> float:
    q = np.clip(p, 1e-3, 1 - 1e-3)
    return float(-np.mean(np.where(y == 1, np.log(q), np.log1p(-q))))


PEERS: dict[str, Method] = BASELINES | {
    "log-odds average": log_odds_average,
    "CV logistic, log-odds": cross_validated_logistic,
    "greedy, PR-AUC": greedy_by_pr_auc,
    "greedy, log-loss": greedy_by_log_loss,
    "self-training": self_training,
    "label spreading": label_spreading,
}


def solver(name: str) -> Method:
    """One of this package's solvers with the command line's settings."""

    def run(R: Float, labels: Vector) -> Float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make_trainer(name, labels, 0).fit(EnsembleData(R, labels)).predict()

    return run


def imputations(R: Float) -> dict[str, Float]:
    """R with missing predictions at their classifier's mean, and at their instance's; R alone where none is missing."""
    missing = np.isnan(R)
    if not missing.any():
        return {"": R}
    count = (~missing).sum(axis=0)
    overall = float(np.nanmean(R))
    by_classifier = np.nanmean(R, axis=1, keepdims=True)
    by_instance = np.where(count > 0, np.nansum(R, axis=0) / np.maximum(count, 1), overall)
    return {"classifier": np.where(missing, by_classifier, R), "instance": np.where(missing, by_instance, R)}
