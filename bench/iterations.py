"""One full ALS iteration, X given Y and then Y given X, by everyone and on the same problem."""

from collections.abc import Callable, Iterator

import counts
from blocked_numpy import BlockedNumpy, classifier_half, instance_half
from contender import Contender
from native import best_level, levels
from numpy_loop import NumpyLoop, TunedNumpyLoop
from ours import HEADLINE, CFEnsemble, name_of
from peak import PeakMeter
from problem import LAMBDA, N_THREADS, SHAPES, Problem, Shape, iteration_defined
from records import Record, Target
from turns import Turns, take_turns

from cfensemble._typing import Float

TIMES_FASTER: dict[Shape, dict[str, float]] = {
    (10, 10, 100_000): {"NumPy loop": 100, "blocked NumPy": 12},
    (15, 20, 100_000): {
        "NumPy loop": 80,
        "blocked NumPy": 22,
        "cmfrec Cholesky": 15,
        "cmfrec CG": 10,
        "implicit Cholesky": 20,
        "implicit CG": 8,
    },
    (100, 20, 50_000): {
        "NumPy loop": 28,
        "blocked NumPy": 7,
        "cmfrec Cholesky": 17,
        "cmfrec CG": 12,
        "implicit Cholesky": 25,
        "implicit CG": 9,
    },
    (1000, 50, 4_000): {"NumPy loop": 13, "blocked NumPy": 4},
}
"""How many times faster than others this package has to be, with its best level in float64 and two threads."""

FLOAT32_FASTER = {(100, 20, 50_000): Target(1.8)}
TWO_THREADS_FASTER = {shape: Target(1.9) for shape in SHAPES if shape[2] >= 50_000}

Maker = Callable[[Problem], Contender]


def measure_iterations(
    problem: Problem, peers: list[Maker], meter: PeakMeter, repeats: int
) -> tuple[list[Record], list[Record]]:
    """Return a record per contender, and how precision and threads change what this package does.

    Raises
    ------
    AssertionError
        Where a contender's factors are not those that the definition gives.
    """
    contenders = [make(problem) for make in (NumpyLoop, TunedNumpyLoop, BlockedNumpy, *peers)]
    contenders += [
        CFEnsemble(problem, level, dtype, n_threads)
        for level in levels()
        for dtype in ("float32", "float64")
        for n_threads in range(1, N_THREADS + 1)
    ]
    deviations = {contender.name: contender.check(_expected(contender.problem, problem)) for contender in contenders}
    turns = take_turns({contender.name: contender.seconds for contender in contenders}, repeats, meter)
    count = counts.iteration(problem.shape)
    records = [
        Record(
            contender.name,
            problem.shape,
            turns.milliseconds(contender.name),
            count / 1e6 / turns.milliseconds(contender.name),
            turns.share(contender.name, count, contender.peak),
            value=turns.ratio(contender.name, HEADLINE),
            target=_target(problem.shape, contender.name),
            deviation=deviations[contender.name],
            seconds=turns.seconds[contender.name].tolist(),
        )
        for contender in contenders
    ]
    return records, list(_comparisons(turns, problem.shape))


def _expected(problem: Problem, common: Problem) -> tuple[Float, Float]:
    """By definition; for a contender's own variant of the problem by blocked NumPy, which is checked before it."""
    if problem is common:
        return iteration_defined(problem)
    X = classifier_half(problem.Y, problem.R, problem.C, LAMBDA, block=1024)
    return X, instance_half(X, problem.R, problem.C, LAMBDA, block=1024, packed=False)


def _target(shape: Shape, name: str) -> Target | None:
    bound = TIMES_FASTER.get(shape, {}).get(name)
    return None if bound is None else Target(bound)


def _comparisons(turns: Turns, shape: Shape) -> Iterator[Record]:
    level = best_level()
    ratio = turns.ratio(HEADLINE, name_of(level, "float32", N_THREADS))
    yield Record("iteration, float32 against float64", shape, value=ratio, target=FLOAT32_FASTER.get(shape))
    for dtype, targets in (("float64", TWO_THREADS_FASTER), ("float32", {})):
        ratio = turns.ratio(name_of(level, dtype, 1), name_of(level, dtype, 2))
        yield Record(f"iteration, {dtype}, 2 threads against 1", shape, value=ratio, target=targets.get(shape))
