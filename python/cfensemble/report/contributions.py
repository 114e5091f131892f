"""Which classifiers carry the combination, which say the same, and which it would do without."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble.combining.refits import Refits
from cfensemble.report.subject import Subject

Z = 1.959964
"""97.5 % of a standard normal lie below."""
NEAR_COPY = 0.99
"""Correlation of predictions from which two classifiers count as near copies."""
LEAST_CHANGE = 0.002
"""Log-loss in nats that leaving a classifier out has to change for it to be called harmful or needed."""
MAX_DROPPED = 60
"""With more classifiers, leaving each of them out would take too long."""
SIGNIFICANT = 0.05
"""Chance of calling any classifier harmful or useful if none is: divided by their number for each."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each of the m classifiers contributes.

    Attributes
    ----------
    weights : ndarray of shape (m,)
        The model's.
    missing : ndarray of shape (m,)
        Share of the instances without a prediction.
    own : ndarray of shape (m,)
        PR-AUC of its predictions on the labelled instances that have one (of several classes: accuracy); NaN where
        these are not of both classes.
    intervals : ndarray of shape (m, 2)
        Of coverage 95 %; NaN where it cannot be told.
    copies : list of list of int
        Groups of near copies.
    without : ndarray of shape (m,) or None
        How much the log-loss of left-out labels changes without the classifier: > 0 where it helps.
    without_error : ndarray of shape (m,) or None
        Half the width of an interval for it that takes account of the number of classifiers.
    """

    weights: Vector
    missing: Vector
    own: Vector
    intervals: Vector
    copies: list[list[int]]
    without: Vector | None
    without_error: Vector | None

    @property
    def harmful(self) -> list[int]:
        """Classifiers without which left-out labels are predicted better, beyond chance."""
        if self.without is None or self.without_error is None:
            return []
        return np.flatnonzero(self.without < -np.maximum(self.without_error, LEAST_CHANGE)).tolist()

    @property
    def needed(self) -> list[int]:
        """Classifiers without which they are predicted worse, beyond chance; the most needed first."""
        if self.without is None or self.without_error is None:
            return []
        found = np.flatnonzero(self.without > np.maximum(self.without_error, LEAST_CHANGE))
        return found[np.argsort(-self.without[found], kind="stable")].tolist()


def examine(subject: Subject, refits: Refits | None, on_step: Callable[[], object] = lambda: None) -> Contributions:
    """Examine every classifier; without refits none is left out.

    Calls `on_step` once for each.
    """
    R, y, m = subject.R[..., subject.columns], subject.y, len(subject.R)
    own, intervals = np.full(m, np.nan), np.full((m, 2), np.nan)
    for u, r in enumerate(R):
        own[u], intervals[u] = _accuracy(y, r) if subject.is_multiclass else _pr_auc(y, r)
        on_step()
    without = without_error = None
    _, counts = np.unique(y, return_counts=True)
    if refits is not None and 1 < m <= MAX_DROPPED and np.sum(counts > 1) > 1:
        without, without_error = _leave_out(refits, y)
    flat = subject.R.reshape(m, -1)
    stride = max(1, flat.shape[1] // 20_000)
    missing = np.isnan(subject.R if not subject.is_multiclass else subject.R[:, 0]).mean(axis=1)
    return Contributions(
        weights=np.asarray(subject.model.classifier_weights_, np.float64),
        missing=missing,
        own=own,
        intervals=intervals,
        copies=near_copies(flat[:, ::stride]),
        without=without,
        without_error=without_error,
    )


def near_copies(R: Float) -> list[list[int]]:
    """Group classifiers whose predictions (m, n) correlate by `NEAR_COPY` or more where both predicted."""
    from scipy.sparse.csgraph import connected_components

    seen = ~np.isnan(R)
    both = seen.astype(np.float64)
    # Whatever is subtracted cancels below; without it digits would be lost.
    r = np.where(seen, R - (np.where(seen, R, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))[:, None], 0)
    # Sums over the instances that both predicted: of the first's predictions, their squares, and the products.
    n, sums, squares = both @ both.T, r @ both.T, r**2 @ both.T
    covariance, variance = n * (r @ r.T) - sums * sums.T, n * squares - sums**2
    size = np.sqrt(np.maximum(variance * variance.T, 0))
    correlation = np.divide(covariance, size, out=np.zeros_like(size), where=size > 1e-12 * n**2)
    alike = (correlation >= NEAR_COPY) & (n >= 10)
    np.fill_diagonal(alike, False)
    _, group = connected_components(alike, directed=False)
    groups = [np.flatnonzero(group == g).tolist() for g in np.unique(group)]
    return [members for members in groups if len(members) > 1]


def _pr_auc(y: Vector, r: Float) -> tuple[float, Vector]:
    """PR-AUC a of one classifier, and the interval of logit(a) whose standard error is 1 / sqrt(n_+ a (1 - a)).

    K. Boyd, K. H. Eng and C. D. Page, "Area under the precision-recall curve: point estimates and confidence
    intervals", ECML PKDD 2013. Resampling covers less than it says where positives are few.
    """
    from scipy.special import expit, logit
    from sklearn.metrics import average_precision_score

    seen = ~np.isnan(r)
    y, r = y[seen], r[seen]
    if len(np.unique(y)) < 2:
        return np.nan, np.full(2, np.nan)
    area, n_positive = float(average_precision_score(y, r)), int(y.sum())
    if area > 1 - 1e-9:  # as far as rounding goes
        return 1.0, wilson(n_positive, n_positive)
    half = Z / np.sqrt(n_positive * area * (1 - area))
    return area, expit(logit(area) + np.array([-half, half]))


def _accuracy(y: Vector, r: Float) -> tuple[float, Vector]:
    seen = ~np.isnan(r[0])
    if not seen.any():
        return np.nan, np.full(2, np.nan)
    right = r[:, seen].argmax(axis=0) == y[seen]
    return float(right.mean()), wilson(int(right.sum()), right.size)


def wilson(successes: int, n: int) -> Vector:
    """Return the ends (2,) of Wilson's interval of coverage 95 % for a share."""
    from scipy.stats import binomtest

    return np.array(binomtest(successes, n).proportion_ci(method="wilson"))


def _leave_out(refits: Refits, y: Vector) -> tuple[Vector, Vector]:
    """How much the log-loss of left-out labels rises without each classifier, and half its interval's width."""
    from scipy.stats import t

    complete, *others = refits.left_out_log_likelihoods(y)
    changes = complete - np.array(others)
    quantile = float(t.ppf(1 - SIGNIFICANT / (2 * len(others)), len(y) - 1))
    return changes.mean(axis=1), quantile * changes.std(axis=1, ddof=1) / np.sqrt(len(y))
