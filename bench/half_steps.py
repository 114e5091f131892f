"""The instance step and the classifier step by themselves, against the machine's peak."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import counts
from contender import assert_close, stopwatch
from native import best_level, levels
from peak import PeakMeter, peak_name
from problem import LAMBDA, N_THREADS, Problem, Shape, iteration_defined
from records import Record, Target
from turns import Turns, take_turns

from cfensemble._typing import Float

INSTANCE_SHARES = {
    (10, 10, 100_000): 0.25,
    (15, 20, 100_000): 0.35,
    (100, 20, 50_000): 0.55,
    (1000, 50, 4_000): 0.85,
}
CLASSIFIER_SHARES = {(15, 20, 100_000): 0.45, (100, 20, 50_000): 0.75, (1000, 50, 4_000): 0.88}
"""Shares of the peak that the best level has to reach in float64 with two threads."""

AVX2_SHARES = {(1000, 50, 4_000): 0.85}
"""The share of its own peak that the AVX2 level has to reach in the instance step."""

FLOAT32_FASTER = {(100, 20, 50_000): Target(1.8)}

DUAL_SHAPE: Shape = (10, 20, 100_000)
DUAL_FASTER = Target(3)


@dataclass(frozen=True)
class HalfStep:
    """A step to be measured, with its number of operations and the peak it is compared with."""

    name: str
    run: Callable[[], Float]
    count: float
    peak: str
    share: float | None = None
    tolerance: float = 1e-10


def measure_half_steps(problem: Problem, meter: PeakMeter, repeats: int) -> tuple[list[Record], list[Record]]:
    """Return a record per step, and how precision changes the instance step.

    Raises
    ------
    AssertionError
        Where a step's result is not what the definition gives.
    """
    X, Y = iteration_defined(problem)
    instance, classifier = list(_instance_steps(problem, X)), list(_classifier_steps(problem))
    _check(instance, Y)
    _check(classifier, X)
    turns, records = _measure([*instance, *classifier], problem.shape, meter, repeats)
    ratio = turns.ratio(*(_instance_name(best_level(), dtype) for dtype in ("float64", "float32")))
    target = FLOAT32_FASTER.get(problem.shape)
    return records, [Record("instance step, float32 against float64", problem.shape, value=ratio, target=target)]


def measure_forms(problem: Problem, meter: PeakMeter, repeats: int) -> tuple[list[Record], list[Record]]:
    """Return records of the instance step's two forms, and how they compare."""
    X, Y = iteration_defined(problem)

    def step(form: str) -> Float:
        return _instance_step(levels()[best_level()], form, X, problem.R, problem.C)

    peak = peak_name(best_level(), "float64", N_THREADS)
    forms = [
        HalfStep("instance step, primal", partial(step, "primal"), counts.instance_step(problem.shape), peak),
        HalfStep("instance step, dual", partial(step, "dual"), counts.dual_instance_step(problem.shape), peak),
    ]
    _check(forms, Y)
    turns, records = _measure(forms, problem.shape, meter, repeats)
    ratio = turns.ratio(forms[0].name, forms[1].name)
    return records, [Record("instance step, dual against primal", problem.shape, value=ratio, target=DUAL_FASTER)]


def _instance_steps(problem: Problem, X: Float) -> Iterator[HalfStep]:
    count = counts.instance_step(problem.shape)
    for level, module in levels().items():
        shares = INSTANCE_SHARES if level == best_level() else AVX2_SHARES if level == "avx2" else {}
        for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-3)):
            arguments = [values.astype(dtype) for values in (X, problem.R, problem.C)]
            yield HalfStep(
                _instance_name(level, dtype),
                partial(_instance_step, module, "primal", *arguments),
                count,
                peak_name(level, dtype, N_THREADS),
                shares.get(problem.shape) if dtype == "float64" else None,
                tolerance,
            )


def _instance_name(level: str, dtype: str) -> str:
    return f"instance step, {level} {dtype}"


def _instance_step(module: ModuleType, form: str, X: Float, R: Float, C: Float) -> Float:
    return module.instance_step(X, R, C, LAMBDA, N_THREADS, form)[0]


def _classifier_steps(problem: Problem) -> Iterator[HalfStep]:
    """The sums over the instances with their solves, since the one is of no use without the other."""
    count = counts.classifier_step(problem.shape)
    for level, module in levels().items():
        share = CLASSIFIER_SHARES.get(problem.shape) if level == best_level() else None
        run = partial(_classifier_step, module, problem)
        peak = peak_name(level, "float64", N_THREADS)
        yield HalfStep(f"classifier step, {level} float64", run, count, peak, share)


def _classifier_step(module: ModuleType, problem: Problem) -> Float:
    gram, rhs = module.classifier_moments(problem.Y, problem.R, problem.C, N_THREADS)
    return module.classifier_step(gram, rhs, LAMBDA, False, N_THREADS)[0]


def _check(steps: Iterable[HalfStep], expected: Float) -> None:
    for step in steps:
        assert_close(step.name, (step.run(),), (expected,), step.tolerance)


def _measure(steps: list[HalfStep], shape: Shape, meter: PeakMeter, repeats: int) -> tuple[Turns, list[Record]]:
    turns = take_turns({step.name: stopwatch(step.run) for step in steps}, repeats, meter)
    records = [
        Record(
            step.name,
            shape,
            turns.milliseconds(step.name),
            step.count / 1e6 / turns.milliseconds(step.name),
            turns.share(step.name, step.count, step.peak),
            target=None if step.share is None else Target(step.share, "%"),
            seconds=turns.seconds[step.name].tolist(),
        )
        for step in steps
    ]
    return turns, records
