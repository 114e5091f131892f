"""Confidence as a formula instead of a matrix."""

from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Vector
from cfensemble._validation import label_vector, number, reject_first


@dataclass(frozen=True, eq=False)
class ConfidenceRule:
    """How much each prediction counts, as a formula: the kernels evaluate it entry by entry, and store nothing.

    c_ui = (constant + certainty |r_ui - 1/2| + per_classifier_u + per_instance_i + given_ui) (1 + alpha a_ui), 0 where
    r_ui is missing; a_ui is r_ui where the label is 1, 1 - r_ui where it is 0, and 0 where there is none.

    Parameters
    ----------
    constant : float, default=0.0
        What every prediction gets, >= 0.
    certainty : float, default=0.0
        Factor >= 0 of a prediction's distance from a coin toss.
    per_classifier : array-like of shape (m,), optional
        What the predictions of each classifier get, >= 0.
    per_instance : array-like of shape (n,), optional
        What the predictions for each instance get, >= 0.
    labels : array-like of shape (n,), optional
        1, 0, or NaN where unlabelled.
    alpha : float, default=0.0
        How much weight, >= 0, predictions gain that agree with the label.
    given : ndarray of shape (m, n), optional
        Weights >= 0 of the predictions one by one, which must have R's dtype; kept as it is, and checked where it is
        used.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, labels are not 1, 0 or NaN, or an array is not 1-D.
    """

    constant: float = 0.0
    certainty: float = 0.0
    per_classifier: Vector | None = None
    per_instance: Vector | None = None
    labels: Vector | None = None
    alpha: float = 0.0
    given: Float | None = None

    def __post_init__(self) -> None:
        def keep(name: str, value: float | Vector) -> None:
            object.__setattr__(self, name, value)

        for name in ("constant", "certainty", "alpha"):
            keep(name, number(getattr(self, name), name, 0))
        for name in ("per_classifier", "per_instance"):
            if getattr(self, name) is not None:
                keep(name, _weight_vector(getattr(self, name), name))
        if self.labels is not None:
            keep("labels", np.ascontiguousarray(label_vector(self.labels, np.size(self.labels))))

    def weights(self, R: Float) -> Float:
        """Evaluate the rule for every prediction.

        Parameters
        ----------
        R : ndarray of shape (m, n)
            Predictions, NaN where missing.

        Returns
        -------
        ndarray of shape (m, n)
            Weights in R's dtype, 0 where a prediction is missing.

        Raises
        ------
        ValueError
            If an array of the rule has another length than R has classifiers or instances.
        """
        for name, length in zip(("per_classifier", "per_instance", "labels"), (*R.shape, R.shape[1]), strict=True):
            values = getattr(self, name)
            if values is not None and len(values) != length:
                raise ValueError(f"{name} must have length {length} to suit R's shape {R.shape}, got {len(values)}")
        if self.given is not None and self.given.shape != R.shape:
            raise ValueError(f"given must have R's shape {R.shape}, got {self.given.shape}")
        C = np.empty(R.shape, R.dtype)
        for columns in column_blocks(R.shape):
            C[:, columns] = self.select(columns)._weights(R[:, columns])
        return C

    def _weights(self, r: Float) -> Float:
        c = self.constant + self.certainty * np.abs(r - 0.5)
        if self.per_classifier is not None:
            c += self.per_classifier[:, None].astype(r.dtype)
        if self.per_instance is not None:
            c += self.per_instance.astype(r.dtype)
        if self.given is not None:
            c += self.given
        if self.labels is not None:
            agreement = np.where(self.labels == 1, r, 1 - r)
            c *= np.where(np.isnan(self.labels), 1, 1 + self.alpha * agreement)
        return np.where(np.isnan(r), 0, c)

    def with_labels(self, labels: Vector | None, alpha: float) -> Self:
        """Return this rule with these labels (n,) and this strength of their influence instead of its own."""
        return replace(self, labels=labels, alpha=alpha)

    def select(self, columns: slice) -> Self:
        """Return the rule of these instances alone."""
        per_column = {name: getattr(self, name) for name in ("per_instance", "labels", "given")}
        parts = {name: values[..., columns] for name, values in per_column.items() if values is not None}
        shortened = any(part.size < per_column[name].size for name, part in parts.items())
        return replace(self, **parts) if shortened else self


Confidence: TypeAlias = Float | ConfidenceRule
"""Confidence weights: an array (m, n), or the rule they follow."""


def _weight_vector(value: ArrayLike, name: str) -> Vector:
    vector = np.asarray(value, np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} must be 1-D, got shape {vector.shape}")
    reject_first(vector, ~(np.isfinite(vector) & (vector >= 0)), name, "confidence weights are finite and >= 0")
    return np.ascontiguousarray(vector)
