"""How good combined probabilities are: this package's solvers beside all baselines, with few and many labels.

    python bench/quality.py [--data DIR] [--missing 0 0.3 0.6] [--solvers auto als] [--figure FILE]

DIR holds files NAME__sSPLIT.npz with R (m, n) and y (n,); without it matrices are made from scikit-learn's data sets.
Of each, 1, 5, 20 and 50 % of the labels are shown in three draws, and methods are scored on the other instances.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
from quality_data import FRACTIONS, PredictionMatrix, build, load
from quality_methods import PEERS, imputations, solver
from quality_summary import draw_curves, print_summary
from threadpoolctl import threadpool_limits

from cfensemble.evaluation import score

DRAWS = 3
SOLVERS = ("auto", "als", "joint")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of prediction matrices")
    parser.add_argument("--missing", type=float, nargs="+", default=[0.0, 0.3, 0.6], help="shares of R to remove")
    parser.add_argument("--solvers", nargs="+", default=SOLVERS, help="this package's, the first one is compared")
    parser.add_argument("--figure", type=Path, help="draw the label-count curves to this file")
    options = parser.parse_args()
    matrices = list(load(options.data) if options.data else build())
    with ProcessPoolExecutor() as pool:
        parts = pool.map(partial(_scores, shares=options.missing, solvers=options.solvers), matrices)
        rows = pd.DataFrame([row for part in parts for row in part])
    for share in options.missing:
        print_summary(rows[rows.missing == share], f"cfensemble {options.solvers[0]}", share)
    if options.figure:
        draw_curves(rows, f"cfensemble {options.solvers[0]}", options.figure)


def _scores(matrix: PredictionMatrix, shares: list[float], solvers: list[str]) -> list[dict[str, object]]:
    threadpool_limits(1)  # every core has a data set of its own
    draws = [(share, fraction, draw) for share in shares for fraction in FRACTIONS for draw in range(DRAWS)]
    return [
        {
            "dataset": matrix.dataset,
            "split": matrix.split,
            "draw": draw,
            "fraction": fraction,
            "missing": share,
            "method": method,
            "imputation": imputation,
            **row,
        }
        for share, fraction, draw in draws
        for method, imputation, row in _compare(
            matrix, matrix.remove(share), matrix.draw_labels(fraction, draw), solvers
        )
    ]


def _compare(
    matrix: PredictionMatrix, R: np.ndarray, labels: np.ndarray, solvers: list[str]
) -> Iterator[tuple[str, str, dict[str, float]]]:
    hidden = np.isnan(labels)
    attempts = [(f"cfensemble {name}", "", solver(name), R) for name in solvers]
    for imputation, completed in imputations(R).items():
        attempts += [(name, imputation, method, completed) for name, method in PEERS.items()]
    for name, imputation, method, predictions in attempts:
        begin = perf_counter()
        with catch_warnings():
            simplefilter("ignore")
            p = np.clip(method(predictions, labels), 0, 1)
        seconds = perf_counter() - begin
        scores = score(matrix.y[hidden], p[hidden])
        yield name, imputation, {"PR-AUC": scores.pr_auc, "log-loss": scores.log_loss, "seconds": seconds}


if __name__ == "__main__":
    main()
