"""Synthetic ensembles: probability matrices of simulated classifiers with known truth."""

import math
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import numpy as np

from cfensemble._typing import Indices, Mask, Vector
from cfensemble._validation import choice, generator, integer, number, share

RandomState: TypeAlias = int | np.random.Generator | None
SyntheticEnsemble: TypeAlias = tuple[Vector, Vector, Mask, Indices]  # R, labels, labeled_idx, y_true


class _Diversity(NamedTuple):
    shared_noise: float  # h, in (0, 1)
    profile_sd: float  # standard deviation of f_ug


# At 'medium' and 'high', these values give the spread of PR-AUC and the correlation of errors within a class
# that a dozen mixed classifiers typically show on a real table.
_DIVERSITY = {
    "low": _Diversity(shared_noise=0.8, profile_sd=0.1),
    "medium": _Diversity(shared_noise=0.65, profile_sd=0.3),
    "high": _Diversity(shared_noise=0.5, profile_sd=0.5),
}
_SKILL_SD = 0.6  # of k_u
_SLOPE_SD = 0.4  # of log(slope_u)
_OFFSET_SD = 0.5  # of offset_u

# Well below 36.7, where the sigmoid rounds to 1 and distinct scores become ties.
_MAX_LOG_ODDS = 30.0

# Gaps between the mean PR-AUC and its target: bisection stops at the first, no new draw is made below the
# second, and the third is the largest that is ever returned.
_BISECTION_GAP = 0.001
_GOOD_GAP = 0.01
_LARGEST_GAP = 0.05
_MAX_REDRAWS = 100


def generate_imbalanced_ensemble_data(
    n_classifiers: int = 15,
    n_instances: int = 300,
    n_labeled: int = 150,
    positive_rate: float = 0.10,
    target_quality: float = 0.70,
    diversity: str = "high",
    n_subgroups: int = 4,
    random_state: RandomState = None,
) -> SyntheticEnsemble:
    """Simulate the predictions of an ensemble on an imbalanced binary task.

    Classifiers differ in skill, in the hidden subgroups of instances that they are good at, and in how their
    probabilities are miscalibrated; part of their noise is shared. The noise level is calibrated on the
    realised draw: the classifiers' mean PR-AUC (average precision over all instances) is the target, whatever
    the seed.

    Parameters
    ----------
    n_classifiers : int, default 15
        Number of classifiers m, at least 1.
    n_instances : int, default 300
        Number of instances n, at least 4.
    n_labeled : int, default 150
        Number of labelled instances, 2 to n: a random sample stratified by class that holds at least one
        instance of each class, and at least two where `n_labeled` is 4 or more.
    positive_rate : float, default 0.10
        Share of positives, in (0, 1). Their number is ``round(positive_rate * n_instances)``, but at least
        two instances are positive and two negative.
    target_quality : float, default 0.70
        Mean PR-AUC of the single classifiers, above `positive_rate` (that of random scores) and below 1. It
        is met within 0.01, or within 0.05 where the average precision of a handful of positives moves in
        larger steps.
    diversity : {'low', 'medium', 'high'}, default 'high'
        How much of the noise is the classifiers' own rather than shared, and how much their competence varies
        over subgroups.
    n_subgroups : int, default 4
        Number of hidden subgroups, at least 1 (1: no classifier is a specialist).
    random_state : int, numpy.random.Generator or None, default None
        Seed or source of all randomness. The global NumPy generator is not used.

    Returns
    -------
    R : ndarray of shape (n_classifiers, n_instances), float64
        Probabilities of the positive class, strictly between 0 and 1.
    labels : ndarray of shape (n_instances,), float64
        1 or 0 where the instance is labelled, else NaN.
    labeled_idx : ndarray of shape (n_instances,), bool
        True where the instance is labelled.
    y_true : ndarray of shape (n_instances,), int64
        The class of every instance.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of range, or if `target_quality` cannot be reached.

    Notes
    -----
    Instance i has class y_i and belongs to a random subgroup g; classifier u sees it as the score

        s_ui = y_i + n_ui / a,   n_ui = sqrt(h) c_i + sqrt(1 - h) tau_ug e_ui,   c_i, e_ui ~ N(0, 1)

    c_i is how misleading the instance is to everybody, a share h of the noise that no combination can remove.
    tau_ug = exp(k_u + f_ug) is the level of the classifier's own noise, from its skill k_u and its profile
    f_ug over the subgroups; `diversity` sets h and the spread of f_ug. With v_ug = h + (1 - h) tau_ug^2 and a
    share pi of positives, the posterior log-odds given s_ui (normal in both classes, variance v_ug / a^2) are

        l_ui = logit(pi) + a^2 / v_ug (s_ui - 1/2) = logit(pi) + a^2 (y_i - 1/2) / v_ug + a n_ui / v_ug

    and R[u, i] = sigmoid(slope_u l_ui + offset_u), a miscalibration that leaves the classifier's ranking as
    it is. All but the strength a is drawn first; a is then found by bisection on the mean PR-AUC of R itself.
    Where positives are so few that it jumps over the target, the classifiers are drawn anew.

    References
    ----------
    D. M. Green and J. A. Swets, Signal Detection Theory and Psychophysics, Wiley, 1966 (the binormal model).
    """
    n_classifiers = integer(n_classifiers, "n_classifiers", 1)
    n_instances = integer(n_instances, "n_instances", 4)
    n_labeled = integer(n_labeled, "n_labeled", 2, n_instances)
    n_subgroups = integer(n_subgroups, "n_subgroups", 1)
    positive_rate = share(positive_rate, "positive_rate")
    target_quality = share(target_quality, "target_quality")
    diversity = choice(diversity, "diversity", _DIVERSITY)
    rng = generator(random_state)

    n_positive = _count_positives(positive_rate, n_instances)
    base_rate = max(positive_rate, n_positive / n_instances)
    if target_quality <= base_rate:
        raise ValueError(
            f"target_quality must be above {base_rate:.4g}, the PR-AUC of random scores at this "
            f"positive_rate, got {target_quality}"
        )

    y_true = _draw_classes(n_instances, n_positive, rng)
    labels, labeled_idx = _draw_labels(y_true, n_labeled, rng)

    def attempt() -> tuple[Vector, float]:
        draw = _draw_classifiers(y_true, n_classifiers, n_subgroups, _DIVERSITY[diversity], rng)
        return _calibrate(draw, y_true, target_quality)

    R, gap = attempt()
    for _ in range(_MAX_REDRAWS):
        if gap <= _GOOD_GAP:
            break
        R, gap = min((R, gap), attempt(), key=itemgetter(1))
    if gap > _LARGEST_GAP:
        raise ValueError(
            f"target_quality = {target_quality} is out of reach: with n_classifiers = {n_classifiers} and "
            f"{n_positive} positives the mean PR-AUC comes no closer than {gap:.2g}; "
            "choose another value or more instances"
        )
    return R, labels, labeled_idx, y_true


def generate_balanced_ensemble_data(
    n_classifiers: int = 15,
    n_instances: int = 300,
    n_labeled: int = 150,
    target_quality: float = 0.80,
    diversity: str = "high",
    n_subgroups: int = 4,
    random_state: RandomState = None,
) -> SyntheticEnsemble:
    """Simulate the predictions of an ensemble on a balanced binary task.

    The model is that of `generate_imbalanced_ensemble_data` with ``positive_rate=0.5``.

    Parameters
    ----------
    n_classifiers, n_instances, n_labeled, diversity, n_subgroups, random_state
        As for `generate_imbalanced_ensemble_data`, defaults included.
    target_quality : float, default 0.80
        Mean PR-AUC of the single classifiers, in (0.5, 1), met as closely as described there.

    Returns
    -------
    R, labels, labeled_idx, y_true
        As from `generate_imbalanced_ensemble_data`.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of range, or if `target_quality` cannot be reached.
    """
    return generate_imbalanced_ensemble_data(
        n_classifiers=n_classifiers,
        n_instances=n_instances,
        n_labeled=n_labeled,
        positive_rate=0.5,
        target_quality=target_quality,
        diversity=diversity,
        n_subgroups=n_subgroups,
        random_state=random_state,
    )


def generate_simple_ensemble_data(
    n_classifiers: int = 10,
    n_instances: int = 200,
    n_labeled: int = 100,
    noise: float = 0.2,
    positive_rate: float = 0.5,
    random_state: RandomState = None,
) -> SyntheticEnsemble:
    """Simulate the textbook ensemble: the truth plus independent noise.

    Every classifier scores positive instances around 0.75 and the others around 0.25, whatever their shares, like
    models that were trained on rebalanced classes:

        R[u, i] = clip(0.25 + 0.5 y_i + sigma_u e_ui, 0.01, 0.99),   e_ui ~ N(0, 1),

    with a noise level sigma_u of its own, uniform in [0.5, 1.5] times `noise`. Errors are independent, so the
    plain average is nearly perfect: a first example and a sanity check, not a benchmark.

    Parameters
    ----------
    n_classifiers : int, default 10
        Number of classifiers m, at least 1.
    n_instances : int, default 200
        Number of instances n, at least 4.
    n_labeled : int, default 100
        Number of labelled instances, 2 to n, sampled as in `generate_imbalanced_ensemble_data`.
    noise : float, default 0.2
        Mean noise level, in units of probability; finite and not negative.
    positive_rate : float, default 0.5
        Share of positives, in (0, 1), as in `generate_imbalanced_ensemble_data`.
    random_state : int, numpy.random.Generator or None, default None
        Seed or source of all randomness. The global NumPy generator is not used.

    Returns
    -------
    R, labels, labeled_idx, y_true
        As from `generate_imbalanced_ensemble_data`.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of range.
    """
    n_classifiers = integer(n_classifiers, "n_classifiers", 1)
    n_instances = integer(n_instances, "n_instances", 4)
    n_labeled = integer(n_labeled, "n_labeled", 2, n_instances)
    noise = number(noise, "noise", 0)
    rng = generator(random_state)

    y_true = _draw_classes(n_instances, _count_positives(share(positive_rate, "positive_rate"), n_instances), rng)
    labels, labeled_idx = _draw_labels(y_true, n_labeled, rng)
    sigma = noise * rng.uniform(0.5, 1.5, (n_classifiers, 1))
    R = 0.25 + 0.5 * y_true + sigma * rng.standard_normal((n_classifiers, n_instances))
    return np.clip(R, 0.01, 0.99), labels, labeled_idx, y_true


@dataclass(frozen=True)
class _Draw:
    """Classifiers of a yet unknown strength a: miscalibrated log-odds are offset + a^2 signal + a noise."""

    offset: Vector  # (m, 1): slope_u logit(pi) + offset_u
    signal: Vector  # (m, n): slope_u (y_i - 1/2) / v_ug
    noise: Vector  # (m, n): slope_u n_ui / v_ug

    def probabilities(self, strength: float) -> Vector:
        log_odds = strength * self.signal
        log_odds += self.noise
        log_odds *= strength
        log_odds += self.offset
        np.clip(log_odds, -_MAX_LOG_ODDS, _MAX_LOG_ODDS, out=log_odds)
        return 1.0 / (1.0 + np.exp(-log_odds))


def _draw_classifiers(
    y_true: Indices, n_classifiers: int, n_subgroups: int, diversity: _Diversity, rng: np.random.Generator
) -> _Draw:
    shape = (n_classifiers, y_true.size)
    h = diversity.shared_noise
    subgroup = rng.integers(n_subgroups, size=y_true.size)
    skill = rng.normal(0.0, _SKILL_SD, (n_classifiers, 1))
    profile = rng.normal(0.0, diversity.profile_sd, (n_classifiers, n_subgroups))
    profile -= profile.mean(axis=1, keepdims=True)
    tau = np.exp(skill + profile)
    noise = math.sqrt(1 - h) * tau[:, subgroup] * rng.standard_normal(shape)
    noise += math.sqrt(h) * rng.standard_normal(y_true.size)

    slope = np.exp(rng.normal(0.0, _SLOPE_SD, (n_classifiers, 1)))
    offset = rng.normal(0.0, _OFFSET_SD, (n_classifiers, 1))
    evidence = (slope / (h + (1 - h) * tau**2))[:, subgroup]
    pi = y_true.mean()
    return _Draw(
        offset=slope * math.log(pi / (1 - pi)) + offset,
        signal=evidence * (y_true - 0.5),
        noise=evidence * noise,
    )


def _calibrate(draw: _Draw, y_true: Indices, target: float) -> tuple[Vector, float]:
    """Bisect the strength, on a log scale, towards the target; return the closest R met and its gap.

    The mean PR-AUC of a finite sample is a step function of the strength and need not be monotone. The
    bracket reaches from classes that cannot be told apart to classes fully apart.
    """
    low, high = math.log(0.01), math.log(100.0)
    closest, smallest_gap = 0.0, math.inf
    while smallest_gap > _BISECTION_GAP and high - low > 1e-6:
        middle = (low + high) / 2
        R = draw.probabilities(math.exp(middle))
        excess = float(_average_precision(R, y_true).mean()) - target
        if abs(excess) < smallest_gap:
            closest, smallest_gap = middle, abs(excess)
        if excess < 0:
            low = middle
        else:
            high = middle
    return draw.probabilities(math.exp(closest)), smallest_gap


def _average_precision(R: Vector, y_true: Indices) -> Vector:
    """Average precision of each row of R: the mean, over positives, of the precision at their own score.

    Tied instances enter together, as in scikit-learn's average_precision_score. Sorting the values of either
    class and counting is much faster than ordering the instances.
    """
    is_positive = y_true == 1
    positives = np.sort(R[:, is_positive], axis=1)
    negatives = np.sort(R[:, ~is_positive], axis=1)
    result = np.empty(len(R))
    for u, (positive, negative) in enumerate(zip(positives, negatives, strict=True)):
        true_hits = positive.size - np.searchsorted(positive, positive)
        false_hits = negative.size - np.searchsorted(negative, positive)
        result[u] = np.mean(true_hits / (true_hits + false_hits))
    return result


def _count_positives(positive_rate: float, n_instances: int) -> int:
    return min(max(round(positive_rate * n_instances), 2), n_instances - 2)


def _draw_classes(n_instances: int, n_positive: int, rng: np.random.Generator) -> Indices:
    y_true = np.zeros(n_instances, dtype=np.int64)
    y_true[rng.choice(n_instances, n_positive, replace=False)] = 1
    return y_true


def _draw_labels(y_true: Indices, n_labeled: int, rng: np.random.Generator) -> tuple[Vector, Mask]:
    """Label a sample with the classes in proportion, but neither class with fewer than its floor."""
    positive, negative = np.flatnonzero(y_true == 1), np.flatnonzero(y_true == 0)
    floor = min(2, n_labeled // 2)
    n_labeled_positive = min(
        max(round(n_labeled * positive.size / y_true.size), floor, n_labeled - negative.size),
        positive.size,
        n_labeled - floor,
    )
    labeled_idx = np.zeros(y_true.size, dtype=np.bool_)
    labeled_idx[rng.choice(positive, n_labeled_positive, replace=False)] = True
    labeled_idx[rng.choice(negative, n_labeled - n_labeled_positive, replace=False)] = True
    return np.where(labeled_idx, y_true, np.nan), labeled_idx
