"""Where the classifiers disagree, and which instances a label would tell most of."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfensemble._typing import Float, Indices, Mask, Vector
from cfensemble.report.subject import Subject

N_SHOWN = 10
LEAST_SPREAD = 0.0005
"""Instances whose predictions spread less are not disputed."""
SURE = 0.9
"""Instances with a probability beyond it, or below 1 minus it, need no label."""


@dataclass(frozen=True, eq=False)
class Disputes:
    """Disagreement of the classifiers.

    Attributes
    ----------
    spread : ndarray of shape (n,)
        Standard deviation of an instance's predictions, NaN where there are not two.
    overruled : int
        Instances where the combination decides otherwise than most of the classifiers that predicted.
    shown : list of Dispute
        The most disputed instances without a label, or of all where every one has a label.
    all_labelled : bool
        Whether every instance has a label.
    spread_if_right, spread_if_wrong : float
        Mean spread of the labelled instances that cross-validation got right and wrong; NaN where not known.
    """

    spread: Vector
    overruled: int
    shown: "list[Dispute]"
    all_labelled: bool
    spread_if_right: float
    spread_if_wrong: float


@dataclass(frozen=True)
class Dispute:
    """An instance that classifiers disagree on: its name, probability, spread, and the two that are furthest apart."""

    id: str
    p: float
    decided: str
    spread: float
    lowest: tuple[str, float]
    highest: tuple[str, float]


def find_disputes(subject: Subject, right: Mask | None) -> Disputes:
    """Find where the classifiers disagree.

    Parameters
    ----------
    subject : Subject
        The report's.
    right : ndarray of shape (k,) or None
        Whether cross-validation got each of the subject's columns right.
    """
    R, p = subject.flat, subject.flat_p
    n_predicted = np.sum(~np.isnan(R), axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of instances without predictions
        spread = np.where(n_predicted >= 2, np.nanstd(R, axis=0), np.nan)
    unknown = np.isnan(subject.labels)
    candidates = np.flatnonzero((spread >= LEAST_SPREAD) & (unknown if unknown.any() else True))
    order = candidates[np.argsort(-spread[candidates], kind="stable")][:N_SHOWN]
    means = [np.nan, np.nan]
    if right is not None:
        of_columns = spread[subject.columns]
        for k, chosen in enumerate((right, ~right)):
            known = of_columns[chosen & np.isfinite(of_columns)]
            means[k] = float(known.mean()) if known.size else np.nan
    return Disputes(
        spread=spread,
        overruled=_overruled(subject),
        shown=[_dispute(subject, int(i), R[:, i], float(p[i]), float(spread[i])) for i in order],
        all_labelled=not unknown.any(),
        spread_if_right=means[0],
        spread_if_wrong=means[1],
    )


def _overruled(subject: Subject) -> int:
    """Count the instances where most of the classifiers that predicted decide otherwise than the combination."""
    if subject.is_multiclass:
        missing = np.isnan(subject.R[:, 0])
        votes: Any = np.where(missing, -1, np.where(np.isnan(subject.R), -1, subject.R).argmax(axis=1))
        against = np.sum((votes != subject.p.argmax(axis=0)) & ~missing, axis=0)
        return int(np.sum(against > (~missing).sum(axis=0) / 2))
    missing = np.isnan(subject.R)
    against = np.sum(((subject.R >= 0.5) != (subject.p >= 0.5)) & ~missing, axis=0)
    return int(np.sum(against > (~missing).sum(axis=0) / 2))


def _dispute(subject: Subject, i: int, r: Float, p: float, spread: float) -> Dispute:
    from cfensemble.report.subject import presentable

    low, high = int(np.nanargmin(r)), int(np.nanargmax(r))
    code = int(subject.p[:, i].argmax()) if subject.is_multiclass else int(p >= 0.5)
    ends = [(subject.classifiers[u], float(r[u])) for u in (low, high)]
    return Dispute(presentable(str(subject.ids[i])), p, subject.classes[code], spread, ends[0], ends[1])


def most_uncertain(subject: Subject) -> Indices:
    """Return the unlabelled instances, if predicted and not nearly certain, the least certain first."""
    certainty = subject.flat_p if subject.is_multiclass else np.maximum(subject.p, 1 - subject.p)
    predicted = ~np.isnan(subject.flat).all(axis=0)
    chosen = np.flatnonzero(np.isnan(subject.labels) & predicted & (certainty <= SURE))
    return chosen[np.argsort(certainty[chosen], kind="stable")]
