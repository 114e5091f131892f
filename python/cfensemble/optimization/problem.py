"""The problem a trainer solves, apart from its solution: what `fit` makes of the data and the options."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble.data.confidence_rule import Confidence
from cfensemble.ensemble.nonnegative import project
from cfensemble.ensemble.penalty import WeightPenalty
from cfensemble.ensemble.weighted import WeightedAggregator
from cfensemble.objectives.label_weights import LabelledInstances, LabelWeighting
from cfensemble.optimization.starts import Start


@dataclass(frozen=True)
class TrainingProblem:
    """R and its confidence weights, the labelled instances and how much they count.

    Attributes
    ----------
    R : ndarray of shape (m, n)
        What is factorised, NaN where missing: predictions, or their log-odds.
    C : ndarray of shape (m, n) or ConfidenceRule
        Their confidence weights, as they are or as a rule.
    columns : ndarray of shape (n_labeled,)
        The labelled instances.
    y : ndarray of shape (n_labeled,)
        Their labels, 1 or 0.
    rho : float
        The weight of the reconstruction in effect: 1 where there is no label.
    weighting : LabelWeighting
        How omega is made.
    penalty : WeightPenalty
        Omega, on the aggregator's parameters.
    confidence_rule : callable
        Confidence of new predictions (m, k).
    base_rate : float
        The prediction for an instance that no classifier predicted with any confidence.
    sample_weight : ndarray of shape (n,), optional
        How often each instance counts, if not once.
    held_out : LabelledInstances, optional
        Labelled instances that are left out of the objective, to decide when to stop.
    """

    R: Float
    C: Confidence
    columns: Indices
    y: Vector
    rho: float
    weighting: LabelWeighting
    penalty: WeightPenalty
    confidence_rule: Callable[[Float], Confidence]
    base_rate: float
    sample_weight: Vector | None = None
    held_out: LabelledInstances | None = None

    @property
    def has_labels(self) -> bool:
        """Whether any instance is labelled."""
        return len(self.y) > 0

    @property
    def supervised(self) -> bool:
        """Whether there is something for the aggregator to learn."""
        return self.rho < 1

    @property
    def initial_weights(self) -> Vector:
        """The aggregator's weights (m,) before it has learned anything: the prior's, or else equal ones."""
        m, prior = len(self.R), self.penalty.prior
        return np.full(m, 1 / m) if prior is None else prior.center

    def initial_theta(self, start: Start | None, nonnegative: bool) -> Vector:
        """Weights and bias (m + 1,) to begin with: those of the start if it has some, else the initial weights."""
        if start is not None and isinstance(start.aggregator, WeightedAggregator):
            return project(start.aggregator.theta, nonnegative)
        return np.append(self.initial_weights, 0.0)

    def labelled(self, iteration: int, max_iter: int, previous: Vector | None = None) -> LabelledInstances:
        """Return the labelled instances with the weights of that iteration."""
        counts = None if self.sample_weight is None else self.sample_weight[self.columns]
        omega = self.weighting.omega(self.y, self.columns, iteration, max_iter, previous, counts)
        return LabelledInstances(self.columns, self.y, omega)
