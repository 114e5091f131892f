"""Methods side by side: repeated cross-validation, with intervals and paired tests.

As in `cfensemble.evaluation` each fold hides labels, not instances. But here every fold is scored for itself, so that
the scores' spread tells how far the means can be trusted. The folds' training sets overlap, and scores that share
training data are not independent: their variance divided by their number would promise too much. Nadeau and Bengio [1]_
estimate the variance of the mean of J scores, with n_1 labels to train on and n_2 to test on, as

    (1 / J + n_2 / n_1) s^2,      s^2 the scores' variance,

and take the mean over its root for Student's t with J - 1 degrees of freedom; for repeated cross-validation see [2]_.

Each method is tested against the baseline of the best mean. The same folds choose it, so that its mean tends to be too
good by chance, and the differences to it are a little unfair to the methods. By each metric, the p-values of several
methods are corrected for their number after Holm [3]_.

References
----------
.. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
.. [2] R. R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests for comparing learning
   algorithms", PAKDD 2004.
.. [3] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble._validation import (
    class_labels,
    class_probabilities,
    integer,
    label_vector,
    method_result,
    probability_matrix,
)
from cfensemble.baselines import Method
from cfensemble.evaluation import (
    HIGHER_IS_BETTER,
    LARGEST,
    LARGEST_OF_CLASSES,
    count_folds,
    hide_folds,
    score,
    score_classes,
)

LEVEL = 0.95
"""Coverage of the intervals."""
_ROUNDING = 1e-12
"""Scores and differences of scores are no closer to each other than this unless they are the same."""


@dataclass(frozen=True)
class Estimate:
    """What a method scores by one metric.

    Attributes
    ----------
    mean : float
        Mean over the folds of all repeats.
    low, high : float or None
        Ends of its interval of coverage `LEVEL`, as far as it lies among the values that the metric can have; None
        where all folds score the same, which tells nothing of how far they can differ.
    difference : float or None
        How much higher the mean is than the best baseline's; None for that baseline.
    p_value : float or None
        Of the two-sided paired test that they are equal, corrected for the number of methods; None for baselines, and
        where the difference is the same in all folds and not 0.
    """

    mean: float
    low: float | None
    high: float | None
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
        By metric the baseline of the best mean, which the others are compared with.
    seconds : dict of str to float
        Mean time of a call by method. A method may keep what it has learned from R alone, and the first call may then
        take longer than the others.
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
        Called after each fit: ``evaluation.count_folds`` times n_repeats times for each method and baseline.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If R or labels are not as described, there are no two labelled instances of each class, no baseline, a method
        with the name of a baseline, or n_repeats is below 1; or if a method returns anything but probabilities of all
        instances.
    """
    n_repeats = integer(n_repeats, "n_repeats", 1)
    if not baselines:
        raise ValueError("baselines is empty; name at least one to compare with")
    if twice := [name for name in methods if name in baselines]:
        raise ValueError(f"methods: {twice[0]!r} is the name of a baseline as well; rename it")
    multiclass = np.ndim(R) == 3
    R = class_probabilities(R) if multiclass else probability_matrix(R)
    labels = class_labels(labels, R.shape[1:]) if multiclass else label_vector(labels, R.shape[1])
    n_folds = count_folds(labels, R.shape[1] if multiclass else 2)
    if n_folds == 0:
        raise ValueError("labels: cross-validation needs two labelled instances of each class; label more")
    everything = {**methods, **baselines}
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in everything}
    seconds: dict[str, list[float]] = {name: [] for name in everything}
    for fold, masked in hide_folds(labels, n_folds, n_repeats, seed):
        for name, method in everything.items():
            start = perf_counter()
            p = method_result(method(R, masked), R.shape[1:])
            seconds[name].append(perf_counter() - start)
            scored = score_classes(labels[fold], p[:, fold]) if multiclass else score(labels[fold], p[fold])
            scores[name].append(asdict(scored))
            if on_fit is not None:
                on_fit()
    by_metric = {
        metric: {name: np.array([s[metric] for s in found]) for name, found in scores.items()}
        for metric in next(iter(scores.values()))[0]
    }
    best_baseline = {metric: _best(metric, found, baselines) for metric, found in by_metric.items()}
    largest = LARGEST_OF_CLASSES if multiclass else LARGEST
    return Comparison(
        n_labelled=int(np.sum(~np.isnan(labels))),
        n_folds=n_folds,
        n_repeats=n_repeats,
        estimates={
            metric: _estimates(found, methods, best_baseline[metric], 1 / (n_folds - 1), largest[metric])
            for metric, found in by_metric.items()
        },
        best_baseline=best_baseline,
        seconds={name: float(np.mean(found)) for name, found in seconds.items()},
    )


def corrected_t(values: Vector, test_ratio: float) -> tuple[float, float | None, float | None]:
    """Estimate a mean over folds whose training sets overlap, with an interval and a test.

    Values that are all the same tell nothing of how far they can differ: there is no interval then and, unless they are
    0 (p-value 1), no p-value.

    Parameters
    ----------
    values : array of shape (J,), J >= 2
        A score, or a difference of scores, of each fold.
    test_ratio : float
        n_2 / n_1, how many labels are tested on for each one that is trained on.

    Returns
    -------
    mean : float
    half : float or None
        Half the width of the interval of coverage `LEVEL`.
    p_value : float or None
        Of the test that the mean is 0.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
    """
    from scipy.stats import t

    n = values.size
    mean = float(values.mean())
    if np.ptp(values) <= _ROUNDING:
        return mean, None, 1.0 if abs(mean) <= _ROUNDING else None
    error = float(np.sqrt((1 / n + test_ratio) * values.var(ddof=1)))
    return mean, float(t.ppf((1 + LEVEL) / 2, n - 1)) * error, float(2 * t.sf(abs(mean) / error, n - 1))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Correct p-values for their number, so that all of them can be read side by side.

    Parameters
    ----------
    p_values : mapping of str to float
        Of each of k tests, in [0, 1].

    Returns
    -------
    dict of str to float
        The i-th smallest times k - i + 1, but at least those before it and at most 1.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    corrected, least = {}, 0.0
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        least = max(least, min(p * (len(p_values) - i), 1.0))
        corrected[name] = least
    return corrected


def _best(metric: str, found: Mapping[str, Vector], baselines: Mapping[str, Method]) -> str:
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    return max(baselines, key=lambda name: sign * float(found[name].mean()))


def _estimates(
    found: Mapping[str, Vector], methods: Mapping[str, Method], best: str, test_ratio: float, largest: float
) -> dict[str, Estimate]:
    against_best = {name: corrected_t(found[name] - found[best], test_ratio) for name in found if name != best}
    p_values = holm({name: p for name, (_, _, p) in against_best.items() if name in methods and p is not None})
    estimates = {}
    for name, values in found.items():
        mean, half, _ = corrected_t(values, test_ratio)
        low, high = (None, None) if half is None else (max(mean - half, 0.0), min(mean + half, largest))
        difference = against_best[name][0] if name in against_best else None
        estimates[name] = Estimate(mean, low, high, difference, p_values.get(name))
    return estimates
