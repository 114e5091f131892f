"""Prediction of new instances: what the classifiers add to the kernels that they call, for one row and for a million.

    python bench/prediction.py --threads 2

The kernels get a ready matrix (m, n), the classifiers a C-ordered array (n, m), which they check. What both predict is
compared first. scikit-learn's logistic regression on the same array, which does less, is there for scale.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from contender import assert_close, stopwatch
from printing import number, print_table
from sklearn.linear_model import LogisticRegression
from turns import take_turns

from cfensemble import CFEnsembleClassifier, _core
from cfensemble._typing import Float, Vector
from cfensemble.data import generate_simple_ensemble_data

M, N_FITTED, N_LABELED = 15, 10_000, 1_000
SIZES = (1, 1_000_000)
SOLVERS = ("auto", "als")
MOST_SECONDS, MOST_RATIO = 200e-6, 1.2
"""What is wanted of one row, and against the kernels of a million."""
TOLERANCE = 1e-12
LOGISTIC = "LogisticRegression"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="of all (default: 1)")
    arguments = parser.parse_args()
    R, y, *_ = generate_simple_ensemble_data(M, N_FITTED + max(SIZES), N_FITTED + max(SIZES), random_state=0)
    P, y = np.ascontiguousarray(R.T), np.where(np.arange(len(y)) < N_LABELED, y, -1).astype(np.int64)
    models = {LOGISTIC: LogisticRegression().fit(P[:N_LABELED], y[:N_LABELED])}
    for solver in SOLVERS:
        models[solver] = CFEnsembleClassifier(solver, n_threads=arguments.threads).fit(P[:N_FITTED], y[:N_FITTED])
    for size in SIZES:
        print_table(
            f"predict_proba of {size:,} x {M}, {arguments.threads} thread(s): microseconds",
            ["", "classifier", "kernels", "ratio", "wanted"],
            rows(models, P[N_FITTED : N_FITTED + size], arguments.threads, arguments.repeats),
        )


def rows(
    models: Mapping[str, CFEnsembleClassifier | LogisticRegression], P: Float, n_threads: int, repeats: int
) -> Iterator[list[str]]:
    R = np.ascontiguousarray(P.T)
    contenders = {name: stopwatch(partial(model.predict_proba, P)) for name, model in models.items()}
    for solver in SOLVERS:
        kernels = kernels_of(models[solver], R, n_threads)
        assert_close(solver, (models[solver].predict_proba(P)[:, 1],), (kernels(),), TOLERANCE)
        contenders[kernels_name(solver)] = stopwatch(kernels)
    turns = take_turns(contenders, repeats)
    yield [LOGISTIC, number(1000 * turns.milliseconds(LOGISTIC), ",.0f"), "-", "-", "-"]
    for solver in SOLVERS:
        times = [turns.milliseconds(name) for name in (solver, kernels_name(solver))]
        ratio = turns.ratio(solver, kernels_name(solver))
        if len(P) == 1:
            wanted = f"{'yes' if times[0] <= 1e3 * MOST_SECONDS else 'NO'}, <= {1e6 * MOST_SECONDS:.0f}"
        else:
            wanted = f"{'yes' if ratio <= MOST_RATIO else 'NO'}, <= {MOST_RATIO} times"
        yield [f"solver={solver!r}", *(number(1000 * time, ",.0f") for time in times), number(ratio, ".2f"), wanted]


def kernels_name(solver: str) -> str:
    return f"kernels of {solver}"


def kernels_of(classifier: CFEnsembleClassifier, R: Float, n_threads: int) -> Callable[[], Vector]:
    """Return a function that calls the kernels of `predict_proba` and nothing else."""
    model = classifier.combiner_
    if classifier.solver == "auto":
        return partial(model._kernel.predict, R, n_threads)
    rule = model._confidence_rule(R)

    def fold_in() -> Vector:
        Y, _ = _core.instance_step(model.X, R, rule, model.lambda_reg, n_threads)
        p = _core.predict(model.X, Y, model.aggregator.w, model.aggregator.b, n_threads)
        p[~_core.has_weight(R, rule, n_threads)] = model._base_rate
        return p

    return fold_in


if __name__ == "__main__":
    main()
