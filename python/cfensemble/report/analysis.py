"""Everything that a report tells, as numbers."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from cfensemble._typing import Float, Indices, Mask, Vector
from cfensemble.baselines import BASELINES, MULTICLASS_BASELINES, Method, impute, impute_classes
from cfensemble.combining.combiner import Combiner
from cfensemble.combining.multiclass import MulticlassCombiner
from cfensemble.combining.refits import Refits
from cfensemble.data.suspicions import backwards
from cfensemble.evaluation import count_folds
from cfensemble.exceptions import DataWarning
from cfensemble.report.contributions import Contributions, examine
from cfensemble.report.disputes import Disputes, find_disputes
from cfensemble.report.learning import LearningCurve, learn, sizes
from cfensemble.report.probabilities import Calibration, calibrate
from cfensemble.report.scores import AVERAGE, CrossValidation, Fitter, cross_validate, divide
from cfensemble.report.subject import OURS, REFITTED, Subject
from cfensemble.report.training import Training, review

MANY = 100
"""Classifiers from which on fits take long."""
MAX_UNLABELLED = 1000
"""Unlabelled instances that solvers see which have to be fitted as a whole for every fold."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a report tells.

    Attributes
    ----------
    subject : Subject
        What it is about.
    cv : CrossValidation or None
        None where there are no two labels of each class.
    calibration, calibration_of_average : Calibration or None
        Of cross-validated probabilities; of several classes that of the most probable, and none of the average.
    contributions : Contributions
        Of the classifiers.
    training : Training
        Of the model.
    disputes : Disputes
        Disagreement.
    learning : LearningCurve or None
        None where there are too few labels to halve them.
    ranks_backwards : bool
        Whether predictions rank the positive class below the negative one: see `backwards`.
    """

    subject: Subject
    cv: CrossValidation | None
    calibration: Calibration | None
    calibration_of_average: Calibration | None
    contributions: Contributions
    training: Training
    disputes: Disputes
    learning: LearningCurve | None
    ranks_backwards: bool


def analyse(subject: Subject, on_progress: Callable[[float], object] = lambda share: None) -> Analysis:
    """Find out all that the report tells.

    Parameters
    ----------
    subject : Subject
        What it is about.
    on_progress : callable, optional
        Called with the share of the work that is done.
    """
    y = subject.y
    n_folds = count_folds(y, len(subject.classes))
    refits = _refits(subject)
    n_repeats, n_learning = _repeats(subject, refits is not None)
    methods, baselines = _methods(subject, refits), _baselines(subject)
    total, done = 1.0, 0.0
    if n_folds:
        folds = divide(y, n_folds, n_repeats)
        n_sizes = len(sizes(len(folds[0][0][0]), y))
        per_size = n_learning * n_folds
        total = n_folds * n_repeats * _COST + max(n_sizes - 1, 0) * per_size * _COST / 2 + 0.2 * len(subject.R)

    def step(cost: float) -> None:
        nonlocal done
        done += cost
        on_progress(min(done / total, 1.0))

    contributions = examine(subject, refits, partial(step, 0.2))
    cv = calibration = of_average = learning = right = None
    if n_folds:
        refitted, refit = next(reversed(methods.items()))
        cv = cross_validate(methods | {refitted: _counting(refit, partial(step, _COST))}, baselines, y, folds)
        followed = {refitted: _counting(refit, partial(step, _COST / 2)), AVERAGE: baselines[AVERAGE]}
        if cv.best_baseline != AVERAGE:
            followed[cv.best_baseline] = baselines[cv.best_baseline]
        # Of several classes the accuracy is too coarse to tell what some labels more bring.
        learning = learn(cv, followed, n_learning, "log_loss" if subject.is_multiclass else "pr_auc")
        right = _right(cv.predictions[OURS][0], y)
        truth, given = calibrated(subject, cv)
        calibration = calibrate(truth, given[OURS])
        of_average = calibrate(truth, given[AVERAGE]) if AVERAGE in given else None
    analysis = Analysis(
        subject=subject,
        cv=cv,
        calibration=calibration,
        calibration_of_average=of_average,
        contributions=contributions,
        training=review(subject),
        disputes=find_disputes(subject, right),
        learning=learning,
        ranks_backwards=not subject.is_multiclass and backwards(subject.R, subject.labels) is not None,
    )
    on_progress(1.0)
    return analysis


_COST = 1.0


def _counting(fit: Fitter, step: Callable[[], object]) -> Fitter:
    def run(chosen: Indices, y: Vector) -> Float:
        p = fit(chosen, y)
        step()
        return p

    return run


def calibrated(subject: Subject, cv: CrossValidation) -> tuple[Vector, dict[str, Float]]:
    """Return labels (k,) and probabilities (repeats, k) whose calibration is of interest.

    Of two classes those of the positive one, by the report's method and the average; of several, whether the most
    probable class is the true one, in the first repeat.
    """
    if not subject.is_multiclass:
        return cv.y, {name: cv.predictions[name] for name in (OURS, AVERAGE)}
    p = cv.predictions[OURS][0]
    return _right(p, cv.y).astype(np.float64), {OURS: p.max(axis=0)[None]}


def _right(p: Float, y: Vector) -> Mask:
    """Which labels y (k,) predictions (k,) or (K, k) get right."""
    return np.asarray((p.argmax(axis=0) if p.ndim == 2 else p >= 0.5) == y)


def _repeats(subject: Subject, cheap: bool) -> tuple[int, int]:
    """Repeats of cross-validation and of the learning curve: fewer where fits take longer, and chance matters less."""
    k = len(subject.columns)
    if not cheap:
        return (3, 2) if subject.model.solver != "torch" else (1, 1)
    if subject.is_multiclass or len(subject.R) > MANY:
        return (2, 1) if subject.R[..., 0].size <= 3 * MANY else (1, 1)
    return (6, 3) if k <= 300 else (4, 2) if k <= 1000 else (2, 1)


def _refits(subject: Subject) -> Refits | None:
    combiner = subject.model.combiner_
    if isinstance(combiner, Combiner | MulticlassCombiner):
        return Refits(combiner, subject.R, subject.columns)
    return None


def _methods(subject: Subject, refits: Refits | None) -> dict[str, Fitter]:
    """The model by itself if it has not seen these rows, and last what is fitted to a part of their labels."""
    refit = refits.predict if refits is not None else _whole_fits(subject)
    if not subject.is_new:
        return {OURS: refit}
    given = subject.p[..., subject.columns]
    return {OURS: lambda chosen, y: given, REFITTED: refit}


def _whole_fits(subject: Subject) -> Fitter:
    """Fit classifiers with the model's settings to the columns and some instances without a label."""
    rng = np.random.default_rng(0)
    unknown = np.flatnonzero(np.isnan(subject.labels))
    others = rng.choice(unknown, min(MAX_UNLABELLED, unknown.size), replace=False)
    k = len(subject.columns)
    P = subject.R[:, np.concatenate([subject.columns, others])].T

    def fit(chosen: Indices, y: Vector) -> Float:
        labels: Any = np.full(len(P), None, object)
        labels[chosen] = y.astype(np.int64)
        model = clone(subject.model).set_params(callbacks=(), unlabeled=None, warm_start=False)
        with warnings.catch_warnings():
            # Whatever there is to be said was said of the model's own fit.
            warnings.simplefilter("ignore", DataWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            return np.asarray(model.fit(P, labels).label_distributions_[:k, 1])

    return fit


def _baselines(subject: Subject) -> dict[str, Fitter]:
    """The baselines on the columns, what is missing imputed from all instances."""
    R = (impute_classes if subject.is_multiclass else impute)(subject.R)[..., subject.columns]

    def fitter(method: Method) -> Fitter:
        def fit(chosen: Indices, y: Vector) -> Float:
            labels = np.full(R.shape[-1], np.nan)
            labels[chosen] = y
            return method(R, labels)

        return fit

    found = MULTICLASS_BASELINES if subject.is_multiclass else BASELINES
    return {name: fitter(method) for name, method in found.items()}
