"""The kernels against other ways to compute the same, and against the machine's multiply-add peak.

    python bench/kernels.py --repeats 3 --shapes 15,20,100000

Every result is compared with its definition before it is timed. Then all contenders take turns; shown are medians over
the turns, and a ratio is the median of each turn's. Next to what has to be reached stands whether it is. GFLOP/s count
the operations of the plain algorithm (counts.py), and a share of the peak (peak.cpp) is that of the same instruction
set, precision and number of threads; other contenders' is that of the best instruction set in float64.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from chart import draw_chart
from cliff import measure_cliff
from contender import limit_blas
from half_steps import DUAL_SHAPE, measure_forms, measure_half_steps
from iterations import Maker, measure_iterations
from machine import describe_machine
from memory import measure_memory
from native import levels
from ours import HEADLINE
from peak import PeakMeter
from peers import peers
from problem import N_THREADS, SHAPES, Shape, make_problem
from records import Record, print_records, write_json
from whole_fits import measure_fits, measure_prediction

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--shapes", type=_shape, nargs="+", default=SHAPES, metavar="m,d,n", help="default: all four")
    parser.add_argument("--json", type=Path, default=HERE / "results.json", help="default: bench/results.json")
    parser.add_argument("--chart", type=Path, default=HERE / "results.png", help="default: bench/results.png")
    arguments = parser.parse_args()

    others, missing = peers()  # first: only a BLAS library that is loaded can be told its threads
    with limit_blas(N_THREADS):
        tables = measure(others, arguments.shapes, arguments.repeats)
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores; medians of {arguments.repeats} turns")
    for line in missing:
        print(line)
    print_tables(tables)
    write_json(arguments.json, tables, machine=machine, not_measured=missing, turns=arguments.repeats)
    draw_chart(arguments.chart, tables["iterations"], HEADLINE, machine["processor"])


def measure(others: list[Maker], shapes: list[Shape], repeats: int) -> dict[str, list[Record]]:
    """Return all tables by name."""
    meter = PeakMeter(levels())
    tables: dict[str, list[Record]] = {name: [] for name in ("iterations", "half steps", "comparisons")}

    def add(table: str, measured: tuple[list[Record], list[Record]]) -> None:
        records, comparisons = measured
        tables[table] += records
        tables["comparisons"] += comparisons

    for shape in shapes:
        _say(f"{shape}: iterations")
        problem = make_problem(shape)
        add("iterations", measure_iterations(problem, others, meter, repeats))
        _say(f"{shape}: half steps")
        add("half steps", measure_half_steps(problem, meter, repeats))
    _say("dual form, cliff, whole fits, prediction, memory")
    add("half steps", measure_forms(make_problem(DUAL_SHAPE), meter, repeats))
    tables["cliff"] = measure_cliff(repeats)
    tables["whole fits"] = [*measure_fits(min(repeats, 3)), measure_prediction(), *measure_memory()]
    tables["peaks"] = [Record(name, gflops=float(np.median(gflops))) for name, gflops in meter.measured.items()]
    return tables


def print_tables(tables: dict[str, list[Record]]) -> None:
    shape, timing, verdict = ("m", "d", "n"), ("ms", "GFLOP/s", "of peak"), ("target", "met")
    print_records(
        "One ALS iteration, X given Y and Y given X, in float64 with 2 threads unless it says otherwise; 'slower' is "
        f"than {HEADLINE}",
        ("contender", *shape, *timing, "slower", *verdict, "off by"),
        tables["iterations"],
    )
    print_records("Half steps, 2 threads", ("step", *shape, *timing, *verdict), tables["half steps"])
    print_records("How many times faster", ("what", *shape, "ratio", *verdict), tables["comparisons"])
    print_records(
        "Instance step at m = 100: time per multiply-add over that of the best smaller d",
        ("dimension", *shape, "ms", "GFLOP/s", "ratio", *verdict),
        tables["cliff"],
    )
    print_records("Whole fits", ("what", *shape, "ms", "value", *verdict), tables["whole fits"])
    print_records("Multiply-add peaks", ("of", "GFLOP/s"), tables["peaks"])


def _shape(text: str) -> Shape:
    m, d, n = map(int, text.split(","))
    return m, d, n


def _say(what: str) -> None:
    print(f"measuring {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
