"""Which columns of a table hold whose predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float
from cfensemble._validation import SUM_TOLERANCE
from cfensemble.tables.fields import numbers, reject_first
from cfensemble.tables.sources import Block

SEPARATOR = ":"


@dataclass(frozen=True)
class ClassifierColumns:
    """The columns of m classifiers: one each, or one each per class.

    Attributes
    ----------
    classifiers : tuple of str, length m
        Names of the classifiers.
    classes : tuple of str, length K, or None
        Names of the classes, where a classifier has a column `model:class` for each; None: one column each, which bears
        the classifier's name.
    """

    classifiers: tuple[str, ...]
    classes: tuple[str, ...] | None = None

    @classmethod
    def of(cls, names: Sequence[str]) -> "ClassifierColumns":
        """Tell from their names how the columns belong together.

        They are `model:class` columns if each name has a colon and every model, the part before the last colon, has the
        same two or more classes. The classes come in the order of their first occurrence.
        """
        parts = [name.rpartition(SEPARATOR) for name in names]
        models = tuple(dict.fromkeys(model for model, _, _ in parts))
        classes = tuple(dict.fromkeys(label for _, _, label in parts))
        complete = len(names) == len(models) * len(classes) and len(classes) >= 2
        if complete and all(model and label for model, _, label in parts):
            return cls(models, classes)
        return cls(tuple(names))

    @property
    def column_names(self) -> list[str]:
        """All columns, classifier by classifier."""
        return [name for classifier in self.classifiers for name in self.columns_of(classifier)]

    def columns_of(self, classifier: str) -> list[str]:
        """Columns of a classifier, in the order of the classes."""
        if self.classes is None:
            return [classifier]
        return [f"{classifier}{SEPARATOR}{label}" for label in self.classes]

    def read(self, block: Block) -> Float:
        """Read the probabilities of a block's rows.

        Returns
        -------
        array of shape (m, n) or (m, K, n), float64
            NaN = not predicted.

        Raises
        ------
        ValueError
            If a field is no probability, or a classifier gives probabilities for some of the classes only or such that
            do not sum to 1 (within .001), naming the place.
        """
        P = np.empty((len(self.classifiers), len(self.classes or " "), block.n_rows))
        for classifier, rows in zip(self.classifiers, P, strict=True):
            for column, p in zip(self.columns_of(classifier), rows, strict=True):
                p[:] = _probabilities(block, column)
            if self.classes is not None:
                self._check_sums(block, classifier, rows)
        return P if self.classes is not None else P[:, 0]

    def _check_sums(self, block: Block, classifier: str, rows: Float) -> None:
        where = f"{block.name}: classifier {classifier!r}"
        n_missing = np.isnan(rows).sum(axis=0)
        in_part = (n_missing > 0) & (n_missing < len(rows))
        if in_part.any():
            i = int(np.argmax(in_part))
            blank = self.columns_of(classifier)[int(np.argmax(np.isnan(rows[:, i])))]
            raise ValueError(
                f"{where}, {block.place(i)}: column {blank!r} is blank, another class's is not; give all or none"
            )
        total = rows.sum(axis=0)
        off = np.abs(total - 1) > SUM_TOLERANCE  # NaN is not
        if off.any():
            i = int(np.argmax(off))
            raise ValueError(
                f"{where}, {block.place(i)}: its probabilities sum to {total[i]:.6g}; over the classes "
                f"{listed(self.classes or ())} they must sum to 1 (within {SUM_TOLERANCE:g})"
            )


def listed(names: Sequence[str]) -> str:
    """Return the names as one sees them, spaces and all, and what a single one may mean."""
    shown = ", ".join(map(repr, names[:50])) + (f" and {len(names) - 50} more" if len(names) > 50 else "")
    separators = [separator for separator in ";\t|" if len(names) == 1 and separator in names[0]]
    if separators:
        return f"{shown}: fields seem to be separated by {separators[0]!r}; save them separated by commas (.tsv: tabs)"
    return shown


def _probabilities(block: Block, column: str) -> Float:
    role = f"classifier column {column!r}"
    p = numbers(block, column, role, "numbers; drop it, or name it as the id column if it is one")
    reject_first(
        block,
        p,
        (p < 0) | (p > 1),
        role,
        "probabilities lie in [0, 1]; divide percentages by 100, drop it, or name it as the id column if it is one",
    )
    return p
