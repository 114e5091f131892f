"""Methods side by side: repeated cross-validation, with intervals and paired tests.

As in `cfensemble.evaluation` each fold hides labels, not instances. But here every fold is scored for itself, so that
the scores' spread tells how far the means can be trusted. The folds' training sets overlap, and scores that share
training data are not independent: their variance divided by their number would promise too much. Nadeau and Bengio [1]_
estimate the variance of the mean of J scores, with n_1 labels to train on and n_2 to test on, as

    (1 / J + n_2 / n_1) s^2,      s^2 the scores' variance,

and take the mean over its root for Student's t with J - 1 degrees of freedom; for repeated cross-validation see [2]_.

References
----------
.. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
.. [2] R. R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests for comparing learning
   algorithms", PAKDD 2004.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble._validation import integer
from cfensemble.baselines import Method
from cfensemble.evaluation import HIGHER_IS_BETTER, LARGEST, MAX_FOLDS, score, score_classes

LEVEL = 0.95
"""Coverage of the intervals."""


@dataclass(frozen=True)
class Estimate:
    """What a method scores by one metric.

    Attributes
    ----------
    mean : float
        Mean over the folds of all repeats.
    low, high : float
        Ends of its interval of coverage `LEVEL`, as far as it lies among the values that the metric can have.
    difference : float or None
        How much higher the mean is than the best baseline's; None for that baseline.
    p_value : float or None
        Of the two-sided paired test that they are equal; None for that baseline.
    """

    mean: float
    low: float
    high: float
    difference: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Comparison:
    """What every method scores by every metric.

    Attributes
    ----------
    n_labelled, n_folds, n_repeats : int
        How it was measured.
    estimates : dict of str to dict of str to Estimate
        By metric and method.
    best_baseline : dict of str to str
        By metric the baseline of the best mean, which the others are tested against.
    seconds : dict of str to float
        Mean time of a fit by method.
    """

    n_labelled: int
    n_folds: int
    n_repeats: int
    estimates: dict[str, dict[str, Estimate]]
    best_baseline: dict[str, str]
    seconds: dict[str, float]


def compare(
    methods: Mapping[str, Method],
    baselines: Mapping[str, Method],
    R: Float,
    labels: Vector,
    n_repeats: int = 10,
    seed: int = 0,
    on_fit: Callable[[], object] | None = None,
) -> Comparison:
    """Compare methods with baselines on the labelled instances.

    Parameters
    ----------
    methods, baselines : mapping of str to callable
        Each ``method(R, labels) -> p``, as described in `cfensemble.baselines`.
    R : array of shape (m, n) or (m, K, n)
        Probabilities; NaN = not predicted.
    labels : array of shape (n,)
        Classes 0 to K - 1, or NaN = unlabelled.
    n_repeats : int, default 10
        How often the labelled instances are divided into folds, each time in another way.
    seed : int, default 0
        Seed of the folds, which are the same for all methods.
    on_fit : callable, optional
        Called after each fit; there are `count_fits` of them.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If there are no two labelled instances of each class, or n_repeats is below 1.
    """
    n_repeats = integer(n_repeats, "n_repeats", 1)
    n_folds = count_stratified_folds(R, labels)
    if n_folds == 0:
        raise ValueError("labels: cross-validation needs two labelled instances of each class; label more")
    everything = {**methods, **baselines}
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in everything}
    seconds: dict[str, list[float]] = {name: [] for name in everything}
    for fold, masked in _splits(labels, n_folds, n_repeats, seed):
        for name, method in everything.items():
            start = perf_counter()
            p = method(R, masked)
            seconds[name].append(perf_counter() - start)
            scored = score_classes(labels[fold], p[:, fold]) if R.ndim == 3 else score(labels[fold], p[fold])
            scores[name].append(asdict(scored))
            if on_fit is not None:
                on_fit()
    by_metric = {
        metric: {name: np.array([s[metric] for s in found]) for name, found in scores.items()}
        for metric in next(iter(scores.values()))[0]
    }
    test_ratio = 1 / (n_folds - 1)
    best_baseline = {metric: _best(metric, found, baselines) for metric, found in by_metric.items()}
    return Comparison(
        n_labelled=int(np.sum(~np.isnan(labels))),
        n_folds=n_folds,
        n_repeats=n_repeats,
        estimates={
            metric: {name: _estimate(metric, found, name, best_baseline[metric], test_ratio) for name in found}
            for metric, found in by_metric.items()
        },
        best_baseline=best_baseline,
        seconds={name: float(np.mean(found)) for name, found in seconds.items()},
    )


def count_stratified_folds(R: Float, labels: Vector) -> int:
    """Count the folds: `MAX_FOLDS`, or as many as the rarest class has labels, or 0 where that is below 2."""
    n_classes = R.shape[1] if R.ndim == 3 else 2
    rarest = min(int(np.sum(labels == code)) for code in range(n_classes))
    return min(MAX_FOLDS, rarest) if rarest >= 2 else 0


def corrected_t(values: Vector, test_ratio: float) -> tuple[float, float, float]:
    """Return mean, half the width of its interval of coverage `LEVEL`, and p-value of the test that it is 0.

    Parameters
    ----------
    values : array of shape (J,), J >= 2
        A score, or a difference of scores, of each fold.
    test_ratio : float
        n_2 / n_1, how many labels are tested on for each one that is trained on.
    """
    from scipy.stats import t

    n = values.size
    mean = float(values.mean())
    error = float(np.sqrt((1 / n + test_ratio) * values.var(ddof=1)))
    half = float(t.ppf((1 + LEVEL) / 2, n - 1)) * error
    if error == 0:
        return mean, half, 1.0 if mean == 0 else 0.0
    return mean, half, float(2 * t.sf(abs(mean) / error, n - 1))


def _splits(labels: Vector, n_folds: int, n_repeats: int, seed: int) -> Iterator[tuple[Indices, Vector]]:
    """Yield each fold's instances, and the labels without theirs."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    known = np.flatnonzero(~np.isnan(labels))
    splitter = RepeatedStratifiedKFold(n_splits=n_folds, n_repeats=n_repeats, random_state=seed)
    for _, fold in splitter.split(known, labels[known]):
        masked = labels.copy()
        masked[known[fold]] = np.nan
        yield known[fold], masked


def _best(metric: str, found: Mapping[str, Vector], baselines: Mapping[str, Method]) -> str:
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    return max(baselines, key=lambda name: sign * float(found[name].mean()))


def _estimate(metric: str, found: Mapping[str, Vector], name: str, best: str, test_ratio: float) -> Estimate:
    mean, half, _ = corrected_t(found[name], test_ratio)
    low, high = max(mean - half, 0.0), min(mean + half, LARGEST[metric])
    if name == best:
        return Estimate(mean, low, high)
    difference, _, p_value = corrected_t(found[name] - found[best], test_ratio)
    return Estimate(mean, low, high, difference, p_value)
