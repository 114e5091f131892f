"""Confidence strategies: how much each prediction counts in the factorisation.

Every strategy maps predictions R (m, n) in [0, 1], NaN where missing, and labels (n,), NaN where unlabelled, to
weights C (m, n) >= 0 in R's dtype, 0 where R is missing. Those defined here are rules, which need not be stored. A rule
may depend on how often each instance counts, sample_weight (n,), which it is given where that is not once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Vector
from cfensemble._validation import choice, integer, number
from cfensemble.data.confidence_rule import Confidence, ConfidenceRule
from cfensemble.data.factor_model import fit_factor_model
from cfensemble.persistence.fields import Array, Field, OrNone, Real
from cfensemble.persistence.saved import Part, Saved


class ConfidenceStrategy(ABC):
    """How confidence follows from predictions and labels. Subclasses implement `compute`, and `rule` if they can."""

    @abstractmethod
    def compute(self, R: Float, labels: Vector) -> Float:
        """Confidence weights (m, n) of the predictions R (m, n), given the labels (n,)."""

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule | None:
        """Return the rule that `compute` follows, for trainers to use instead; None where there is none.

        A class that overrides `compute` alone need not care: a rule that it inherits is not used.
        """
        return None

    def weigh(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> Confidence:
        """Confidence as trainers take it: the rule where there is one, else the computed weights (m, n)."""
        rule = self._valid_rule(R, labels, sample_weight)
        return self.compute(R, labels) if rule is None else rule

    def fold_in_rule(
        self, R: Float, labels: Vector, sample_weight: Vector | None = None
    ) -> Callable[[Float], Confidence]:
        """Return what weighs new, unlabelled instances (m, k) after training on R and labels.

        By default training's rule but for its labels, where it says the same of every instance; else confidence is
        worked out anew, without labels. What is returned can be pickled with the trainer that holds it.
        """
        rule = self._valid_rule(R, labels, sample_weight)
        if rule is None or rule.per_instance is not None:
            return self._weigh_unlabelled
        return SameForAll(rule.constant, rule.certainty, rule.per_classifier)

    def _valid_rule(self, R: Float, labels: Vector, sample_weight: Vector | None) -> ConfidenceRule | None:
        """Return the rule, unless `compute` was overridden below it: then it describes what is no longer computed."""

        def home(name: str) -> type:
            return next(cls for cls in type(self).__mro__ if name in vars(cls))

        if not issubclass(home("rule"), home("compute")):
            return None
        return self.rule(R, labels) if sample_weight is None else self.rule(R, labels, sample_weight)

    def _weigh_unlabelled(self, R: Float) -> Confidence:
        return self.weigh(R, np.full(R.shape[1], np.nan))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class _RuleStrategy(Saved, ConfidenceStrategy):
    """A strategy that is defined by its rule."""

    @abstractmethod
    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """Return the rule."""

    def compute(self, R: Float, labels: Vector) -> Float:
        """Return the rule's weights (m, n)."""
        return self.rule(R, labels).weights(R)


class UniformConfidence(_RuleStrategy):
    """Every prediction counts the same: 1."""

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """1 where there is a prediction."""
        return ConfidenceRule(constant=1)


class CertaintyConfidence(_RuleStrategy):
    """Predictions count by their distance from a coin toss: |r - 0.5|."""

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """|r - 0.5|, in [0, 0.5]."""
        return ConfidenceRule(certainty=1)


class CalibrationConfidence(_RuleStrategy):
    """Classifiers count by their accuracy on the labelled instances: 1 - Brier score.

    A classifier that predicted no labelled instance gets the mean of the others; without any label all get 1.

    Parameters
    ----------
    floor : float, default=0.1
        Least weight of a classifier, >= 0.
    """

    def __init__(self, floor: float = 0.1) -> None:
        self.floor = number(floor, "floor", 0)

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """Weigh each classifier's predictions by max(1 - Brier score, floor)."""
        return ConfidenceRule(per_classifier=self.classifier_weights(R, labels, sample_weight))

    def classifier_weights(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> Vector:
        """Return max(1 - Brier score, floor) of each classifier, (m,)."""
        labelled = np.flatnonzero(~np.isnan(labels))
        s = np.ones(len(labels)) if sample_weight is None else sample_weight
        total, count = np.zeros(len(R)), np.zeros(len(R))
        for block in column_blocks((len(R), len(labelled))):
            columns = labelled[block]
            error = (R[:, columns] - labels[columns]) ** 2
            scored = ~np.isnan(error)
            total += (np.where(scored, error, 0) * s[columns]).sum(axis=1)
            count += (scored * s[columns]).sum(axis=1)
        brier = np.divide(total, count, out=np.zeros(len(R)), where=count > 0)
        weights: Vector = np.maximum(1 - brier, self.floor)
        weights[count == 0] = weights[count > 0].mean() if count.any() else 1.0
        return weights


class AdaptiveConfidence(_RuleStrategy):
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

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """Return the blend for every prediction."""
        return self.fold_in_rule(R, labels, sample_weight)(R)

    def fold_in_rule(
        self, R: Float, labels: Vector, sample_weight: Vector | None = None
    ) -> Callable[[Float], ConfidenceRule]:
        """Calibration and the largest spread stay those of training."""
        spread = _spread(R) if sample_weight is None else _spread(R) * (sample_weight > 0)
        calibration = CalibrationConfidence().classifier_weights(R, labels, sample_weight)
        return Blend(self.alpha, self.beta * calibration, self.gamma, float(spread.max()))


class NoiseAdaptiveConfidence(_RuleStrategy):
    """Classifiers count by the inverse of their noise, 1 / psi_u, in a factor model of the predictions.

    It is fitted without labels, see `fit_factor_model`. The weights are scaled to a mean of 1 over the classifiers:
    like uniform weights they sum to m where all have predicted, and it is beside that sum that the trainers' penalty
    stands. A classifier whose predictions do not vary has no noise to go by and gets that mean.

    Parameters
    ----------
    latent_dim : int, default=1
        Number of the model's factors, >= 1.
    floor : float, default=0.005
        Least noise of a classifier, in units of the variance of its predictions; > 0 and at most 1.
    """

    def __init__(self, latent_dim: int = 1, floor: float = 0.005) -> None:
        self.latent_dim = integer(latent_dim, "latent_dim", 1)
        self.floor = number(floor, "floor", float(np.finfo(np.float64).eps), 1)

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """1 / psi_u for each classifier's predictions, divided by its mean over the classifiers."""
        noise = fit_factor_model(R, self.latent_dim, floor=self.floor, sample_weight=sample_weight).noise
        weights = np.ones(len(R))
        if noise.any():
            relative = noise[noise > 0].min() / noise[noise > 0]  # before the mean: 1 / psi might be infinite
            weights[noise > 0] = relative / relative.mean()
        return ConfidenceRule(per_classifier=weights)


class LabelAwareConfidence(_RuleStrategy):
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

    def rule(self, R: Float, labels: Vector, sample_weight: Vector | None = None) -> ConfidenceRule:
        """Return the modulated base confidence."""
        return modulate_by_labels(self.base.weigh(R, labels, sample_weight), R, labels, self.alpha)

    def fold_in_rule(
        self, R: Float, labels: Vector, sample_weight: Vector | None = None
    ) -> Callable[[Float], Confidence]:
        """Return the base's rule: new instances have no label to modulate by."""
        return self.base.fold_in_rule(R, labels, sample_weight)

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return super()._fields() | {"base": Part(*STRATEGIES.values())}


def modulate_by_labels(C: Confidence, R: Float, labels: Vector, alpha: float) -> ConfidenceRule:
    """Modulate C, weights (m, n) or a rule, as `LabelAwareConfidence` says; C stays as it is."""
    if isinstance(C, ConfidenceRule) and C.labels is None:
        return C.with_labels(labels, alpha)
    given = C.weights(R) if isinstance(C, ConfidenceRule) else C  # a rule heeds labels once
    return ConfidenceRule(given=given, labels=labels, alpha=alpha)


STRATEGIES: dict[str, type[_RuleStrategy]] = {
    "uniform": UniformConfidence,
    "certainty": CertaintyConfidence,
    "label_aware": LabelAwareConfidence,
    "calibration": CalibrationConfidence,
    "adaptive": AdaptiveConfidence,
    "noise_adaptive": NoiseAdaptiveConfidence,
}


def get_confidence_strategy(name: str, **kwargs: Any) -> ConfidenceStrategy:
    """Return the strategy of that name, constructed with the keyword arguments.

    Parameters
    ----------
    name : {'uniform', 'certainty', 'label_aware', 'calibration', 'adaptive', 'noise_adaptive'}
        Which one.
    **kwargs
        Its parameters.

    Returns
    -------
    ConfidenceStrategy
        To be given to a trainer as `confidence`.

    Raises
    ------
    ValueError
        If there is no strategy of that name.
    """
    return STRATEGIES[choice(name, "confidence", STRATEGIES)](**kwargs)


@dataclass(frozen=True, eq=False)
class SameForAll(Saved):
    """Weighs new instances (m, k) by a rule that knows the classifier and the prediction, but no instance."""

    constant: float
    certainty: float
    per_classifier: Vector | None

    def __call__(self, R: Float) -> ConfidenceRule:
        """Return the rule."""
        return ConfidenceRule(self.constant, self.certainty, self.per_classifier)

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return {"constant": Real(0), "certainty": Real(0), "per_classifier": OrNone(Array("m", low=0))}


@dataclass(frozen=True, eq=False)
class Blend(Saved):
    """Weighs new instances (m, k) by `AdaptiveConfidence`, with calibration and the largest spread of training."""

    certainty: float
    per_classifier: Vector
    agreement: float
    largest_spread: float

    def __call__(self, R: Float) -> ConfidenceRule:
        """Return the rule of these instances."""
        disagreement = np.minimum(_spread(R) / (self.largest_spread or np.inf), 1)
        return ConfidenceRule(
            certainty=self.certainty,
            per_classifier=self.per_classifier,
            per_instance=self.agreement * (1 - disagreement),
        )

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return {
            "certainty": Real(0),
            "per_classifier": Array("m", low=0),
            "agreement": Real(0),
            "largest_spread": Real(0),
        }


def _spread(R: Float) -> Vector:
    """Each instance's standard deviation (n,) over the classifiers that predicted it; 0 where none did."""
    spread = np.empty(R.shape[1])
    for columns in column_blocks(R.shape):
        r = R[:, columns]
        observed = ~np.isnan(r)
        count = np.maximum(observed.sum(axis=0), 1)
        mean = np.where(observed, r, 0).sum(axis=0, dtype=np.float64) / count
        spread[columns] = np.sqrt(np.where(observed, (r - mean) ** 2, 0).sum(axis=0) / count)
    return spread
