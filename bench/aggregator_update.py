"""The gradient of an aggregator update, by this package and by NumPy."""

from collections.abc import Callable

import numpy_loop
from contender import assert_close
from native import best_level, levels
from problem import N_THREADS, Problem

from cfensemble import _reference
from cfensemble._typing import Float, Indices, Vector

TOLERANCE = 1e-10


def cfensemble(problem: Problem) -> Vector:
    module = levels()[best_level()]
    return module.aggregator_loss(*arguments(problem), 0.0, False, N_THREADS)[1]


def numpy_one_by_one(problem: Problem) -> Vector:
    return numpy_loop.aggregator_gradient(*arguments(problem))


def numpy_vectorised(problem: Problem) -> Vector:
    return numpy_loop.aggregator_gradient_vectorised(*arguments(problem))


COMPETITORS: dict[str, Callable[[Problem], Vector]] = {
    "NumPy loop": numpy_one_by_one,
    "vectorised NumPy": numpy_vectorised,
    "cfensemble": cfensemble,
}


def check(competitor: str, problem: Problem) -> None:
    """Raise an AssertionError where the competitor's gradient is not what the definition gives."""
    _, gradient, _ = _reference.aggregator_loss(*arguments(problem), 0.0, False)
    assert_close(competitor, (COMPETITORS[competitor](problem),), (gradient,), TOLERANCE)


def arguments(problem: Problem) -> tuple[Float, Float, Vector, float, Indices, Vector, Vector]:
    return problem.X, problem.Y, problem.w, problem.b, problem.columns, problem.labels, problem.omega
