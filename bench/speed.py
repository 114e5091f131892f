"""How much faster than the NumPy loop an ALS iteration and an aggregator update are.

    python bench/speed.py

Results are first compared with their definition. Then all competitors run in turns, so that whatever else the machine
does hits all of them: a ratio is one of neighbours in time. Shown are medians over the turns.
"""

import argparse
from collections.abc import Iterator
from time import perf_counter, sleep

import numpy as np
import steps
from printing import number, print_table
from threadpoolctl import threadpool_limits

SETTLE = 0.2
"""Seconds between runs: BLAS and OpenMP threads spin for a while after their work, at the expense of what runs next."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns of each competitor (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the data (default: 0)")
    arguments = parser.parse_args()
    with threadpool_limits(steps.N_THREADS, user_api="blas"):
        print_table(
            f"{steps.N_THREADS} threads, float64; medians of {arguments.repeats} turns, results equal to "
            f"{steps.TOLERANCE:g}",
            ["step", "m", "d", "n", "against", "its ms", "cfensemble ms", "ratio", "of fastest turns"],
            rows(arguments.repeats, arguments.seed),
        )


def rows(repeats: int, seed: int) -> Iterator[list[str]]:
    for shape in steps.SHAPES:
        problem = steps.make_problem(*shape, seed)
        for name, step in steps.STEPS.items():
            for competitor in step.competitors:
                step.check(competitor, problem)
            seconds = {competitor: np.empty(repeats) for competitor in step.competitors}
            for repeat in range(repeats):
                for competitor, run in step.competitors.items():
                    sleep(SETTLE)
                    begin = perf_counter()
                    run(problem)
                    seconds[competitor][repeat] = perf_counter() - begin
            ours = seconds.pop("cfensemble")
            for competitor, theirs in seconds.items():
                milliseconds = 1000 * np.median(theirs), 1000 * np.median(ours)
                ratios = np.median(theirs / ours), theirs.min() / ours.min()
                yield [name, *map(str, shape), competitor, *(number(x, ".1f") for x in (*milliseconds, *ratios))]


if __name__ == "__main__":
    main()
