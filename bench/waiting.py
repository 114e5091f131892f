"""What a user waits for before and beside the fit: the import, the help, and the report.

    python bench/waiting.py

The import is compared with that of NumPy and scikit-learn's base, which it needs; both are timed within a new process,
without the interpreter's own start. The help and the report are whole commands.
"""

import argparse
import csv
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from contender import stopwatch
from printing import number, print_table
from turns import Turns, take_turns

from cfensemble.data import generate_imbalanced_ensemble_data

M, N = 20, 20_000
LABELLED = (600, N)
MISSING = 0.1
MOST_IMPORT, MOST_HELP, MOST_REPORT = 1.3, 0.5, 20.0
"""What is wanted: the ratio of the imports, and seconds."""
NEEDED = "import numpy, sklearn.base"
IMPORTS = ("import cfensemble", "from cfensemble import CFEnsembleClassifier")
"""The first loads nothing heavy; the second all that it needs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="turns of imports and help (default: 9)")
    repeats = parser.parse_args().repeats
    imports = {name: partial(seconds_inside, name) for name in (NEEDED, *IMPORTS)}
    starts = take_turns(imports | {"help": command("--help")}, repeats)
    rows = [row(NEEDED, starts, NEEDED, "")]
    for name in IMPORTS:
        ratio = starts.ratio(name, NEEDED)
        rows.append(row(name, starts, name, f"{verdict(ratio, MOST_IMPORT)} times that: {ratio:.2f}"))
    rows.append(row("cfensemble --help", starts, "help", verdict(median(starts, "help"), MOST_HELP)))
    with TemporaryDirectory() as folder:
        reports = take_turns({str(k): report(Path(folder), k) for k in LABELLED}, 3)
    for k in LABELLED:
        wanted = verdict(median(reports, str(k)), MOST_REPORT)
        rows.append(row(f"cfensemble report, {M} x {N:,}, {k:,} labels", reports, str(k), wanted))
    print_table("Seconds, median", ["", "seconds", "wanted"], rows)


def row(name: str, turns: Turns, key: str, wanted: str) -> list[str]:
    return [name, number(median(turns, key)), wanted]


def median(turns: Turns, key: str) -> float:
    return turns.milliseconds(key) / 1000


def verdict(value: float, most: float) -> str:
    return f"{'yes' if value < most else 'NO'}, < {most:g}"


def seconds_inside(statement: str) -> float:
    """Return how long a statement takes in a new interpreter."""
    code = f"from time import perf_counter; t = perf_counter(); {statement}; print(perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def command(*arguments: str) -> Callable[[], float]:
    """Return a function that runs the command line and returns the seconds that it took."""
    line = [sys.executable, "-m", "cfensemble", *arguments]
    return stopwatch(partial(subprocess.run, line, check=True, capture_output=True))


def report(folder: Path, n_labeled: int) -> Callable[[], float]:
    """Write a table, and return what makes a report of it."""
    R, labels, *_ = generate_imbalanced_ensemble_data(M, N, n_labeled, random_state=0)
    R[np.random.default_rng(0).random(R.shape) < MISSING] = np.nan
    table = folder / f"{n_labeled}.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"model {u}" for u in range(M)), "label"])
        for *predictions, label in zip(*R, labels, strict=True):
            cells = ["" if np.isnan(r) else f"{r:.4f}" for r in predictions]
            writer.writerow([*cells, "" if np.isnan(label) else int(label)])
    return command("report", str(table), "--labels", "label", "--out", str(table.with_suffix(".html")), "--force")


if __name__ == "__main__":
    main()
