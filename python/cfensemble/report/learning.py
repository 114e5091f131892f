"""How quality grows with the number of labels, and where more of them stop paying."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble.comparison import corrected_t
from cfensemble.evaluation import HIGHER_IS_BETTER
from cfensemble.report.scores import CrossValidation, Fitter, fold_scores

FEWEST = 8
LEAST_GAIN = 0.005
"""What a doubling of the labels has to gain to count as paying, in PR-AUC or log-loss."""


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores by the number of labels that were learned from.

    Attributes
    ----------
    metric : str
        What is scored.
    n_labels : ndarray of shape (k,)
        Each about twice the one before.
    scores : dict of str to ndarray of shape (k, n_fits)
        Of every fold of every repeat, by method; the first is what the report is about.
    gain : float
        What the last doubling gained.
    low, high : float or None
        Its interval of coverage 95 %; None where it is the same in all folds.
    stop : int or None
        Number of labels from which no doubling has gained `LEAST_GAIN`; None where the last one did.
    """

    metric: str
    n_labels: Indices
    scores: dict[str, Vector]
    gain: float
    low: float | None
    high: float | None
    stop: int | None

    @property
    def pays(self) -> bool:
        """Whether the last doubling gained beyond chance, and enough."""
        return self.low is not None and self.low > 0 and self.gain >= LEAST_GAIN

    @property
    def is_flat(self) -> bool:
        """Whether the last doubling gained next to nothing for sure."""
        return (self.gain if self.high is None else self.high) < 2 * LEAST_GAIN


def sizes(n_train: int, y: Vector) -> list[int]:
    """Numbers of labels by halves of n_train, ascending, each with two of the rarest of the classes in y (k,)."""
    _, counts = np.unique(y, return_counts=True)
    found = []
    size = n_train
    while size >= FEWEST and round(size * counts.min() / len(y)) >= 2:
        found.append(size)
        size //= 2
    return found[::-1]


def learn(
    cv: CrossValidation,
    methods: Mapping[str, Fitter],
    n_repeats: int,
    metric: str = "pr_auc",
    on_fit: Callable[[], object] = lambda: None,
) -> LearningCurve | None:
    """Fit methods to fewer and fewer of the labels of each fold.

    Parameters
    ----------
    cv : CrossValidation
        Whose folds and predictions with all labels are used.
    methods : mapping of str to Fitter
        Of its methods, those to be followed.
    n_repeats : int
        How many of its repeats are used.
    metric : str, default "pr_auc"
        What is scored.
    on_fit : callable, optional
        Called after every fit.

    Returns
    -------
    LearningCurve or None
        None where there are too few labels to halve them.
    """
    folds = cv.folds[:n_repeats]
    n_labels = sizes(min(len(train) for repeat in folds for train, _ in repeat), cv.y)
    if len(n_labels) < 2:
        return None
    rng = np.random.default_rng(1)
    orders = [[_stratified_order(train, cv.y, rng) for train, _ in repeat] for repeat in folds]
    values: dict[str, list[Vector]] = {name: [] for name in methods}  # by size, each (n_fits,)
    for size in n_labels:
        for name, fit in methods.items():
            if size == n_labels[-1]:
                p = cv.predictions[name][:n_repeats]
            else:
                p = np.full((n_repeats, *cv.predictions[name].shape[1:]), np.nan)
                for r, repeat in enumerate(folds):
                    for f, (_, test) in enumerate(repeat):
                        chosen = orders[r][f][:size]
                        _put(p[r], fit(chosen, cv.y[chosen]), test)
                        on_fit()
            values[name].append(fold_scores(cv.y, p, folds)[metric])
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    ours = values[next(iter(methods))]
    test_ratio = len(folds[0][0][1]) / len(folds[0][0][0])
    gain, half, _ = corrected_t(sign * (ours[-1] - ours[-2]), test_ratio)
    means = sign * np.array([found.mean() for found in ours])
    return LearningCurve(
        metric=metric,
        n_labels=np.array(n_labels),
        scores={name: np.array(found) for name, found in values.items()},
        gain=gain,
        low=None if half is None else gain - half,
        high=None if half is None else gain + half,
        stop=_stop(n_labels, means),
    )


def _put(into: Float, p: Float, places: Indices) -> None:
    into[..., places] = p[..., places]


def _stop(n_labels: list[int], means: Vector) -> int | None:
    """Return the first number of labels that no later mean is better than by `LEAST_GAIN`."""
    for k, size in enumerate(n_labels[:-1]):
        if means[k:].max() - means[k] < LEAST_GAIN:
            return size
    return None


def _stratified_order(train: Indices, y: Vector, rng: np.random.Generator) -> Indices:
    """Return the places in an order of which every beginning has the classes in their proportions."""
    position = np.empty(len(train))
    for code in np.unique(y[train]):
        members = rng.permutation(np.flatnonzero(y[train] == code))
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
    return train[np.argsort(position, kind="stable")]
