"""What every aggregator can do."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Float, Vector
from cfensemble._validation import reject_first
from cfensemble.objectives.label_weights import LabelledInstances


class BaseAggregator(ABC):
    """Turns reconstructed predictions r_hat = X' y into the probability that an instance is positive."""

    @abstractmethod
    def predict(self, r_hat: ArrayLike) -> Float:
        """Probabilities (n,) for reconstructions of shape (m, n); one probability for shape (m,)."""

    @abstractmethod
    def predict_factors(self, X: Float, Y: Float, n_threads: int | None = None) -> Float:
        """Probabilities (n,) from the factors X (d, m) and Y (d, n), without forming R_hat."""

    @abstractmethod
    def loss(
        self,
        X: Float,
        Y: Float,
        labelled: LabelledInstances,
        focal_gamma: float = 0.0,
        n_threads: int | None = None,
    ) -> float:
        """Weighted mean focal loss of the labelled columns of Y."""

    @abstractmethod
    def get_weights(self) -> Vector:
        """How much each classifier counts, (m,)."""

    @abstractmethod
    def get_params(self) -> dict[str, Any]:
        """Everything `set_params` needs to restore this aggregator; a copy."""

    @abstractmethod
    def set_params(self, **params: Any) -> None:
        """Restore what `get_params` returned."""

    def update(  # noqa: B027, not abstract: most aggregators have nothing to learn by it
        self,
        X: Float,
        Y: Float,
        labeled_idx: ArrayLike,
        labels: ArrayLike,
        lr: float,
        use_class_weights: bool = True,
        focal_gamma: float = 0.0,
    ) -> None:
        """Take one learning step; aggregators with nothing to learn ignore it."""


def as_reconstruction(r_hat: ArrayLike, n_classifiers: int | None) -> Float:
    """`r_hat` as a finite array of shape (m, n) or (m,), of any m where n_classifiers is None."""
    r_hat = np.asarray(r_hat)
    if r_hat.ndim not in (1, 2) or n_classifiers not in (None, len(r_hat)):
        m = "m" if n_classifiers is None else n_classifiers
        raise ValueError(f"r_hat must have shape ({m}, n) or ({m},), got {r_hat.shape}")
    reject_first(r_hat, ~np.isfinite(r_hat), "r_hat", "a reconstruction is finite")
    return r_hat
