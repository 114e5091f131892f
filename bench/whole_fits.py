"""What a user waits for: a small fit from beginning to end, its optimum, and a single prediction."""

import numpy as np
from contender import assert_close, stopwatch
from native import best_level, levels
from outcomes import fit_quietly
from problem import LAMBDA
from records import Record, Target
from turns import take_turns

from cfensemble import _reference
from cfensemble._typing import Float, Indices, Vector
from cfensemble.data import EnsembleData, LabelAwareConfidence, generate_simple_ensemble_data
from cfensemble.objectives.label_weights import class_weights
from cfensemble.optimization import CFEnsembleTrainer
from cfensemble.optimization.starts import spectral_factors

SHAPE = (10, 20, 500)
N_LABELED = 100
N_ITERATIONS = 100
GRADIENT = 1e-6
"""Where the optimum counts as reached: |gradient of L_recon in X and Y|, relative to that at the start.

The start is the spectral Y of the trainer with the X that is best for it.
"""


class SmallProblem:
    """Classifiers that share most of what they predict, r_ui = (.3 U_ui + .7 U_i) / max: what plain ALS crawls on."""

    def __init__(self, seed: int = 0) -> None:
        m, d, n = SHAPE
        rng = np.random.default_rng(seed)
        truth = rng.random(n)
        R = 0.3 * rng.random((m, n)) + 0.7 * truth
        labels = np.full(n, np.nan)
        columns = rng.choice(n, N_LABELED, replace=False)
        labels[columns] = truth[columns] > 0.5
        self.data = EnsembleData(R / R.max(), labels)
        self.C = LabelAwareConfidence().compute(self.data.R, labels)  # the trainer's default
        self.Y = spectral_factors(self.data.R, d)
        X, _ = _reference.classifier_step(*_reference.classifier_moments(self.Y, self.data.R, self.C), LAMBDA, False)
        self.gradient_at_start = self.gradient_norm(X, self.Y)

    def fit(self, n_iterations: int) -> CFEnsembleTrainer:
        """Make so many iterations of the trainer as it comes."""
        trainer = CFEnsembleTrainer(latent_dim=SHAPE[1], lambda_reg=LAMBDA, max_iter=n_iterations, tol=0)
        fit_quietly(trainer, self.data)
        return trainer

    def fit_twin(self, n_iterations: int, balance: bool = True) -> tuple[float, Vector]:
        """Make the same alternation in NumPy; return its reconstruction loss and the aggregator's weights."""
        R, C, Y = self.data.R, self.C, self.Y
        columns = np.flatnonzero(self.data.labeled_idx)
        labels = self.data.labels[columns]
        labelled: tuple[Indices, Vector, Vector] = columns, labels, class_weights(labels)
        w, b, learning_rate = np.full(len(R), 1 / len(R)), 0.0, 0.1
        reconstruction = np.inf
        gram, rhs = _reference.classifier_moments(Y, R, C)
        for _ in range(n_iterations):
            X, _ = _reference.classifier_step(gram, rhs, LAMBDA, balance)
            Y, _ = _reference.instance_step(X, R, C, LAMBDA)
            gram, rhs = _reference.classifier_moments(Y, R, C)
            penalty = LAMBDA * (np.sum(X**2) + np.sum(Y**2))
            reconstruction = _reference.weighted_residual(X, Y, R, C) + float(penalty)
            _, gradient, _ = _reference.aggregator_loss(X, Y, w, b, *labelled, 0.0, False)
            w, b = w - learning_rate * gradient[:-1], b - learning_rate * gradient[-1]
            _reference.aggregator_loss(X, Y, w, b, *labelled, 0.0, False)  # the loss that the history records
        return reconstruction, w

    def gradient_norm(self, X: Float, Y: Float) -> float:
        """|gradient of L_recon in X and Y|."""
        error = self.C * (self.data.R - X.T @ Y)
        return 2 * float(np.hypot(np.linalg.norm(X @ error - LAMBDA * Y), np.linalg.norm(Y @ error.T - LAMBDA * X)))

    def is_optimum(self, X: Float, Y: Float) -> bool:
        return self.gradient_norm(X, Y) <= GRADIENT * self.gradient_at_start

    def iterations_to_optimum(self, balance: bool, most: int = 100_000) -> int:
        """Return after how many iterations that is reached, counted with the kernels."""
        module, R, C, Y = levels()[best_level()], self.data.R, self.C, self.Y.copy()
        gram, rhs = module.classifier_moments(Y, R, C, 1)
        for iteration in range(1, most + 1):
            X, _ = module.classifier_step(gram, rhs, LAMBDA, balance, 1)
            gram, rhs, *_ = module.sweep(X, R, C, LAMBDA, Y, None, 1)
            if self.is_optimum(X, Y):
                return iteration
        raise AssertionError(f"the relative gradient is above {GRADIENT:g} after {most} iterations, balance={balance}")


def measure_fits(repeats: int) -> list[Record]:
    """Return records of a fit of 100 iterations and of one to the optimum, each against the NumPy twins."""
    problem = SmallProblem()
    trainer, (reconstruction, w) = problem.fit(N_ITERATIONS), problem.fit_twin(N_ITERATIONS)
    assert_close("the fit", (np.array(trainer.history["reconstruction"][-1]),), (np.array(reconstruction),), 1e-8)
    assert_close("the aggregator", (trainer.get_aggregator_weights(),), (w,), 1e-6)
    balanced, plain = (problem.iterations_to_optimum(balance) for balance in (True, False))
    trainer = problem.fit(balanced)
    assert problem.is_optimum(trainer.X, trainer.Y), "the trainer takes more iterations than its kernels"
    sample = 20
    fit, optimum, twin, plain_twin = (
        f"fit, {N_ITERATIONS} iterations",
        f"fit to gradient {GRADIENT:g}, {balanced} iterations",
        f"NumPy twins, {N_ITERATIONS} iterations",
        f"NumPy twins, plain ALS to gradient {GRADIENT:g}: {plain} iterations at the time of {sample}",
    )
    run_sample = stopwatch(lambda: problem.fit_twin(sample, balance=False))
    turns = take_turns(
        {
            twin: stopwatch(lambda: problem.fit_twin(N_ITERATIONS)),
            fit: stopwatch(lambda: problem.fit(N_ITERATIONS)),
            plain_twin: lambda: run_sample() * plain / sample,
            optimum: stopwatch(lambda: problem.fit(balanced)),
        },
        repeats,
    )
    faster = {twin: fit, plain_twin: optimum}
    targets = {twin: Target(60), plain_twin: Target(500)}
    return [
        Record(
            name,
            SHAPE,
            turns.milliseconds(name),
            value=turns.ratio(name, faster[name]) if name in faster else np.nan,
            target=targets.get(name),
            seconds=seconds.tolist(),
        )
        for name, seconds in turns.seconds.items()
    ]


def measure_prediction(n_predictions: int = 2000) -> Record:
    """Return a record of one new instance's prediction, in microseconds."""
    m, d = 15, 20
    R, labels, *_ = generate_simple_ensemble_data(m, 1000, 500, random_state=0)
    trainer = CFEnsembleTrainer(latent_dim=d)
    fit_quietly(trainer, EnsembleData(R, labels))
    instance = R[:, :1].copy()
    predict = stopwatch(lambda: trainer.predict(R_new=instance))
    seconds = [predict() for _ in range(n_predictions)]
    microseconds = 1e6 * float(np.median(seconds))
    target = Target(30, "us", most=True)
    return Record("predict one new instance", (m, d, 1), value=microseconds, unit="us", target=target)
