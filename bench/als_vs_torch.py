"""ALS, the joint solver, torch, the plain average and stacking on imbalanced data, and the criteria of a healthy fit.

    python bench/als_vs_torch.py --seeds 50

PR-AUC is that of the hidden labels.
"""

import argparse
import math
from collections.abc import Callable, Iterator

import numpy as np
from outcomes import Outcome, Task, measure_baseline, measure_fit, over_seeds
from printing import number, print_table

from cfensemble._typing import Vector
from cfensemble.baselines import logistic_stacking, plain_average
from cfensemble.data import EnsembleData, generate_imbalanced_ensemble_data
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer

RATES = (0.10, 0.05, 0.01)
TRAINERS = ("ALS", "joint", "torch")
HEADER = [
    "method",
    "PR-AUC mean",
    "min",
    "seconds (median)",
    "iterations",
    "converged",
    "collapsed",
    "weight spread",
    "prediction spread",
]
Outcomes = dict[str, list[Outcome]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="data sets per positive rate (default: 5)")
    parser.add_argument("--device", default="auto", help="torch's device (default: auto)")
    arguments = parser.parse_args()
    # Torch loads much of itself on first use, which is no part of a fit.
    measure_fit(CFEnsemblePyTorchTrainer(max_epochs=1, device=arguments.device), make_task(0.1, seed=0))
    for rate in RATES:
        outcomes = compare(rate, arguments.seeds, arguments.device)
        print_table(f"{rate:.0%} positives, {arguments.seeds} seeds", HEADER, summary(outcomes))
        print_table(
            "Criteria of a healthy fit", ["of every seed, but for the means", *TRAINERS], criteria(outcomes, rate)
        )


def make_task(positive_rate: float, seed: int) -> Task:
    R, labels, _, y_true = generate_imbalanced_ensemble_data(
        n_instances=3000, n_labeled=1500, positive_rate=positive_rate, random_state=seed
    )
    return Task(EnsembleData(R, labels), y_true)


def compare(positive_rate: float, n_seeds: int, device: str) -> Outcomes:
    methods: dict[str, Callable[[Task, int], Outcome]] = {
        "ALS": lambda task, seed: measure_fit(CFEnsembleTrainer(random_seed=seed), task),
        "joint": lambda task, seed: measure_fit(CFEnsembleJointTrainer(), task),
        "torch": lambda task, seed: measure_fit(CFEnsemblePyTorchTrainer(random_seed=seed, device=device), task),
        "plain average": lambda task, seed: measure_baseline(plain_average, task),
        "logistic stacking": lambda task, seed: measure_baseline(logistic_stacking, task),
    }
    outcomes: Outcomes = {name: [] for name in methods}
    for seed in range(n_seeds):
        task = make_task(positive_rate, seed)
        for name, method in methods.items():
            outcomes[name].append(method(task, seed))
    return outcomes


def summary(outcomes: Outcomes) -> Iterator[list[str]]:
    """Means over the seeds, but for the least PR-AUC, the median time and the number of collapse warnings."""
    for name, runs in outcomes.items():
        yield [
            name,
            *(
                number(compute(over_seeds(runs, quantity)), form)
                for quantity, compute, form in (
                    ("pr_auc", np.mean, ".3f"),
                    ("pr_auc", np.min, ".3f"),
                    ("seconds", np.median, ".3f"),
                    ("iterations", np.mean, ".0f"),
                    ("converged", np.mean, ".0%"),
                    ("collapsed", np.sum, ".0f"),
                    ("weight_spread", np.mean, ".3f"),
                    ("prediction_spread", np.mean, ".3f"),
                )
            ),
        ]


def criteria(outcomes: Outcomes, positive_rate: float) -> Iterator[list[str]]:
    """Whether each criterion holds, and the number it is about: the worst seed's where it is about every seed."""
    average = over_seeds(outcomes["plain average"], "pr_auc")
    half_natural = math.sqrt(positive_rate * (1 - positive_rate)) / 2
    checks: list[tuple[str, str, Callable[[Vector], float], Callable[[float], bool]]] = [
        ("collapse warnings: none", "collapsed", np.sum, lambda x: x == 0),
        ("share of seeds that converge: all", "converged", np.mean, lambda x: x == 1),
        (
            "mean PR-AUC, less the plain average's: >= -.002",
            "pr_auc",
            lambda v: v.mean() - average.mean(),
            at_least(-0.002),
        ),
        ("PR-AUC, of the plain average's: >= .9", "pr_auc", lambda v: (v / average).min(), at_least(0.9)),
        (f"spread of predictions: >= {half_natural:.3f}", "prediction_spread", np.min, at_least(half_natural)),
        ("spread of predictions, with class weights: > .1", "prediction_spread", np.min, lambda x: x > 0.1),
        ("spread of weights: > .05 (not asked of ALS)", "weight_spread", np.min, lambda x: x > 0.05),
    ]
    for name, quantity, compute, holds in checks:
        measured = [compute(over_seeds(outcomes[trainer], quantity)) for trainer in TRAINERS]
        yield [name, *(f"{'yes' if holds(x) else 'NO':>3} {x:7.4f}" for x in measured)]


def at_least(bound: float) -> Callable[[float], bool]:
    return lambda x: x >= bound


if __name__ == "__main__":
    main()
