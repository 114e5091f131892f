"""The predictions of an ensemble, with labels and confidence."""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._blocks import column_blocks, count_missing
from cfensemble._typing import Float, Mask, Vector
from cfensemble._validation import (
    confidence_matrix,
    generator,
    label_vector,
    number,
    probability_matrix,
    sample_weights,
    share,
)
from cfensemble.data.confidence import CertaintyConfidence, modulate_by_labels
from cfensemble.data.suspicions import copies_of_labels
from cfensemble.exceptions import DataWarning


class EnsembleData:
    """Predicted probabilities of m classifiers for n instances, few of them labelled.

    Parameters
    ----------
    R : array-like of shape (m, n)
        R[u, i] is classifier u's probability that instance i is positive; NaN where it predicted nothing. float32 is
        kept, everything else becomes float64.
    labels : array-like of shape (n,)
        1, 0, or NaN where the instance is unlabelled.
    C : array-like of shape (m, n), optional
        Confidence weight >= 0 of each prediction. When absent, `C` is the certainty |R - 0.5|, computed when first
        asked for, and trainers use their own confidence strategy.
    sample_weight : array-like of shape (n,), optional
        How often each instance counts, >= 0 and not always 0: it scales the instance's confidence, the penalty on its
        factor and the weight of its label alike. An instance of weight 2 is one given twice; one of weight 0 is left
        out, label and all, but still predicted. Default: once.

    Attributes
    ----------
    R, labels : ndarray of shape (m, n) and (n,)
        What was given; not copied where it had the right type. Labels of instances of weight 0 are NaN.
    has_confidence : bool
        Whether C was given.
    sample_weight : ndarray of shape (n,)
        In float64; 1 where none was given.
    has_sample_weight : bool
        Whether one of them is not 1.

    Raises
    ------
    ValueError
        If R is not 2-D or empty, holds values outside [0, 1], lengths differ, labels are not 1, 0 or NaN, C is
        negative or of another shape, or sample_weight is negative, not finite or 0 throughout.

    Warns
    -----
    DataWarning
        If a classifier or an instance has no prediction at all, or a classifier holds the labels themselves.
    """

    def __init__(
        self,
        R: ArrayLike,
        labels: ArrayLike,
        C: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> None:
        self.R = probability_matrix(R)
        if np.shape(labels) == (self.n_classifiers,) != (self.n_instances,):
            raise ValueError(
                f"labels has one entry per row of R, shape {np.shape(labels)}; R, of shape {self.R.shape}, should be "
                "classifiers x instances: is it transposed?"
            )
        self.labels = label_vector(labels, self.n_instances)
        weights = sample_weights(sample_weight, self.n_instances)
        self.has_sample_weight = weights is not None
        self.sample_weight = np.ones(self.n_instances) if weights is None else weights
        if not self.sample_weight.all():
            self.labels = np.where(self.sample_weight > 0, self.labels, np.nan)
        self._C = None if C is None else _confidence_weights(C, self.R, "C")
        self.has_confidence = C is not None
        self._warn()

    @property
    def C(self) -> Float:
        """Confidence weights (m, n): those given, else |R - 0.5|; 0 where a prediction is missing."""
        if self._C is None:
            self._C = CertaintyConfidence().compute(self.R, self.labels)
        return self._C

    @property
    def labeled_idx(self) -> Mask:
        """Boolean mask (n,) of the labelled instances."""
        return ~np.isnan(self.labels)

    @property
    def unlabeled_idx(self) -> Mask:
        """Boolean mask (n,) of the unlabelled instances."""
        return np.isnan(self.labels)

    @property
    def n_classifiers(self) -> int:
        """Number m of classifiers."""
        return int(self.R.shape[0])

    @property
    def n_instances(self) -> int:
        """Number n of instances."""
        return int(self.R.shape[1])

    @property
    def n_labeled(self) -> int:
        """Number of labelled instances."""
        return int(np.count_nonzero(self.labeled_idx))

    @property
    def n_unlabeled(self) -> int:
        """Number of unlabelled instances."""
        return self.n_instances - self.n_labeled

    def compute_label_aware_confidence(self, alpha: float = 1.0, base_confidence: ArrayLike | None = None) -> Float:
        """Confidence modulated by the labels; see `LabelAwareConfidence`.

        Parameters
        ----------
        alpha : float, default=1.0
            Strength >= 0 of the modulation.
        base_confidence : array-like of shape (m, n), optional
            What is modulated; default `self.C`.

        Returns
        -------
        ndarray of shape (m, n)
            A new array; `self.C` stays as it is (see `update_confidence`).
        """
        base = self.C if base_confidence is None else confidence_matrix(base_confidence, self.R, "base_confidence")
        return modulate_by_labels(base, self.R, self.labels, number(alpha, "alpha", 0)).weights(self.R)

    def get_labeled_data(self) -> tuple[Float, Vector, Float]:
        """R (m, n_labeled), labels (n_labeled,) and C (m, n_labeled) of the labelled instances."""
        mask = self.labeled_idx
        return self.R[:, mask], self.labels[mask], self.C[:, mask]

    def get_unlabeled_data(self) -> tuple[Float, Float]:
        """R (m, n_unlabeled) and C (m, n_unlabeled) of the unlabelled instances."""
        mask = self.unlabeled_idx
        return self.R[:, mask], self.C[:, mask]

    def split_labeled_data(
        self, train_fraction: float = 0.8, random_state: int | np.random.Generator | None = None
    ) -> tuple["EnsembleData", "EnsembleData"]:
        """Split the labels, not the instances: two data sets over all instances with the other part's labels masked.

        Parameters
        ----------
        train_fraction : float, default=0.8
            Share, in (0, 1), of each class's labels that the first data set keeps. Where a class has at least two
            labels both parts get one of them.
        random_state : int, numpy.random.Generator or None
            Seed of the draw.

        Returns
        -------
        train : EnsembleData
            With its share of the labels.
        validation : EnsembleData
            With the others.
        """
        fraction = share(train_fraction, "train_fraction")
        rng = generator(random_state)
        train, validation = self.labels.copy(), self.labels.copy()
        for label in (0, 1):
            members = rng.permutation(np.flatnonzero(self.labels == label))
            n_train = round(fraction * members.size)
            if members.size >= 2:
                n_train = min(max(n_train, 1), members.size - 1)
            validation[members[:n_train]] = np.nan
            train[members[n_train:]] = np.nan
        C = self._C if self.has_confidence else None
        with warnings.catch_warnings():  # what is odd about R was said when this object was made
            warnings.simplefilter("ignore", DataWarning)
            s = self.sample_weight
            return EnsembleData(self.R, train, C, s), EnsembleData(self.R, validation, C, s)

    def update_confidence(self, C_new: ArrayLike) -> None:
        """Replace the confidence weights by C_new (m, n), >= 0."""
        self._C = _confidence_weights(C_new, self.R, "C_new")
        self.has_confidence = True

    def summary(self) -> str:
        """Describe the data in a few lines of text."""
        y = self.labels[self.labeled_idx]
        positive = f"{np.mean(y):.1%} positive" if y.size else "no labels"
        weights = f"weights      {self.sample_weight.sum():g} in total"
        return "\n".join(
            [
                f"classifiers  {self.n_classifiers}",
                f"instances    {self.n_instances}",
                f"labelled     {self.n_labeled} ({self.n_labeled / self.n_instances:.1%}; {positive})",
                f"missing      {self._missing_share:.1%} of the predictions",
                f"confidence   {'given' if self.has_confidence else 'by rule'}",
                *([weights] if self.has_sample_weight else []),
            ]
        )

    def __repr__(self) -> str:
        return (
            f"EnsembleData(n_classifiers={self.n_classifiers}, n_instances={self.n_instances}, "
            f"n_labeled={self.n_labeled}, missing={self._missing_share:.1%})"
        )

    def _warn(self) -> None:
        for u in copies_of_labels(self.R, self.labels):
            message = f"R[{u}] holds the labels themselves, where there are labels and nowhere else: leave it out"
            warnings.warn(message, DataWarning, stacklevel=3)
        no_row, no_column = empty_lines(self.R)
        for kind, empty, fate in (
            ("classifier", no_row, "leave it out"),
            ("instance", no_column, "it gets the base rate"),
        ):
            if empty.any():
                warnings.warn(
                    f"R has {np.count_nonzero(empty)} {kind}(s) without any prediction, the first at index "
                    f"{np.argmax(empty)}: {fate}",
                    DataWarning,
                    stacklevel=3,
                )

    @property
    def _missing_share(self) -> float:
        return count_missing(self.R) / self.R.size


def _confidence_weights(C: ArrayLike, R: Float, name: str) -> Float:
    """C as the confidence weights of R, 0 where that is missing: a copy only if it takes one."""
    given = weights = confidence_matrix(C, R, name)
    for columns in column_blocks(R.shape):
        stray = np.isnan(R[:, columns]) & (given[:, columns] != 0)
        if stray.any():
            weights = weights.copy() if weights is given else weights
            weights[:, columns][stray] = 0
    return weights


def empty_lines(R: Float) -> tuple[Mask, Mask]:
    """Which classifiers, and which instances, R (m, n) has no prediction of."""
    no_row, no_column = np.ones(R.shape[0], np.bool_), np.ones(R.shape[1], np.bool_)
    for columns in column_blocks(R.shape):
        missing = np.isnan(R[:, columns])
        no_row &= missing.all(axis=1)
        no_column[columns] = missing.all(axis=0)
    return no_row, no_column
