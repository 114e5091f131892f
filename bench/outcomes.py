"""What came out of a fit, over the seeds of an experiment."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from sklearn.metrics import average_precision_score

from cfensemble._typing import Float, Indices, Vector
from cfensemble.baselines import Method
from cfensemble.data import EnsembleData
from cfensemble.exceptions import CollapseWarning
from cfensemble.optimization.base import BaseTrainer


@dataclass(frozen=True, eq=False)
class Task:
    """An ensemble's predictions, and the truth about the instances whose labels are hidden, -1 = not scored."""

    data: EnsembleData
    y_true: Indices

    def pr_auc(self, p: Float) -> float:
        """PR-AUC of the probabilities p (n,) on the hidden labels."""
        scored = self.data.unlabeled_idx & (self.y_true >= 0)
        return float(average_precision_score(self.y_true[scored], p[scored]))


@dataclass(frozen=True)
class Outcome:
    """One fit; NaN where a method has no such thing."""

    pr_auc: float
    seconds: float
    prediction_spread: float  # standard deviation over the instances
    weight_spread: float = np.nan  # standard deviation over the classifiers
    weight_sum: float = np.nan
    iterations: float = np.nan
    converged: float = np.nan
    collapsed: float = np.nan  # 1 where there was a collapse warning


def fit_quietly(trainer: BaseTrainer, data: EnsembleData) -> bool:
    """Fit the trainer; its warnings are not shown. Whether there was one of collapse is returned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(data)
    return any(issubclass(warning.category, CollapseWarning) for warning in caught)


def measure_fit(trainer: BaseTrainer, task: Task) -> Outcome:
    """Fit the trainer to the task."""
    begin = perf_counter()
    collapsed = fit_quietly(trainer, task.data)
    seconds = perf_counter() - begin
    p, w = trainer.predict(), trainer.get_aggregator_weights()
    return Outcome(
        pr_auc=task.pr_auc(p),
        seconds=seconds,
        prediction_spread=float(p.std()),
        weight_spread=float(w.std()),
        weight_sum=float(w.sum()),
        iterations=trainer.n_iter_,
        converged=trainer.converged_,
        collapsed=collapsed,
    )


def measure_baseline(method: Method, task: Task) -> Outcome:
    """Run a baseline on the task."""
    begin = perf_counter()
    p = method(task.data.R, task.data.labels)
    return Outcome(task.pr_auc(p), perf_counter() - begin, float(p.std()))


def over_seeds(outcomes: Sequence[Outcome], quantity: str) -> Vector:
    """Return one of an Outcome's quantities for every seed, (n_seeds,)."""
    return np.array([getattr(outcome, quantity) for outcome in outcomes], float)
