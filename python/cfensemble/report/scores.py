"""How good: repeated cross-validation of the labelled instances, every method on the same folds.

The intervals are those of `cfensemble.comparison`; the predictions are kept, so that curves can be drawn of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble.comparison import Estimate, corrected_t
from cfensemble.evaluation import HIGHER_IS_BETTER, LARGEST, LARGEST_OF_CLASSES, score, score_classes

Fitter = Callable[[Indices, Vector], Float]
"""From the places (l,) of the labels to learn from, and these labels (l,), to probabilities (k,) or (K, k) of all."""
Folds = Sequence[Sequence[tuple[Indices, Indices]]]
"""By repeat, each fold's places to learn from and to predict."""
AVERAGE = "plain average"
N_GUESSES = 100


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What cross-validation found.

    Attributes
    ----------
    y : ndarray of shape (k,)
        Labels.
    folds : Folds
        Repeats and their folds.
    predictions : dict of str to ndarray of shape (repeats, k) or (repeats, K, k)
        Out-of-fold probabilities of each method; the first is what the report is about.
    estimates : dict of str to dict of str to Estimate
        By metric and method; differences and tests are against the plain average.
    best_baseline : str
        Of the methods that are none of the library's, the best by the first metric.
    lead : Estimate
        Of the first method over the best baseline, by the first metric.
    guessing : float
        What guessing has by the first metric.
    """

    y: Vector
    folds: Folds
    predictions: dict[str, Float]
    estimates: dict[str, dict[str, Estimate]]
    best_baseline: str
    lead: Estimate
    guessing: float

    @property
    def metric(self) -> str:
        """The first metric."""
        return next(iter(self.estimates))

    @property
    def ours(self) -> str:
        """The first method."""
        return next(iter(self.predictions))

    @property
    def n_fits(self) -> int:
        """Number of folds of all repeats."""
        return sum(map(len, self.folds))

    def compare(self, metric: str, name: str, reference: str) -> Estimate:
        """How much higher one method's scores are than another's, with interval and test."""
        values, others = (fold_scores(self.y, self.predictions[key], self.folds)[metric] for key in (name, reference))
        return lead_of(values, others, _test_ratio(self.folds))


def divide(y: Vector, n_folds: int, n_repeats: int, seed: int = 0) -> Folds:
    """Divide the labels y (k,) into stratified folds, several times."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    splitter = RepeatedStratifiedKFold(n_splits=n_folds, n_repeats=n_repeats, random_state=seed)
    splits = list(splitter.split(y, y))
    return [splits[r * n_folds : (r + 1) * n_folds] for r in range(n_repeats)]


def cross_validate(
    methods: Mapping[str, Fitter],
    baselines: Mapping[str, Fitter],
    y: Vector,
    folds: Folds,
    on_fit: Callable[[], object] = lambda: None,
) -> CrossValidation:
    """Score every method on every fold.

    Parameters
    ----------
    methods, baselines : mapping of str to Fitter
        The library's and others, among them `AVERAGE`.
    y : ndarray of shape (k,)
        Labels.
    folds : Folds
        From `divide`.
    on_fit : callable, optional
        Called after every fit.
    """
    everything = {**methods, **baselines}
    predictions: dict[str, list[Float]] = {name: [] for name in everything}
    for repeat in folds:
        for name, fit in everything.items():
            pooled: Float | None = None
            for train, test in repeat:
                p = fit(train, y[train])
                pooled = np.full(p.shape, np.nan) if pooled is None else pooled
                pooled[..., test] = p[..., test]
                on_fit()
            assert pooled is not None
            predictions[name].append(pooled)
    stacked: dict[str, Float] = {name: np.stack(found) for name, found in predictions.items()}
    values = {name: fold_scores(y, p, folds) for name, p in stacked.items()}
    metrics = list(next(iter(values.values())))
    ratio = _test_ratio(folds)
    largest = LARGEST_OF_CLASSES if stacked[AVERAGE].ndim == 3 else LARGEST
    estimates = {
        metric: {
            name: estimate(found[metric], values[AVERAGE][metric], ratio, largest[metric])
            for name, found in values.items()
        }
        for metric in metrics
    }
    for by_method in estimates.values():
        by_method[AVERAGE] = replace(by_method[AVERAGE], difference=None, p_value=None)
    first = metrics[0]
    sign = 1 if HIGHER_IS_BETTER[first] else -1
    best = max(baselines, key=lambda name: sign * estimates[first][name].mean)
    ours = next(iter(everything))
    lead = lead_of(values[ours][first], values[best][first], ratio)
    return CrossValidation(y, folds, stacked, estimates, best, lead, guess(y, stacked[ours][0], folds[0]))


def guess(y: Vector, p: Float, folds: Sequence[tuple[Indices, Indices]], seed: int = 0) -> float:
    """Mean score over folds of what knows nothing of the labels y (k,).

    Of predictions p (k,) of two classes the PR-AUC when they are dealt out at random, which is larger than the share of
    positives where folds have few of them; of p (K, k) the accuracy of always naming the most frequent class.
    """
    if p.ndim == 2:
        return float(np.unique(y, return_counts=True)[1].max() / len(y))
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(seed)
    dealt = [rng.permutation(p) for _ in range(N_GUESSES)]
    return float(np.mean([average_precision_score(y[test], q[test]) for q in dealt for _, test in folds]))


def fold_scores(y: Vector, p: Float, folds: Folds) -> dict[str, Vector]:
    """Scores (n_fits,) by metric of predictions (repeats, k) or (repeats, K, k) of the labels y, fold by fold."""
    found = [
        asdict(score_classes(y[test], q[:, test]) if q.ndim == 2 else score(y[test], q[test]))
        for q, repeat in zip(p, folds, strict=True)
        for _, test in repeat
    ]
    return {metric: np.array([scores[metric] for scores in found]) for metric in found[0]}


def estimate(values: Vector, reference: Vector, ratio: float, largest: float) -> Estimate:
    """Mean of the folds' scores with its interval, up to the largest possible, and how it compares with another's."""
    mean, half, _ = corrected_t(values, ratio)
    difference, _, p_value = corrected_t(values - reference, ratio)
    low, high = (None, None) if half is None else (max(mean - half, 0.0), min(mean + half, largest))
    return Estimate(mean, low, high, difference, p_value)


def lead_of(values: Vector, reference: Vector, ratio: float) -> Estimate:
    """How much higher the folds' scores are than the reference's, with interval and test."""
    mean, half, p_value = corrected_t(values - reference, ratio)
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Estimate(mean, low, high, mean, p_value)


def _test_ratio(folds: Folds) -> float:
    train, test = folds[0][0]
    return len(test) / len(train)
