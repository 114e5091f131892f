"""One ALS iteration and one aggregator update against NumPy; the table's parentheses hold the ratios.

Every result is compared with the definition in `cfensemble._reference` before it is timed.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import aggregator_update
import pytest
from blocked_numpy import BlockedNumpy
from contender import Contender
from native import best_level
from numpy_loop import NumpyLoop
from ours import CFEnsemble
from problem import N_THREADS, SHAPES, Problem, Shape, iteration_defined, make_problem
from threadpoolctl import threadpool_limits

CONTENDERS: dict[str, Callable[[Problem], Contender]] = {
    "NumPy loop": NumpyLoop,
    "blocked NumPy": BlockedNumpy,
    "cfensemble": partial(CFEnsemble, level=best_level()),
}


@pytest.fixture(autouse=True)
def _as_many_threads_for_numpy() -> Iterator[None]:
    with threadpool_limits(N_THREADS, user_api="blas"):
        yield


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_als_iteration(benchmark: Any, shape: Shape, name: str) -> None:
    problem = make_problem(shape)
    contender = CONTENDERS[name](problem)
    contender.check(iteration_defined(problem))  # and warms up
    benchmark.group = "ALS iteration, m={} d={} n={}".format(*shape)
    benchmark.pedantic(contender.iterate, rounds=_rounds(name))


@pytest.mark.parametrize("name", aggregator_update.COMPETITORS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_aggregator_update(benchmark: Any, shape: Shape, name: str) -> None:
    problem = make_problem(shape)
    aggregator_update.check(name, problem)
    benchmark.group = "aggregator update, m={} d={} n={}".format(*shape)
    benchmark.pedantic(aggregator_update.COMPETITORS[name], args=(problem,), rounds=_rounds(name))


def _rounds(name: str) -> int:
    return {"NumPy loop": 3, "blocked NumPy": 10}.get(name, 20)
