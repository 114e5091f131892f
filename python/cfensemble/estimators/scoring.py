"""The accuracy of a classifier of which not all rows have a label."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import _safe_indexing

from cfensemble.estimators.labels import drop_unlabelled, unlabelled


class LabelledScore(ClassifierMixin):
    """`ClassifierMixin` whose score leaves out rows without a label."""

    unlabeled: Any

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Share of the labelled rows whose class is predicted; rows without a label are left out.

        Parameters
        ----------
        X : array-like or data frame of n rows
            As in `predict`.
        y : array-like of shape (n,)
            Classes; the marker `unlabeled`, None or NaN where unlabelled.
        sample_weight : array-like of shape (n,), optional
            How often each row counts. Default: once.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If no row is labelled, or lengths differ.
        """
        unknown = unlabelled(y, self.unlabeled)
        known = np.flatnonzero(~unknown)
        if not known.size:
            raise ValueError("y has no labelled row to score")
        predicted = self.predict(X)
        if len(unknown) != len(predicted):
            raise ValueError(f"y has {len(unknown)} labels for {len(predicted)} rows: one per row is needed")
        weight = None if sample_weight is None else _safe_indexing(np.asarray(sample_weight), known)
        return float(accuracy_score(drop_unlabelled(y, known), predicted[known], sample_weight=weight))
