"""Splits of the labelled rows."""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing

from cfensemble._typing import Indices

Split = tuple[Indices, Indices]
"""Rows to train on, and rows to predict."""


def split_labelled(
    cv: Any, X: Any, labels: NDArray[Any], known: Indices, groups: Any, n_instances: int
) -> Iterator[Split]:
    """Split the labelled rows as a splitter does that is shown these alone.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        Of integers it makes stratified folds.
    X : array-like or data frame of n_instances rows, or None
    labels : ndarray
        The labels of the rows `known`.
    known : ndarray
        The labelled rows.
    groups : array-like of shape (n_instances,) or None
    n_instances : int

    Yields
    ------
    train, test : ndarray
        Labelled rows, counted among all rows.

    Raises
    ------
    ValueError
        If groups has another length, cv indexes rows that are not there, or the splitter cannot split.
    """
    groups = labelled_groups(groups, known, n_instances)
    splits = check_cv(cv, labels, classifier=True).split(_safe_indexing(X, known), labels, groups)
    for train, test in splits:
        try:
            split = known[train], known[test]
        except IndexError as error:
            raise ValueError(
                f"cv: its indices count the {len(known)} labelled rows alone, 0 to {len(known) - 1}, not all "
                f"{n_instances} rows: {error}"
            ) from error
        yield split


def labelled_groups(groups: Any, known: Indices, n_instances: int) -> Any:
    """Those of the groups (n_instances,) that the labelled rows belong to."""
    if groups is None:
        return None
    count = groups.shape[0] if hasattr(groups, "shape") else len(groups)
    if count != n_instances:
        raise ValueError(f"groups has {count} entries for {n_instances} rows: one per row is needed")
    return _safe_indexing(groups, known)
