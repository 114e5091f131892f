"""How firmly a prior should hold the aggregator's weights, judged by the labelled instances."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from cfensemble._typing import Vector
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.weight_fit import WeightProblem

STRENGTHS = tuple(3e-3 * 10 ** (k / 2) for k in range(9))
"""How firmly the prior may hold the weights, .003 to 30: from next to not at all to nearly fixed."""
FIRMNESS = 0.3
"""Beforehand a strength is believed in proportionally to this power of it."""


class Fit(Protocol):
    """A fit of weights, of two classes or more."""

    @property
    def theta(self) -> Vector:
        """Weights and biases."""

    def left_out_log_likelihood(self, y: Any) -> Vector:
        """Of the labels y (n_labeled,), each predicted without itself."""


class Problem(Protocol):
    """What is to be fitted; see `WeightProblem` and `SoftmaxProblem`."""

    def solve(self, prior: WeightPrior, nonnegative: bool, start: Vector | None = None) -> Fit:
        """Return the optimum."""


def fits_by_strength(problem: Problem, prior: WeightPrior, nonnegative: bool) -> Iterator[tuple[float, Fit]]:
    """Each of `STRENGTHS`, the largest first, with the best weights under the prior of that strength."""
    start = None
    for strength in reversed(STRENGTHS):
        fit = problem.solve(replace(prior, strength=strength), nonnegative, start)
        start = fit.theta
        yield strength, fit


def select_strength(
    features: Vector,
    y: Vector,
    center: Vector,
    nonnegative: bool,
    n_threads: int = 1,
    counts: Vector | None = None,
) -> float:
    """Return the strength that predicts left-out labels best, with some belief in the greater ones beforehand.

    Parameters
    ----------
    features : ndarray of shape (m, n_labeled)
        What the classifiers say of the labelled instances: probabilities, or log-odds.
    y : ndarray of shape (n_labeled,)
        Their labels, 1 or 0.
    center : ndarray of shape (m,)
        The weights that the prior believes in.
    nonnegative : bool
        Whether weights are >= 0.
    n_threads : int, default=1
        Threads to use.
    counts : ndarray of shape (n_labeled,), optional
        How often each instance counts, > 0; default once.

    Returns
    -------
    float
        That of `STRENGTHS` with the largest left-out log-likelihood plus `FIRMNESS` log(strength).
    """
    problem = WeightProblem(features, y, n_threads, counts)
    s = np.ones(len(y)) if counts is None else counts
    scores = {
        strength: float(s @ fit.left_out_log_likelihood(y)) + FIRMNESS * np.log(strength)
        for strength, fit in fits_by_strength(problem, WeightPrior(center, 0.0), nonnegative)
    }
    return max(scores, key=scores.__getitem__)
