"""The instance step's time per multiply-add over the number of factors: there is no size from which on it is slow."""

from collections.abc import Callable
from functools import partial

import counts
import numpy as np
from contender import stopwatch
from native import best_level, levels
from problem import LAMBDA, N_THREADS, Shape
from records import Record, Target
from turns import take_turns

N_CLASSIFIERS = 100
DIMENSIONS = range(4, 129, 4)
FLOPS = 4e9
"""Of one step; it decides the number of instances."""

SETTLE = 0.02
"""Seconds between steps, which share their threads: short, since there is no one else's work to end."""

WORST = Target(1.5, most=True)


def measure_cliff(repeats: int, seed: int = 0) -> list[Record]:
    """Return a record per dimension; its value is the time per multiply-add over that of the best smaller dimension."""
    rng = np.random.default_rng(seed)
    shapes = {f"d = {d}": _shape(d) for d in DIMENSIONS}
    step = levels()[best_level()].instance_step
    steps: dict[str, Callable[[], float]] = {}
    for name, (m, d, n) in shapes.items():
        X, R = rng.standard_normal((d, m)), rng.random((m, n))
        steps[name] = stopwatch(partial(step, X, R, np.abs(R - 0.5), LAMBDA, N_THREADS, "primal"))
    turns = take_turns(steps, repeats, settle=SETTLE)

    def count_of(name: str) -> float:
        return counts.instance_step(shapes[name])

    records: list[Record] = []
    best: Record | None = None
    for name, shape in shapes.items():
        count, milliseconds = count_of(name), turns.milliseconds(name)
        record = Record(
            name,
            shape,
            milliseconds,
            count / 1e6 / milliseconds,
            value=np.nan if best is None else turns.ratio(name, best.name) * count_of(best.name) / count,
            target=None if best is None else WORST,
            seconds=turns.seconds[name].tolist(),
        )
        records.append(record)
        if best is None or record.gflops > best.gflops:
            best = record
    return records


def _shape(d: int) -> Shape:
    n = FLOPS / counts.instance_step((N_CLASSIFIERS, d, 1))
    return N_CLASSIFIERS, d, int(min(n, 50_000))
