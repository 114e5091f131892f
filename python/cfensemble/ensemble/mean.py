"""The plain average."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cfensemble._typing import Float, Vector
from cfensemble._validation import choice, integer
from cfensemble.ensemble.base import BaseAggregator, as_reconstruction
from cfensemble.ensemble.clipped_loss import clipped_loss
from cfensemble.objectives.label_weights import LabelledInstances
from cfensemble.persistence.saved import Saved


class MeanAggregator(Saved, BaseAggregator):
    """The mean of the reconstructed predictions, clipped to [0, 1], or sigmoid of the mean of reconstructed log-odds.

    Parameters
    ----------
    n_classifiers : int, optional
        Number m of classifiers; when absent any number is averaged, and `get_weights` refers to the last one seen.
    link : {'identity', 'logit'}, default='identity'
        Whether what is averaged are probabilities or log-odds.
    """

    def __init__(self, n_classifiers: int | None = None, link: Literal["identity", "logit"] = "identity") -> None:
        self.link = choice(link, "link", ("identity", "logit"))
        self.n_classifiers = None if n_classifiers is None else integer(n_classifiers, "n_classifiers", 1)
        self._n_seen = self.n_classifiers

    def predict(self, r_hat: ArrayLike) -> Float:
        """Mean over the first axis, as a probability."""
        r_hat = as_reconstruction(r_hat, self.n_classifiers)
        self._n_seen = len(r_hat)
        return self._probability(r_hat.mean(axis=0))

    def predict_factors(self, X: Float, Y: Float, n_threads: int | None = None) -> Float:
        """Probabilities (n,) by the mean factor times Y."""
        self._n_seen = X.shape[1]
        return self._probability(X.mean(axis=1) @ Y)

    def _probability(self, mean: Float) -> Float:
        return np.clip(mean, 0, 1) if self.link == "identity" else expit(mean)

    def loss(
        self,
        X: Float,
        Y: Float,
        labelled: LabelledInstances,
        focal_gamma: float = 0.0,
        n_threads: int | None = None,
    ) -> float:
        """Weighted mean focal loss, with probabilities clipped to [1e-7, 1 - 1e-7]."""
        return clipped_loss(self.predict_factors(X, Y[:, labelled.columns]), labelled, focal_gamma)

    def get_weights(self) -> Vector:
        """Return 1 / m for each of the m classifiers."""
        if self._n_seen is None:
            raise ValueError("n_classifiers is not known yet: give it, or predict first")
        return np.full(self._n_seen, 1 / self._n_seen)

    def get_params(self) -> dict[str, Any]:
        """Return n_classifiers."""
        return {"n_classifiers": self.n_classifiers}

    def set_params(self, *, n_classifiers: int | None) -> None:  # type: ignore[override]
        """Set n_classifiers."""
        self.n_classifiers = self._n_seen = n_classifiers

    def __repr__(self) -> str:
        return f"MeanAggregator(n_classifiers={self.n_classifiers})"
