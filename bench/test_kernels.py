"""One ALS iteration and one aggregator update against NumPy; the table's parentheses hold the ratios.

Every result is compared with the definition in `cfensemble._reference` before it is timed.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import steps
from threadpoolctl import threadpool_limits

CASES = [
    pytest.param(shape, name, competitor, id=f"{name}-{shape}-{competitor}".replace(" ", ""))
    for shape in steps.SHAPES  # outermost: a problem and its definition's results are computed once
    for name, step in steps.STEPS.items()
    for competitor in step.competitors
]


@pytest.fixture(autouse=True)
def _as_many_threads_for_numpy() -> Iterator[None]:
    with threadpool_limits(steps.N_THREADS, user_api="blas"):
        yield


@pytest.mark.parametrize(("shape", "name", "competitor"), CASES)
def test_step(benchmark: Any, shape: tuple[int, int, int], name: str, competitor: str) -> None:
    problem, step = steps.make_problem(*shape), steps.STEPS[name]
    step.check(competitor, problem)  # and warms up
    benchmark.group = "{}, m={} d={} n={}".format(name, *shape)
    rounds = 3 if competitor == "numpy_loop" else 20  # of a loop that takes up to seconds
    benchmark.pedantic(step.competitors[competitor], args=(problem,), rounds=rounds)
