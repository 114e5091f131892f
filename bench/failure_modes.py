"""The known failure modes of the method, and what each remedy does about them.

    python bench/failure_modes.py --modes 1 4

PR-AUC is that of the hidden labels, over the seeds; the plain average stands beside everything.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from outcomes import Outcome, Task, fit_quietly, measure_baseline, measure_fit, over_seeds
from printing import number, print_table

from cfensemble.baselines import plain_average
from cfensemble.data import EnsembleData, generate_imbalanced_ensemble_data, generate_simple_ensemble_data
from cfensemble.exceptions import DataWarning
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer

Options = dict[str, Any]
Rows = Iterator[list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", type=int, nargs="+", choices=MODES, default=list(MODES), help="default: all")
    parser.add_argument("--seeds", type=int, default=10, help="data sets of each experiment (default: 10)")
    arguments = parser.parse_args()
    for mode in arguments.modes:
        title, header, rows = MODES[mode]
        print_table(f"{mode}. {title}; {arguments.seeds} seeds", header, rows(range(arguments.seeds)))


def als(seed: int, **options: Any) -> CFEnsembleTrainer:
    """ALS that always makes its 50 iterations: no run is judged by where it happened to stop."""
    return CFEnsembleTrainer(random_seed=seed, max_iter=50, tol=0, **options)


def imbalanced_task(seed: int, missing: float = 0.2, **options: Any) -> Task:
    """10 % positives on the realistic generator, a share of the predictions missing."""
    options = {"n_instances": 600, "n_labeled": 300} | options
    R, labels, _, y_true = generate_imbalanced_ensemble_data(random_state=seed, **options)
    R[np.random.default_rng(seed).random(R.shape) < missing] = np.nan
    with warnings.catch_warnings():  # of few classifiers, all may be missing somewhere
        warnings.simplefilter("ignore", DataWarning)
        return Task(EnsembleData(R, labels), y_true)


def mean_and_min(values: ArrayLike) -> list[str]:
    return [number(np.mean(values)), number(np.min(values))]


def averages(tasks: list[Task]) -> list[str]:
    """Mean and least PR-AUC of the plain average."""
    return mean_and_min([measure_baseline(plain_average, task).pr_auc for task in tasks])


# ------------------------------------------------------------------------------------------ 1. aggregator collapse

UNWEIGHTED = {"use_class_weights": False}
REMEDIES: dict[str, Options] = {
    "no remedy": UNWEIGHTED,
    "use_class_weights": {},
    "class_weight {0: 1, 1: 9}": UNWEIGHTED | {"class_weight": {0: 1, 1: 9}},
    "aggregator_l2 1": UNWEIGHTED | {"aggregator_l2": 1.0},
    "newton": UNWEIGHTED | {"aggregator_optimizer": "newton"},
    "adam": UNWEIGHTED | {"aggregator_optimizer": "adam"},
    "momentum": UNWEIGHTED | {"aggregator_optimizer": "momentum"},
    "two_stage + newton": UNWEIGHTED | {"schedule": "two_stage", "aggregator_optimizer": "newton"},
    "aggregator_every 10": UNWEIGHTED | {"aggregator_every": 10},
    "freeze 45": UNWEIGHTED | {"freeze_aggregator_iters": 45},
    "on_collapse reset": UNWEIGHTED | {"on_collapse": "reset"},
    "aggregator_type mean": UNWEIGHTED | {"aggregator_type": "mean"},
    "focal_gamma 2": UNWEIGHTED | {"focal_gamma": 2.0},
}


def collapse(seeds: range) -> Rows:
    tasks = [simple_task(seed) for seed in seeds]

    def row(name: str, run: Callable[[Task, int], Outcome]) -> list[str]:
        outcomes = [run(task, seed) for task, seed in zip(tasks, seeds, strict=True)]
        return [
            name,
            *mean_and_min(over_seeds(outcomes, "pr_auc")),
            number(over_seeds(outcomes, "collapsed").sum(), ".0f"),
            number(over_seeds(outcomes, "weight_sum").mean()),
            number(over_seeds(outcomes, "prediction_spread").mean()),
        ]

    def torch(task: Task, seed: int, **options: Any) -> Outcome:
        return measure_fit(CFEnsemblePyTorchTrainer(random_seed=seed, max_epochs=100, **options), task)

    yield row("plain average", lambda task, seed: measure_baseline(plain_average, task))
    for name, options in REMEDIES.items():
        yield row(f"ALS, {name}", lambda task, seed, options=options: measure_fit(als(seed, **options), task))
    yield row("torch, no remedy", lambda task, seed: torch(task, seed, **UNWEIGHTED))
    yield row("torch, use_class_weights", torch)


def simple_task(seed: int) -> Task:
    R, labels, _, y_true = generate_simple_ensemble_data(
        n_classifiers=10, n_instances=1000, n_labeled=500, positive_rate=0.1, random_state=seed
    )
    return Task(EnsembleData(R, labels), y_true)


# ------------------------------------------------------------------ 2. factors that do not see the labels


def unseen_labels(seeds: range) -> Rows:
    tasks = [imbalanced_task(seed) for seed in seeds]
    yield ["plain average", *["-"] * 7, *averages(tasks)]
    for d in (20, 3):
        for alpha in (0, 1, 10):
            options = {"latent_dim": d, "use_label_aware_confidence": alpha > 0, "label_aware_alpha": alpha}
            runs = np.array([follow_the_labels(task, seed, options) for task, seed in zip(tasks, seeds, strict=True)])
            name = f"d={d}, {f'label-aware, alpha {alpha}' if alpha else 'without'}"
            yield [name, *map(number, runs[:, :-1].mean(axis=0)), *mean_and_min(runs[:, -1])]


def follow_the_labels(task: Task, seed: int, options: Options) -> list[float]:
    """Both losses, first and last; how far X, Y and X'Y move, relatively, when every label is flipped; PR-AUC.

    The aggregator rests at the plain average's weights, so that the factors alone change the supervised loss.
    """
    options = options | {"freeze_aggregator_iters": 50, "init": "random"}
    trainer, flipped = als(seed, **options), als(seed, **options)
    pr_auc = measure_fit(trainer, task).pr_auc
    fit_quietly(flipped, EnsembleData(task.data.R, 1 - task.data.labels))
    reconstruction, supervised = trainer.history["reconstruction"], trainer.history["supervised"]
    before, after = ((run.X, run.Y, run.get_reconstruction()) for run in (trainer, flipped))
    moved = [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(before, after, strict=True)]
    return [reconstruction[0], reconstruction[-1], supervised[0], supervised[-1], *moved, pr_auc]


# --------------------------------------------------------------------- 3. alternation and the objective


def unsettled_alternation(seeds: range) -> Rows:
    tasks = [imbalanced_task(seed) for seed in seeds]
    yield ["plain average", *["-"] * 5, *averages(tasks)]
    shared: Options = {"latent_dim": 3, "rho": 0.02, "init": "random"}
    alternating = shared | {"aggregator_optimizer": "newton"}
    for name, make in {
        "alternating": lambda seed: als(seed, **alternating),
        "two_stage": lambda seed: als(seed, schedule="two_stage", **alternating),
        "aggregator_every 5": lambda seed: als(seed, aggregator_every=5, **alternating),
        "aggregator_every 10": lambda seed: als(seed, aggregator_every=10, **alternating),
        "joint": lambda seed: CFEnsembleJointTrainer(random_seed=seed, max_iter=50, tol=0, **shared),
    }.items():
        trainers = [make(seed) for seed in seeds]
        pr_auc = [measure_fit(trainer, task).pr_auc for trainer, task in zip(trainers, tasks, strict=True)]
        steps = [np.diff(trainer.history["loss"]) for trainer in trainers]
        largest = [step.max() for step in steps]
        yield [
            name,
            number(np.mean([trainer.history["loss"][-1] for trainer in trainers])),
            number(np.mean([np.count_nonzero(step > 0) for step in steps]), ".1f"),
            number(np.mean(largest), ".1e"),
            number(np.max(largest), ".1e"),
            number(np.max([np.diff(trainer.history["reconstruction"]).max() for trainer in trainers]), ".1e"),
            *mean_and_min(pr_auc),
        ]


# ------------------------------------------------------------------------------------ 4. inductive misuse


def inductive_misuse(seeds: range) -> Rows:
    whole = [imbalanced_task(seed, 0.3, n_instances=1000) for seed in seeds]
    for n_labeled in (20, 50, 100, 300):
        tasks = [with_fewer_labels(task, n_labeled) for task in whole]
        pairs = list(zip(tasks, seeds, strict=True))
        inductive = [inductive_pr_auc(task, seed) for task, seed in pairs]
        transductive = [measure_fit(CFEnsembleTrainer(random_seed=seed), task).pr_auc for task, seed in pairs]
        yield [
            str(n_labeled),
            *mean_and_min(inductive),
            *mean_and_min(transductive),
            str(np.count_nonzero(np.greater(transductive, inductive))),
            *averages(tasks),
        ]


def with_fewer_labels(task: Task, n_labeled: int) -> Task:
    """Keep the first so many labels, as many of each class as in all; the same instances are scored."""
    data = task.data
    kept = np.full(data.n_instances, np.nan)
    for code in (0, 1):
        members = np.flatnonzero(data.labels == code)
        kept[members[: round(n_labeled * len(members) / data.n_labeled)]] = code
    return Task(EnsembleData(data.R, kept), np.where(data.labeled_idx, -1, task.y_true))


def inductive_pr_auc(task: Task, seed: int) -> float:
    """Fit to the labelled columns only, then fold in the others."""
    R, labels, labelled = task.data.R, task.data.labels, task.data.labeled_idx
    trainer = CFEnsembleTrainer(random_seed=seed)
    fit_quietly(trainer, EnsembleData(R[:, labelled], labels[labelled]))
    return task.pr_auc(trainer.predict(R_new=R))


# --------------------------------------------------------------------- 5. more factors than classifiers


def many_factors(seeds: range) -> Rows:
    tasks = [imbalanced_task(seed, n_classifiers=5) for seed in seeds]
    yield ["plain average", "-", *averages(tasks)]
    for d, lambda_reg in ((3, 0.01), (20, 0.01), (3, 0.0), (20, 0.0)):
        options = {"latent_dim": d, "lambda_reg": lambda_reg}
        trainers = [als(seed, **options) for seed in seeds]
        pr_auc = [measure_fit(trainer, task).pr_auc for trainer, task in zip(trainers, tasks, strict=True)]
        degenerate = np.mean([trainer.history["n_degenerate"] for trainer in trainers])
        yield [f"ALS, d={d}, lambda={lambda_reg:g}", number(degenerate, ".1f"), *mean_and_min(pr_auc)]
        torch = [
            measure_fit(CFEnsemblePyTorchTrainer(random_seed=seed, **options), task).pr_auc
            for task, seed in zip(tasks, seeds, strict=True)
        ]
        yield [f"torch, d={d}, lambda={lambda_reg:g}", "-", *mean_and_min(torch)]


PR_AUC = ["PR-AUC mean", "min"]
MODES: dict[int, tuple[str, list[str], Callable[[range], Rows]]] = {
    1: (
        "Aggregator collapse, 10 % positives, ALS 50 iterations, torch 100 epochs",
        ["", *PR_AUC, "collapse warnings", "sum of w", "prediction spread"],
        collapse,
    ),
    2: (
        "Factors that do not see the labels, with and without label-aware confidence, aggregator at rest",
        ["", "L_recon first", "last", "L_sup first", "last", "X moved", "Y", "X'Y", *PR_AUC],
        unseen_labels,
    ),
    3: (
        "Alternation that does not minimise the objective, d=3, rho=.02, newton, random start, 50 iterations",
        ["", "L_CF last", "rises", "largest: mean", "max", "of L_recon: max", *PR_AUC],
        unsettled_alternation,
    ),
    4: (
        "Inductive misuse, 1000 instances, 30 % of R missing",
        ["labels", "PR-AUC inductive", "min", "transductive", "min", "better in", "plain average", "min"],
        inductive_misuse,
    ),
    5: (
        "More factors than classifiers, m=5; degenerate solves per iteration, of 605",
        ["", "degenerate solves", *PR_AUC],
        many_factors,
    ),
}


if __name__ == "__main__":
    main()
