"""Cross-validation and scoring where most rows have no label."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing

from cfensemble._typing import Indices
from cfensemble.estimators.labels import drop_unlabelled, unlabelled
from cfensemble.estimators.splits import labelled_groups, split_labelled

Scorer = Callable[..., float]


class LabeledSplit:
    """Splits the labelled rows as another splitter does; all unlabelled rows are trained on and none is tested on.

    For `cross_val_score`, `GridSearchCV` and the like. Of integers it makes stratified folds.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test), default=5
        What splits the labelled rows; indices count these.
    unlabeled : scalar, default=-1
        What marks an unlabelled row in y, besides None and NaN.

    Examples
    --------
    >>> splits = LabeledSplit(2).split([[0.1]] * 6, [0, 1, -1, 0, 1, -1])
    >>> [(train.tolist(), test.tolist()) for train, test in splits]
    [([2, 3, 4, 5], [0, 1]), ([0, 1, 2, 5], [3, 4])]
    """

    def __init__(self, cv: Any = 5, *, unlabeled: Any = -1) -> None:
        self.cv = list(cv) if isinstance(cv, Iterator) else cv  # to be split by more than once
        self.unlabeled = unlabeled

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[Indices, Indices]]:
        """Split the rows.

        Parameters
        ----------
        X : array-like or data frame of n rows
            Features; only their number and what the splitter makes of them matter.
        y : array-like of shape (n,)
            Classes, some of them unlabelled.
        groups : array-like of shape (n,), optional
            For splitters that want them.

        Yields
        ------
        train : ndarray
            Rows to train on, all unlabelled ones among them.
        test : ndarray
            Labelled rows to test on.

        Raises
        ------
        ValueError
            If y has no labels, groups another length, cv other indices, or the splitter cannot split them.
        """
        known, unknown = self._parts(y)
        labels = drop_unlabelled(y, known)
        for train, test in split_labelled(self.cv, X, labels, known, groups, len(known) + len(unknown)):
            yield np.sort(np.concatenate([train, unknown])), test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""
        if y is None:
            return int(check_cv(self.cv, classifier=True).get_n_splits(X, y, groups))
        known, unknown = self._parts(y)
        labels = drop_unlabelled(y, known)
        groups = labelled_groups(groups, known, len(known) + len(unknown))
        return int(check_cv(self.cv, labels, classifier=True).get_n_splits(None, labels, groups))

    def _parts(self, y: Any) -> tuple[Indices, Indices]:
        unknown = unlabelled(y, self.unlabeled)
        if unknown.all():
            raise ValueError("y has no labelled row to split")
        return np.flatnonzero(~unknown), np.flatnonzero(unknown)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.cv!r}, unlabeled={self.unlabeled!r})"


def make_labeled_scorer(scoring: str | Scorer = "average_precision", *, unlabeled: Any = -1) -> Scorer:
    """Make a scorer that leaves out the rows without a label.

    Parameters
    ----------
    scoring : str or callable, default='average_precision'
        One of scikit-learn's scorers by name, or any ``scorer(model, X, y)``.
    unlabeled : scalar, default=-1
        What marks an unlabelled row in y, besides None and NaN.

    Returns
    -------
    callable
        ``scorer(model, X, y)``; it raises a ValueError where y has no labels.
    """
    return _LabeledScorer(get_scorer(scoring), unlabeled)


class _LabeledScorer:
    def __init__(self, scorer: Scorer, unlabeled: Any) -> None:
        self.scorer = scorer
        self.unlabeled = unlabeled

    def __call__(self, model: Any, X: Any, y: Any, **params: Any) -> float:
        known = np.flatnonzero(~unlabelled(y, self.unlabeled))
        if not known.size:
            raise ValueError("y has no labelled row to score")
        rows = {
            name: _safe_indexing(value, known) if np.ndim(value) and len(value) == len(y) else value
            for name, value in params.items()
        }
        return float(self.scorer(model, _safe_indexing(X, known), drop_unlabelled(y, known), **rows))
