"""The learned aggregator: a logistic regression on the reconstruction."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cfensemble import _core
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Vector
from cfensemble._validation import boolean, generator, instance_mask, integer, number
from cfensemble.ensemble.base import BaseAggregator, as_reconstruction
from cfensemble.ensemble.nonnegative import project
from cfensemble.ensemble.penalty import WeightPenalty
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.objectives.label_weights import LabelledInstances
from cfensemble.objectives.losses import as_factors
from cfensemble.persistence.fields import Array, Field, Real
from cfensemble.persistence.saved import Saved


class WeightedAggregator(Saved, BaseAggregator):
    """p = sigmoid(w . r_hat + b).

    Parameters
    ----------
    n_classifiers : int
        Number m of classifiers.
    init_uniform : bool, default=True
        Start from w = 1 / m, the plain average; else from normal weights with that standard deviation. b starts at 0.
    random_state : int, numpy.random.Generator or None
        Seed of the random start.

    Attributes
    ----------
    w : ndarray of shape (m,)
        Weight of each classifier.
    b : float
        Bias, in log-odds.
    """

    def __init__(
        self,
        n_classifiers: int,
        init_uniform: bool = True,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        m = integer(n_classifiers, "n_classifiers", 1)
        self.w: Vector = np.full(m, 1 / m) if init_uniform else generator(random_state).normal(0, 1 / m, m)
        self.b = 0.0

    def predict(self, r_hat: ArrayLike) -> Float:
        """Probabilities for reconstructions of shape (m, n) or (m,)."""
        r_hat = as_reconstruction(r_hat, len(self.w))
        p: Float = expit(self.w @ r_hat + self.b)
        return p

    def predict_factors(self, X: Float, Y: Float, n_threads: int | None = None) -> Float:
        """Probabilities (n,) from the factors X (d, m) and Y (d, n), in Y's precision."""
        return _core.predict(X, Y, self.w, self.b, resolve_threads(n_threads))

    def loss(
        self,
        X: Float,
        Y: Float,
        labelled: LabelledInstances,
        focal_gamma: float = 0.0,
        n_threads: int | None = None,
    ) -> float:
        """Weighted mean focal loss of the labelled columns of Y."""
        return self.derivatives(self.theta, X, Y, labelled, focal_gamma, False, n_threads)[0]

    @staticmethod
    def derivatives(
        theta: Vector,
        X: Float,
        Y: Float,
        labelled: LabelledInstances,
        focal_gamma: float = 0.0,
        with_hessian: bool = True,
        n_threads: int | None = None,
    ) -> tuple[float, Vector, Vector | None]:
        """Loss, exact gradient (m + 1,) and Hessian (m + 1, m + 1) or None at theta = (w, b)."""
        return _core.aggregator_loss(
            X,
            Y,
            theta[:-1],
            float(theta[-1]),
            labelled.columns,
            labelled.labels,
            labelled.weights,
            focal_gamma,
            with_hessian,
            resolve_threads(n_threads),
        )

    def update(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        labeled_idx: ArrayLike,
        labels: ArrayLike,
        lr: float,
        use_class_weights: bool = True,
        focal_gamma: float = 0.0,
        *,
        prior: WeightPrior | None = None,
        nonnegative: bool = False,
    ) -> None:
        """One step of gradient descent on the supervised loss.

        Parameters
        ----------
        X, Y : array-like of shape (d, m) and (d, n)
            Factors, which stay as they are.
        labeled_idx : array-like
            Boolean mask (n,) or integer indices of the labelled instances. None labelled: nothing happens.
        labels : array-like of shape (n,)
            1 or 0 where labelled.
        lr : float
            Step length >= 0.
        use_class_weights : bool, default=True
            Give both classes the same total weight. Without it, imbalanced labels drive the weights down
            (see `CollapseWarning`).
        focal_gamma : float, default=0.0
            Focusing exponent >= 0.
        prior : WeightPrior, optional
            What is believed of the weights; divided by the number of labelled instances it is added to the loss.
        nonnegative : bool, default=False
            Raise weights that the step makes negative to 0.
        """
        X, Y = as_factors(X, Y)
        boolean(nonnegative, "nonnegative")
        if prior is not None and len(prior.center) != len(self.w):
            raise ValueError(f"prior has a center of {len(prior.center)} weights, but there are {len(self.w)}")
        mask = instance_mask(labeled_idx, Y.shape[1])
        if not mask.any():
            return
        labelled = LabelledInstances.of(labels, mask, use_class_weights)
        theta = self.theta
        _, gradient, _ = self.derivatives(theta, X, Y, labelled, focal_gamma, with_hessian=False)
        if prior is not None:
            gradient += WeightPenalty(0.0, prior, len(labelled.columns)).gradient(theta)
        self.set_theta(project(theta - number(lr, "lr", 0) * gradient, nonnegative))

    @property
    def theta(self) -> Vector:
        """(w, b) as one vector (m + 1,), a copy."""
        return np.append(self.w, self.b)

    def set_theta(self, theta: Vector) -> None:
        """Take over w and b from theta = (w, b), (m + 1,)."""
        self.w, self.b = theta[:-1].copy(), float(theta[-1])

    def get_params(self) -> dict[str, Any]:
        """Return w (m,), a copy, and b."""
        return {"w": self.w.copy(), "b": self.b}

    def set_params(self, *, w: ArrayLike, b: float) -> None:  # type: ignore[override]
        """Set w (m,) and b."""
        weights = np.array(w, np.float64)
        if weights.shape != self.w.shape:
            raise ValueError(f"w must have shape {self.w.shape}, got {weights.shape}")
        if not np.isfinite(weights).all():
            raise ValueError("w must be finite")
        self.w, self.b = weights, number(b, "b")

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return {"w": Array("m"), "b": Real()}

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        aggregator = cls(len(state["w"]))
        aggregator.set_params(**state)
        return aggregator

    def get_weights(self) -> Vector:
        """Return w (m,), a copy."""
        return self.w.copy()

    def get_normalized_weights(self) -> Vector:
        """|w| / sum |w|, (m,): each classifier's share."""
        magnitude = np.abs(self.w)
        total = magnitude.sum()
        return magnitude / total if total > 0 else np.full(len(self.w), 1 / len(self.w))

    def __repr__(self) -> str:
        return f"WeightedAggregator(n_classifiers={len(self.w)}, b={self.b:.4g})"
