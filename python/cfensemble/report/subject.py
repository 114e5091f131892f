"""What a report is about: a fitted classifier, and the predictions and labels that it is judged on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble.estimators.labels import unlabelled
from cfensemble.estimators.predictions import read_predictions

if TYPE_CHECKING:
    from cfensemble.estimators import CFEnsembleClassifier

OURS = "CF-Ensemble"
REFITTED = "CF-Ensemble, refitted"
"""Fitted to the labels of a report's own rows, where the model was fitted to other rows."""
MAX_LABELLED = 2000
"""Labelled instances that are used to estimate quality: with more, the figures would hardly change, but take long."""
LONGEST_NAME = 80


@dataclass(frozen=True, eq=False)
class Subject:
    """A fitted classifier with what it combined.

    Attributes
    ----------
    title : str
        What the predictions are called.
    model : CFEnsembleClassifier
        Fitted.
    R : ndarray of shape (m, n), or (m, K, n) of K > 2 classes
        Predictions; NaN = not predicted.
    labels : ndarray of shape (n,)
        Index of the class, NaN = unlabelled.
    p : ndarray of shape (n,) or (K, n)
        The model's probabilities.
    classifiers, classes : tuple of str
        Names, without characters that cannot be shown.
    ids : sequence of length n
        What the instances are called.
    columns : ndarray of shape (k,)
        The labelled instances that quality is estimated on, at most `MAX_LABELLED`.
    is_new : bool
        Whether these are other instances than the model was fitted to.
    row_heading : str
        What is said above the ids.
    """

    title: str
    model: "CFEnsembleClassifier"
    R: Float
    labels: Vector
    p: Float
    classifiers: tuple[str, ...]
    classes: tuple[str, ...]
    ids: Sequence[Any]
    columns: Indices
    is_new: bool
    row_heading: str

    @property
    def is_multiclass(self) -> bool:
        """Whether there are more than two classes."""
        return self.R.ndim == 3

    @property
    def y(self) -> Vector:
        """Labels of the columns (k,)."""
        return self.labels[self.columns]

    @property
    def n_labelled(self) -> int:
        """Number of labelled instances."""
        return int(np.sum(~np.isnan(self.labels)))

    @property
    def counts(self) -> list[int]:
        """Number of labels of each class."""
        return [int(np.sum(self.labels == code)) for code in range(len(self.classes))]

    @property
    def flat(self) -> Float:
        """Predictions (m, n) of one class for each instance: the positive, or of several the one that is combined."""
        if not self.is_multiclass:
            return self.R
        return np.take_along_axis(self.R, self.p.argmax(axis=0)[None, None], axis=1)[:, 0]

    @property
    def flat_p(self) -> Float:
        """The model's probabilities (n,) of the same."""
        return self.p.max(axis=0) if self.is_multiclass else self.p


def make_subject(
    model: "CFEnsembleClassifier", P: Any, y: Any, title: str = "predictions", ids: Sequence[Any] | None = None
) -> Subject:
    """Bring together a fitted classifier, predictions and labels.

    Parameters
    ----------
    model : CFEnsembleClassifier
        Fitted.
    P, y
        As in its `fit`.
    title : str, default "predictions"
        What they are called.
    ids : sequence of length n, optional
        Names of the rows; default their positions, from 0.

    Raises
    ------
    ValueError
        If P holds no probabilities, or those of other classifiers than the model's, or y other labels.
    """
    values, names = read_predictions(P)
    model._check_classifiers(values, names)
    labels = _codes(y, len(values), model)
    R = values.T if values.ndim == 2 else values.transpose(1, 2, 0)
    if R.ndim == 3 and R.shape[1] == 2:
        R = R[:, 1]
    R = np.ascontiguousarray(R, np.float64)
    is_new = not model._is_fitted_to(values)
    distributions = _predict(model, values) if is_new else model.label_distributions_
    if names is None:
        names = [str(name) for name in getattr(model, "feature_names_in_", [""] * len(R))]
    return Subject(
        title=presentable(title),
        model=model,
        R=R,
        labels=labels,
        p=distributions.T if R.ndim == 3 else distributions[:, 1],
        classifiers=tuple(presentable(name, f"classifier {u}") for u, name in enumerate(names)),
        classes=tuple(
            presentable(_written(label), f"class {code}") for code, label in enumerate(model.classes_.tolist())
        ),
        ids=range(len(labels)) if ids is None else ids,
        columns=_sample(labels),
        is_new=is_new,
        row_heading="row, from 0" if ids is None else "row",
    )


def presentable(name: str, otherwise: str = "") -> str:
    """Return a name without control characters, which no document may hold, and not longer than can be read.

    Of a longer one the middle is left out: names that differ often do so at the end. A blank one is replaced.
    """
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]", "\ufffd", name).strip()
    if len(clean) > LONGEST_NAME:
        return f"{clean[: LONGEST_NAME // 2]}\u2026{clean[1 - LONGEST_NAME // 2 :]}"
    return clean or otherwise


def _written(label: Any) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _predict(model: "CFEnsembleClassifier", values: Float) -> Float:
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "P does not have valid feature names")
        return model.predict_proba(values)


def _codes(y: Any, n: int, model: "CFEnsembleClassifier") -> Vector:
    values = np.asarray(y, object) if isinstance(y, list | tuple) else np.asarray(y)
    if values.shape != (n,):
        raise ValueError(f"y has shape {values.shape}; expected ({n},), a label or none for each row of P")
    unknown = unlabelled(values, model.unlabeled)
    code_of = {label: code for code, label in enumerate(model.classes_.tolist())}
    codes = np.full(n, np.nan)
    for i in np.flatnonzero(~unknown):
        label = values[i].item() if isinstance(values[i], np.generic) else values[i]
        if label not in code_of:
            raise ValueError(f"y[{i}] is {label!r}, which is no class of the model: {', '.join(map(repr, code_of))}")
        codes[i] = code_of[label]
    return codes


def _sample(labels: Vector) -> Indices:
    """All labelled instances, or a stratified choice of them."""
    known = np.flatnonzero(~np.isnan(labels))
    if known.size <= MAX_LABELLED:
        return known
    rng = np.random.default_rng(0)
    share = MAX_LABELLED / known.size
    kept = []
    for code in np.unique(labels[known]):
        members = known[labels[known] == code]
        kept.append(rng.choice(members, max(round(share * members.size), min(2, members.size)), replace=False))
    return np.sort(np.concatenate(kept))
