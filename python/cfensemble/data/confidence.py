"""Confidence strategies: how much each prediction counts in the factorisation.

Every strategy maps predictions R (m, n) in [0, 1], NaN where missing, and labels (n,), NaN where unlabelled, to
weights C (m, n) >= 0 in R's dtype, 0 where R is missing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble._validation import choice, number


class ConfidenceStrategy(ABC):
    """How confidence follows from predictions and labels. Subclasses implement `compute`."""

    @abstractmethod
    def compute(self, R: Float, labels: Vector) -> Float:
        """Confidence weights (m, n) of the predictions R (m, n), given the labels (n,)."""

    def fold_in_rule(self, R: Float, labels: Vector) -> Callable[[Float], Float]:
        """Return the rule for new, unlabelled instances, (m, k) -> (m, k), after training on R and labels.

        By default `compute` without labels; strategies that learn something from the training data keep it. The rule
        can be pickled with the trainer that holds it.
        """
        return self._compute_unlabelled

    def _compute_unlabelled(self, R: Float) -> Float:
        return self.compute(R, np.full(R.shape[1], np.nan))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class UniformConfidence(ConfidenceStrategy):
    """Every prediction counts the same: 1."""

    def compute(self, R: Float, labels: Vector) -> Float:
        """1 where there is a prediction."""
        return (~np.isnan(R)).astype(R.dtype)


class CertaintyConfidence(ConfidenceStrategy):
    """Predictions count by their distance from a coin toss: |r - 0.5|."""

    def compute(self, R: Float, labels: Vector) -> Float:
        """|r - 0.5|, in [0, 0.5]."""
        return np.nan_to_num(np.abs(R - R.dtype.type(0.5)), copy=False)


class CalibrationConfidence(ConfidenceStrategy):
    """Classifiers count by their accuracy on the labelled instances: 1 - Brier score.

    A classifier that predicted no labelled instance gets the mean of the others; without any label all get 1.

    Parameters
    ----------
    floor : float, default=0.1
        Least weight of a classifier, >= 0.
    """

    def __init__(self, floor: float = 0.1) -> None:
        self.floor = number(floor, "floor", 0)

    def compute(self, R: Float, labels: Vector) -> Float:
        """max(1 - Brier score, floor) for each classifier's predictions."""
        return self.fold_in_rule(R, labels)(R)

    def fold_in_rule(self, R: Float, labels: Vector) -> Callable[[Float], Float]:
        """Weights learned in training, applied to whatever the classifiers predict next."""
        return partial(_per_classifier, self._classifier_weights(R, labels))

    def _classifier_weights(self, R: Float, labels: Vector) -> Vector:
        labelled = ~np.isnan(labels)
        error = (R[:, labelled].astype(np.float64) - labels[labelled]) ** 2
        scored = ~np.isnan(error)
        count = scored.sum(axis=1)
        brier = np.where(scored, error, 0).sum(axis=1) / np.maximum(count, 1)
        weights = np.maximum(1 - brier, self.floor)
        weights[count == 0] = weights[count > 0].mean() if count.any() else 1.0
        return weights


class AdaptiveConfidence(ConfidenceStrategy):
    """A blend of certainty, calibration and agreement.

    alpha |r - 0.5| + beta max(1 - Brier, 0.1) + gamma (1 - s_i / max s), with s_i the standard deviation of
    instance i's predictions over the classifiers.

    Parameters
    ----------
    alpha, beta, gamma : float, default=0.5, 0.3, 0.2
        Weights >= 0 of certainty, calibration and agreement.
    """

    def __init__(self, alpha: float = 0.5, beta: float = 0.3, gamma: float = 0.2) -> None:
        self.alpha = number(alpha, "alpha", 0)
        self.beta = number(beta, "beta", 0)
        self.gamma = number(gamma, "gamma", 0)

    def compute(self, R: Float, labels: Vector) -> Float:
        """Return the blend for every prediction."""
        return self.fold_in_rule(R, labels)(R)

    def fold_in_rule(self, R: Float, labels: Vector) -> Callable[[Float], Float]:
        """Calibration and the largest spread stay those of training."""
        calibration = CalibrationConfidence().fold_in_rule(R, labels)
        return partial(self._blend, calibration, float(_spread(R).max()))

    def _blend(self, calibration: Callable[[Float], Float], largest_spread: float, R: Float) -> Float:
        certainty = np.abs(R - R.dtype.type(0.5))
        agreement = 1 - np.minimum(_spread(R) / largest_spread, 1) if largest_spread > 0 else 1.0
        blend = self.alpha * certainty + self.beta * calibration(R) + self.gamma * agreement
        return np.where(np.isnan(R), 0, blend).astype(R.dtype)


class LabelAwareConfidence(ConfidenceStrategy):
    """Modulates a base confidence c so that the factorisation sees the labels.

    c (1 + alpha r) where the label is 1, c (1 + alpha (1 - r)) where it is 0, c where there is none: predictions that
    agree with the label gain weight.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength >= 0 of the modulation.
    base : ConfidenceStrategy, optional
        What is modulated; default `CertaintyConfidence()`.
    """

    def __init__(self, alpha: float = 1.0, base: ConfidenceStrategy | None = None) -> None:
        self.alpha = number(alpha, "alpha", 0)
        self.base = CertaintyConfidence() if base is None else base
        if not isinstance(self.base, ConfidenceStrategy):
            raise TypeError(f"base must be a ConfidenceStrategy, got {base!r}")

    def compute(self, R: Float, labels: Vector) -> Float:
        """Return the modulated base confidence."""
        return modulate_by_labels(self.base.compute(R, labels), R, labels, self.alpha)

    def fold_in_rule(self, R: Float, labels: Vector) -> Callable[[Float], Float]:
        """Return the base's rule: new instances have no label to modulate by."""
        return self.base.fold_in_rule(R, labels)


def modulate_by_labels(C: Float, R: Float, labels: Vector, alpha: float) -> Float:
    """Return a copy of C (m, n) with the labelled columns scaled as `LabelAwareConfidence` says."""
    labelled = ~np.isnan(labels)
    r = np.nan_to_num(R[:, labelled])
    agreement = np.where(labels[labelled] == 1, r, 1 - r)
    modulated = C.copy()
    modulated[:, labelled] *= (1 + alpha * agreement).astype(C.dtype)
    return modulated


_STRATEGIES: dict[str, type[ConfidenceStrategy]] = {
    "uniform": UniformConfidence,
    "certainty": CertaintyConfidence,
    "label_aware": LabelAwareConfidence,
    "calibration": CalibrationConfidence,
    "adaptive": AdaptiveConfidence,
}


def get_confidence_strategy(name: str, **kwargs: Any) -> ConfidenceStrategy:
    """Return the strategy of that name, constructed with the keyword arguments.

    Parameters
    ----------
    name : {'uniform', 'certainty', 'label_aware', 'calibration', 'adaptive'}
        Which one.
    **kwargs
        Its parameters.

    Raises
    ------
    ValueError
        If there is no strategy of that name.
    """
    return _STRATEGIES[choice(name, "confidence", _STRATEGIES)](**kwargs)


def _per_classifier(weights: Vector, R: Float) -> Float:
    """Each classifier's weight (m,) on all its predictions."""
    return np.where(np.isnan(R), 0, weights[:, None]).astype(R.dtype)


def _spread(R: Float) -> Float:
    """Each instance's standard deviation (n,) over the classifiers that predicted it; 0 where none did."""
    observed = ~np.isnan(R)
    count = np.maximum(observed.sum(axis=0), 1)
    mean = np.where(observed, R, 0).sum(axis=0) / count
    spread: Float = np.sqrt(np.where(observed, (R - mean) ** 2, 0).sum(axis=0) / count)
    return spread
