"""What is measured: one ALS iteration and one aggregator update, by cfensemble and by NumPy, on the same problem."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy_loop

from cfensemble import _core, _reference
from cfensemble._typing import Float, Indices, Vector
from cfensemble.data import CertaintyConfidence, generate_simple_ensemble_data
from cfensemble.objectives.label_weights import class_weights

SHAPES = ((10, 10, 100_000), (15, 20, 100_000), (100, 20, 50_000))
"""(m, d, n): classifiers, factors, instances."""

N_THREADS = 2
LAMBDA = 0.01
TOLERANCE = 1e-10
"""How far a result may be from the definition's, relative to its largest entry."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that the steps take as given."""

    R: Float
    C: Float
    X: Float
    Y: Float
    gram: Vector  # moments of Y, which cfensemble's last iteration would have left
    rhs: Vector
    w: Vector
    b: float
    columns: Indices
    labels: Vector
    omega: Vector

    @property
    def aggregator_arguments(self) -> tuple[Float, Float, Vector, float, Indices, Vector, Vector]:
        return self.X, self.Y, self.w, self.b, self.columns, self.labels, self.omega


@lru_cache(maxsize=1)
def make_problem(m: int, d: int, n: int, seed: int = 0) -> Problem:
    """10 % positives, certainty as confidence, and every second instance labelled, with class weights."""
    R, labels, labelled, _ = generate_simple_ensemble_data(m, n, n // 2, positive_rate=0.1, random_state=seed)
    C = CertaintyConfidence().compute(R, labels)
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((d, m)) / np.sqrt(d), rng.standard_normal((d, n)) / np.sqrt(d)
    gram, rhs = _core.classifier_moments(Y, R, C, N_THREADS)
    columns = np.flatnonzero(labelled)
    y = labels[columns]
    return Problem(R, C, X, Y, gram, rhs, np.full(m, 1 / m), 0.0, columns, y, class_weights(y))


Result = tuple[Float | float, ...]
Implementation = Callable[[Problem], Result]


def als_iteration(problem: Problem) -> Result:
    """X from the moments of the last Y; then in one pass Y, its moments and the residual."""
    X, _ = _core.classifier_step(problem.gram, problem.rhs, LAMBDA, False, N_THREADS)
    Y, _, _, residual, _ = _core.sweep(X, problem.R, problem.C, LAMBDA, N_THREADS)
    return X, Y, residual


def als_iteration_numpy(problem: Problem) -> Result:
    return numpy_loop.als_iteration(problem.Y, problem.R, problem.C, LAMBDA)


@lru_cache(maxsize=1)
def als_iteration_defined(problem: Problem) -> Result:
    gram, rhs = _reference.classifier_moments(problem.Y, problem.R, problem.C)
    X, _ = _reference.classifier_step(gram, rhs, LAMBDA, balance=False)
    Y, _ = _reference.instance_step(X, problem.R, problem.C, LAMBDA)
    return X, Y, _reference.weighted_residual(X, Y, problem.R, problem.C)


def aggregator_update(problem: Problem) -> Result:
    _, gradient, _ = _core.aggregator_loss(*problem.aggregator_arguments, 0.0, False, N_THREADS)
    return (gradient,)


def aggregator_update_numpy(problem: Problem) -> Result:
    return (numpy_loop.aggregator_gradient(*problem.aggregator_arguments),)


def aggregator_update_vectorised(problem: Problem) -> Result:
    return (numpy_loop.aggregator_gradient_vectorised(*problem.aggregator_arguments),)


@lru_cache(maxsize=1)
def aggregator_update_defined(problem: Problem) -> Result:
    _, gradient, _ = _reference.aggregator_loss(*problem.aggregator_arguments, 0.0, False)
    return (gradient,)


@dataclass(frozen=True)
class Step:
    """The definition of a step, and those that compute it."""

    definition: Implementation
    competitors: dict[str, Implementation]

    def check(self, competitor: str, problem: Problem) -> None:
        """Raise an AssertionError where the competitor's result is not the definition's."""
        results = zip(self.competitors[competitor](problem), self.definition(problem), strict=True)
        for actual, expected in results:
            np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


STEPS = {
    "ALS iteration": Step(
        definition=als_iteration_defined,
        competitors={"numpy_loop": als_iteration_numpy, "cfensemble": als_iteration},
    ),
    "aggregator update": Step(
        definition=aggregator_update_defined,
        competitors={
            "numpy_loop": aggregator_update_numpy,
            "numpy_vectorised": aggregator_update_vectorised,
            "cfensemble": aggregator_update,
        },
    ),
}
