"""The problem that everything is measured on, and the definition of one ALS iteration on it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cfensemble import _reference
from cfensemble._typing import Float, Indices, Vector
from cfensemble.data import CertaintyConfidence, generate_simple_ensemble_data
from cfensemble.objectives.label_weights import class_weights

Shape = tuple[int, int, int]
"""(m, d, n): classifiers, factors, instances."""

SHAPES: tuple[Shape, ...] = ((10, 10, 100_000), (15, 20, 100_000), (100, 20, 50_000), (1000, 50, 4_000))
LAMBDA = 0.01
N_THREADS = 2
"""Threads of every contender that can have them; this package is measured with one as well."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that the steps take as given: predictions, weights and factors; aggregator and labels."""

    R: Float
    C: Float
    X: Float
    Y: Float
    w: Vector
    b: float
    columns: Indices
    labels: Vector
    omega: Vector

    @property
    def shape(self) -> Shape:
        return self.R.shape[0], self.Y.shape[0], self.R.shape[1]


@lru_cache(maxsize=1)
def make_problem(shape: Shape, seed: int = 0) -> Problem:
    """10 % positives, certainty as confidence, random factors, and every second instance labelled."""
    m, d, n = shape
    R, labels, labelled, _ = generate_simple_ensemble_data(m, n, n // 2, positive_rate=0.1, random_state=seed)
    C = CertaintyConfidence().compute(R, labels)
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((d, m)) / np.sqrt(d), rng.standard_normal((d, n)) / np.sqrt(d)
    columns = np.flatnonzero(labelled)
    y = labels[columns]
    return Problem(R, C, X, Y, np.full(m, 1 / m), 0.0, columns, y, class_weights(y))


@lru_cache(maxsize=1)
def iteration_defined(problem: Problem) -> tuple[Float, Float]:
    """X given the problem's Y, then Y given that X."""
    gram, rhs = _reference.classifier_moments(problem.Y, problem.R, problem.C)
    X, _ = _reference.classifier_step(gram, rhs, LAMBDA, balance=False)
    Y, _ = _reference.instance_step(X, problem.R, problem.C, LAMBDA)
    return X, Y
