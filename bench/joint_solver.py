"""The joint solver against gradient descent on the same objective: how long until it is within 1e-4 of the optimum.

    python bench/joint_solver.py --instances 1000 10000

A tenth of the instances is labelled, a tenth of them positive; the prior on the weights counts as much as one labelled
instance. What is timed is a whole fit: of the joint solver so many iterations as it takes from its start to within 1e-4
of where it ends; of torch's Adam the 500 epochs of `CFEnsemblePyTorchTrainer`; of torch's L-BFGS, from the joint
solver's start, until it is within 1e-4 of where it ends itself. All in float64 on the CPU. Before that it is checked
that the joint solver ends at least as low, to within 1e-4, as the others.
"""

import argparse
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter

import numpy as np
import torch
from contender import stopwatch
from outcomes import fit_quietly
from printing import number, print_table
from turns import take_turns

from cfensemble import _core
from cfensemble._typing import Float
from cfensemble.data import EnsembleData, generate_imbalanced_ensemble_data
from cfensemble.objectives.label_weights import class_weights
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsembleNet, CFEnsemblePyTorchTrainer, CFEnsembleTrainer
from cfensemble.optimization.starts import spectral_factors

M, D = 15, 10
N_THREADS = 2
WITHIN = 1e-4
EPOCHS = 500
LEAST_SPEEDUP = {"Adam": 100, "L-BFGS": 10}
MOST_RATIO = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=3, help="turns of each contender (default: 3)")
    parser.add_argument("--threads", type=int, default=N_THREADS, help="of all (default: 2)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    races = [Race(n, arguments.threads) for n in arguments.instances]
    print_table(
        f"To within {WITHIN:g} of the optimum of the joint objective, m = {M}, d = {D}, {arguments.threads} threads",
        ["", "L_CF at the end", "iterations", "ms", "times the joint solver's", "wanted"],
        [row for race in races for row in race.rows(arguments.repeats)],
    )
    print_table(
        f"One iteration in its kernels, d = {D}, one thread: milliseconds",
        ["instances", "joint", "ALS", "ratio", "wanted"],
        [iteration_row(race) for race in races],
    )


class Race:
    """The contenders on one data set."""

    def __init__(self, n: int, n_threads: int) -> None:
        R, labels, *_ = generate_imbalanced_ensemble_data(M, n_instances=n, n_labeled=n // 10, random_state=0)
        self.n, self.n_threads, self.data = n, n_threads, EnsembleData(R, labels)
        self.l2 = 1 / self.data.n_labeled

    def joint(self, **options: float) -> CFEnsembleJointTrainer:
        trainer = CFEnsembleJointTrainer(latent_dim=D, aggregator_l2=self.l2, n_threads=self.n_threads, **options)
        fit_quietly(trainer, self.data)
        return trainer

    def adam(self) -> CFEnsemblePyTorchTrainer:
        trainer = CFEnsemblePyTorchTrainer(
            latent_dim=D, aggregator_l2=self.l2, max_epochs=EPOCHS, patience=EPOCHS, device="cpu", random_seed=0
        )
        fit_quietly(trainer, self.data)
        return trainer

    def rows(self, repeats: int) -> Iterator[list[str]]:
        losses = np.array(self.joint(max_iter=2000, tol=1e-12).history["loss"])
        optimum, n_iterations = losses[-1], 1 + int(np.argmax(losses <= losses[-1] * (1 + WITHIN)))
        lbfgs = LBFGS(self.data, self.l2)
        _, values = lbfgs.run(self.data.n_instances)
        lowest = min(values)
        n_evaluations = 1 + int(np.argmax(np.array(values) <= lowest * (1 + WITHIN)))
        ends = {"Adam": min(self.adam().history["loss"]), "L-BFGS": lowest}
        for name, value in ends.items():
            if not optimum <= value * (1 + WITHIN):
                raise AssertionError(
                    f"n = {self.n}: {name} ends lower, at {value:.8g}, than the joint solver at {optimum:.8g}"
                )
        turns = take_turns(
            {
                "joint": stopwatch(lambda: self.joint(max_iter=n_iterations, tol=0)),
                "Adam": stopwatch(self.adam),
                "L-BFGS": lambda: lbfgs.run(self.n, stop_at=lowest * (1 + WITHIN))[0],
            },
            repeats,
        )
        iterations = {"joint": n_iterations, "Adam": EPOCHS, "L-BFGS": n_evaluations}
        for name, value in ({"joint": optimum} | ends).items():
            faster = turns.ratio(name, "joint")
            wanted = LEAST_SPEEDUP.get(name, np.nan)
            yield [
                f"{name}, n = {self.n:,}",
                number(value, ".6g"),
                str(iterations[name]),
                number(turns.milliseconds(name), ".4g"),
                number(faster, ".3g"),
                "-" if np.isnan(wanted) else f"{'yes' if faster >= wanted else 'NO'}, >= {wanted}",
            ]


class ArrivedError(Exception):
    """Ends L-BFGS from within."""


class LBFGS:
    """torch's L-BFGS on the same objective, from the joint solver's start."""

    def __init__(self, data: EnsembleData, aggregator_l2: float) -> None:
        self.data, self.l2 = data, aggregator_l2
        self.C = np.asarray(CFEnsembleJointTrainer().confidence.compute(data.R, data.labels))
        Y = spectral_factors(data.R, D)
        X, _ = _core.classifier_step(*_core.classifier_moments(Y, data.R, self.C, 1), 0.01, True, 1)
        self.start: tuple[Float, Float] = X, Y

    def run(self, n: int, stop_at: float = -np.inf) -> tuple[float, list[float]]:
        """Return the seconds that it took and the value of every evaluation."""
        data = self.data
        net = CFEnsembleNet(M, n, D, dtype=torch.float64)
        with torch.no_grad():
            net.X.copy_(torch.from_numpy(self.start[0]))
            net.Y.copy_(torch.from_numpy(self.start[1]))
        labels = np.nan_to_num(data.labels)
        R, C, t, mask = (torch.from_numpy(np.array(a)) for a in (data.R, self.C, labels, data.labeled_idx))
        most = 3000 if n <= 10_000 else 600
        optimizer = torch.optim.LBFGS(
            net.parameters(), max_iter=most, line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0
        )
        values: list[float] = []

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss, _ = net.compute_loss(R, C, t, mask, 0.5, 0.01, True, 0.0, aggregator_l2=self.l2)
            loss.backward()
            values.append(loss.item())
            if values[-1] <= stop_at:
                raise ArrivedError
            return loss

        begin = perf_counter()
        with suppress(ArrivedError):
            optimizer.step(closure)
        return perf_counter() - begin, values


def iteration_row(race: Race) -> list[str]:
    """One pass and what comes between two of them, of the joint solver and of ALS, with equal data and labels."""
    data = race.data
    fitted = CFEnsembleTrainer(latent_dim=D, max_iter=2, tol=0)
    fit_quietly(fitted, data)
    C = CFEnsembleJointTrainer().confidence.weigh(data.R, data.labels)
    columns = np.flatnonzero(data.labeled_idx)
    labels = data.labels[columns]
    supervision = fitted.get_aggregator_weights(), 0.0, columns, labels, class_weights(labels), 0.0
    Y, prior = fitted.Y.copy(), np.full(M, race.l2)

    def joint() -> None:
        _, _, on_X, on_theta, gram, curvature, _ = _core.joint_sweep(
            fitted.X, data.R, C, 0.01, 0.5, Y, supervision, True, 1
        )
        _core.apply_inverse_curvature(
            gram, curvature, fitted.X, supervision[0], prior, 0.01, 0.5, True, on_X, on_theta, 1
        )

    def als() -> None:
        gram, rhs, *_ = _core.sweep(fitted.X, data.R, C, 0.01, Y, supervision, 1)
        _core.classifier_step(gram, rhs, 0.01, True, 1)

    turns = take_turns({"joint": stopwatch(joint), "ALS": stopwatch(als)}, 7)
    ratio = turns.ratio("joint", "ALS")
    verdict = f"{'yes' if ratio <= MOST_RATIO else 'NO'}, <= {MOST_RATIO}"
    milliseconds = [number(turns.milliseconds(name), ".3g") for name in ("joint", "ALS")]
    return [f"{race.n:,}", *milliseconds, number(ratio), verdict]


if __name__ == "__main__":
    main()
