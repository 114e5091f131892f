"""CF-Ensemble by minimising the combined objective itself, exactly."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cfensemble import _core
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Indices, Mask, Vector
from cfensemble._validation import choice, integer, number
from cfensemble.data.confidence import ConfidenceStrategy
from cfensemble.ensemble.base import BaseAggregator
from cfensemble.ensemble.mean import MeanAggregator
from cfensemble.ensemble.nonnegative import free_parameters, project
from cfensemble.ensemble.prior import PriorName
from cfensemble.ensemble.weighted import WeightedAggregator
from cfensemble.objectives.label_weights import LabelledInstances, WeightSchedule
from cfensemble.optimization.base import BaseTrainer, Solution
from cfensemble.optimization.history import Callback, History
from cfensemble.optimization.joint_objective import JointObjective, JointPoint
from cfensemble.optimization.problem import TrainingProblem
from cfensemble.optimization.quasi_newton import Memory
from cfensemble.optimization.starts import Start, pad_rows, starting_factors

PLATEAU = 1e-3
"""Share of L_CF: where no step lowers it, but the model promises more than this, the fit has not converged."""


class CFEnsembleJointTrainer(BaseTrainer):
    """Factors and aggregator together, by second-order steps on the combined objective L_CF.

    Every instance's factors are eliminated: given X, w and b, the best y_i has a closed form, but for one number per
    labelled instance. What remains is a smooth function of X, w and b, whose gradient comes with the pass over R that
    finds Y. It is minimised by limited-memory BFGS on top of a model of its curvature; no step ever raises L_CF. The
    model's own step, without memory, is that of alternating least squares with the labels as one more classifier.

    Without a prior on the weights L_CF may have no minimum, but fall for ever while the weights grow: a deviation of
    the reconstruction so small that it costs nothing is then all that a label takes to be fitted. `aggregator_l2` is
    the prior, and not 0 by default; at ``1 / n_labeled`` it counts as much as one labelled instance.

    Parameters
    ----------
    n_classifiers, latent_dim, lambda_reg
        As in `CFEnsembleTrainer`.
    rho : float, default=0.5
        Weight, in (0, 1], of the reconstruction in L_CF; the supervised loss has 1 - rho. At 1 the aggregator is not
        updated.
    aggregator_type : {'weighted', 'mean'}, default='weighted'
        A learned weight per classifier, or the plain average of the reconstruction, whose loss then acts on the
        factors alone.
    max_iter : int, default=200
        Most iterations, each of them a pass over R, seldom two.
    tol : float, default=1e-6
        Stop when both the last decrease of L_CF and the decrease to be expected are no more than this, relatively; 0:
        only when no step lowers it any more.
    aggregator_l2 : float, default=0.01
        Adds aggregator_l2 / 2 |w - 1/m|^2 to the supervised loss: weights stay near the plain average's. A
        `prior` comes on top of it.
    use_class_weights, focal_gamma, verbose, random_seed, confidence, init, n_restarts, on_collapse, class_weight, \
instance_weight, cost, weight_schedule, callbacks, n_threads, prior, strength, nonnegative, link, warm_start
        As in `CFEnsembleTrainer`. Under `cost` or `weight_schedule` L_CF itself changes from one iteration to the next.

    Attributes
    ----------
    X, Y, aggregator, history, converged_, n_iter_, predictions_, strength_
        As in `CFEnsembleTrainer`.

    References
    ----------
    Golub and Pereyra, Separable nonlinear least squares: the variable projection method, Inverse Problems 19, 2003.
    """

    _iterations, _remedy = "iterations", "raise max_iter or tol"

    def __init__(
        self,
        n_classifiers: int | None = None,
        latent_dim: int = 20,
        rho: float = 0.5,
        lambda_reg: float = 0.01,
        aggregator_type: Literal["weighted", "mean"] = "weighted",
        max_iter: int = 200,
        tol: float = 1e-6,
        use_class_weights: bool = True,
        focal_gamma: float = 0.0,
        verbose: bool = False,
        random_seed: int | None = None,
        *,
        confidence: str | ConfidenceStrategy = "certainty",
        init: Literal["spectral", "random"] = "spectral",
        n_restarts: int = 1,
        aggregator_l2: float = 0.01,
        on_collapse: Literal["warn", "reset", "ignore"] = "warn",
        class_weight: Mapping[int, float] | None = None,
        instance_weight: ArrayLike | None = None,
        cost: Literal["confidence"] | None = None,
        weight_schedule: WeightSchedule = None,
        callbacks: Sequence[Callback] = (),
        n_threads: int | None = None,
        prior: PriorName | None = None,
        strength: Literal["auto"] | float = "auto",
        nonnegative: bool = False,
        link: Literal["identity", "logit"] = "identity",
        warm_start: bool = False,
    ) -> None:
        super().__init__(
            n_classifiers=n_classifiers,
            latent_dim=latent_dim,
            rho=rho,
            lambda_reg=lambda_reg,
            aggregator_type=aggregator_type,
            use_class_weights=use_class_weights,
            focal_gamma=focal_gamma,
            verbose=verbose,
            random_seed=random_seed,
            confidence=confidence,
            n_restarts=n_restarts,
            aggregator_l2=aggregator_l2,
            on_collapse=on_collapse,
            class_weight=class_weight,
            instance_weight=instance_weight,
            cost=cost,
            weight_schedule=weight_schedule,
            callbacks=callbacks,
            n_threads=n_threads,
            prior=prior,
            strength=strength,
            nonnegative=nonnegative,
            link=link,
            warm_start=warm_start,
        )
        if self.rho == 0:
            raise ValueError("rho must be positive here, got 0: without its reconstruction L_CF does not determine Y")
        self.max_iter = integer(max_iter, "max_iter", 1)
        self.tol = number(tol, "tol", 0)
        self.init = choice(init, "init", ("spectral", "random"))

    def _solve(self, problem: TrainingProblem, rng: np.random.Generator, restart: int, start: Start | None) -> Solution:
        run = _Run(self, problem, None if self.init == "spectral" and restart == 0 else rng, start)
        run.iterate()
        return run.solution()


class _Run:
    """One run: the objective, the point it has come to, and what was learned on the way."""

    def __init__(
        self,
        trainer: CFEnsembleJointTrainer,
        problem: TrainingProblem,
        rng: np.random.Generator | None,
        start: Start | None,
    ) -> None:
        """Begin at the start if there is one, else at random factors, or without a generator at spectral ones."""
        self.trainer, self.problem = trainer, problem
        m, threads = len(problem.R), resolve_threads(trainer.n_threads)
        weighted = trainer.aggregator_type == "weighted" and problem.has_labels
        self.aggregator: BaseAggregator = WeightedAggregator(m) if weighted else MeanAggregator(m, trainer.link)
        rank = min(trainer.latent_dim, m)
        self.padded_Y, Y = starting_factors(problem.R, trainer.latent_dim, rank, rng, problem.sample_weight, start)
        self.objective = JointObjective(
            R=problem.R,
            C=problem.C,
            Y=Y,
            lambda_reg=trainer.lambda_reg,
            rho=problem.rho,
            focal_gamma=trainer.focal_gamma,
            logistic=weighted or trainer.link == "logit",
            learns=weighted and problem.supervised,
            penalty=problem.penalty,
            threads=threads,
            sample_weight=problem.sample_weight,
        )
        self.memory = Memory()
        self.held: Indices = np.empty(0, np.int64)  # weights that stay at 0, as indices into the whole vector
        self.history = History()
        self.converged = self.stopped = False
        self.set_labelled(0, previous=None)
        X: Float
        if start is None:
            gram, rhs = _core.classifier_moments(Y, problem.R, problem.C, threads, problem.sample_weight)
            X, _ = _core.classifier_step(gram, rhs, trainer.lambda_reg, True, threads)
        else:
            X = start.X[:rank]
        theta = problem.initial_theta(start, trainer.nonnegative)
        if isinstance(self.aggregator, WeightedAggregator):
            self.aggregator.set_theta(theta)
        self.point = self.objective.evaluate(X.astype(problem.R.dtype, copy=False), theta)
        if not np.isfinite(self.point.value):
            raise FloatingPointError("the objective is not finite where it starts: lower the weights, or use float64")

    def solution(self) -> Solution:
        X = pad_rows(self.point.X, self.trainer.latent_dim)
        value = self.point.value
        return Solution(X, self.padded_Y, self.aggregator, self.history, self.converged, self.stopped, value)

    def iterate(self) -> None:
        trainer, weighting = self.trainer, self.problem.weighting
        decrease = np.inf  # the last one
        for iteration in range(trainer.max_iter):
            if iteration > 0 and not weighting.is_constant:
                self.reweigh(iteration)
                decrease = np.inf if weighting.is_changing(iteration, trainer.max_iter) else decrease
            point = self.point
            direction = self.direction()
            expected = -float(point.gradient @ direction) / 2
            if trainer.tol > 0 and max(decrease, expected) <= trainer.tol * abs(point.value):
                self.converged = True
                return
            advanced = self.advance(direction)
            decrease = point.value - self.point.value
            self.stopped = trainer._record(
                self.history,
                self.problem.rho,
                self.point.reconstruction,
                self.point.supervised,
                self.aggregator.get_weights(),
                self.point.n_degenerate,
            )
            if self.stopped:
                return
            if not advanced and weighting.is_constant:
                # As far as the precision goes, unless much was expected: the line search then ended on a plateau.
                self.converged = expected <= PLATEAU * abs(point.value)
                return

    def reweigh(self, iteration: int) -> None:
        """Weigh the labels for an iteration; the objective is another one from here on."""
        previous = None
        if self.problem.weighting.needs_predictions and len(self.problem.columns):
            Y = self.objective.Y[:, self.problem.columns]
            threads = self.objective.threads
            previous = self.aggregator.predict_factors(self.point.X, Y, threads).astype(np.float64)
        self.set_labelled(iteration, previous)
        self.point = self.objective.evaluate(self.point.X, self.point.theta)

    def set_labelled(self, iteration: int, previous: Vector | None) -> None:
        labelled: LabelledInstances | None = None
        if len(self.problem.columns):
            labelled = self.problem.labelled(iteration, self.trainer.max_iter, previous)
        self.objective.labelled = labelled

    def direction(self) -> Vector:
        """A direction of descent: that of the memory unless it is of none."""
        point = self.point
        self.hold(point)
        gradient = self.without_held(point.gradient)
        direction = self.memory.direction(gradient, lambda right: self.objective.solve(point, right, self.held))
        if not gradient @ direction < 0:
            self.memory.clear()
            direction = -self.objective.solve(point, gradient, self.held)
        if self.trainer.nonnegative and (crossing := self.crossing(direction)).any():
            self.memory.clear()  # it is about other steps than those that end at a bound
            direction = self.bounded_direction(crossing)
        return direction

    def crossing(self, direction: Vector) -> Mask:
        """Which weights, as a mask (m + 1,), a step of that direction makes negative."""
        reached = self.point.theta + direction[self.point.X.size :]
        reached[-1] = 0  # the bias may be
        return reached < 0

    def bounded_direction(self, crossing: Mask) -> Vector:
        """The model's step under the condition that weights which would become negative end at 0 instead.

        Projecting the free step would not do: the bias, and the factors, are right for the weights they came with.
        """
        point, size = self.point, self.point.X.size
        ending = np.zeros_like(crossing)
        while crossing.any():
            ending |= crossing
            fixed = np.union1d(self.held, size + np.flatnonzero(ending))
            change = np.where(ending, -point.theta, 0.0)
            for shift in (change, np.zeros_like(change)):  # the second descends for certain
                right = point.gradient + self.objective.coupling(point, shift)
                right[fixed] = 0
                direction = -self.objective.solve(point, right, fixed)
                direction[size:] += shift
                if point.gradient @ direction < 0:
                    break
            crossing = self.crossing(direction) & ~ending
        return direction

    def hold(self, point: JointPoint) -> None:
        """Find the weights that are to stay at 0; what was remembered is about the variables that were free then."""
        size = point.X.size
        free = free_parameters(point.theta, point.gradient[size:], self.trainer.nonnegative)
        held = size + np.setdiff1d(np.arange(len(point.theta)), free)
        if not np.array_equal(held, self.held):
            self.held = held
            self.memory.clear()

    def without_held(self, vector: Vector) -> Vector:
        if len(self.held) == 0:
            return vector
        reduced = vector.copy()
        reduced[self.held] = 0
        return reduced

    def advance(self, direction: Vector) -> bool:
        """Go to a better point along the direction, or else along that without memory; whether there was one."""
        if self.search(direction):
            return True
        if len(self.memory):
            self.memory.clear()
            if self.search(self.direction()):
                return True
        self.point = self.objective.evaluate(self.point.X, self.point.theta)  # Y again
        return False

    def search(self, direction: Vector, sufficient: float = 1e-4, most: int = 25) -> bool:
        """Halve the step, or less by interpolation, until Armijo's condition holds."""
        before, size = self.point, self.point.X.size
        slope = float(before.gradient @ direction)
        length = 1.0
        for _ in range(most):
            X = before.X + (length * direction[:size]).reshape(before.X.shape)
            straight = before.theta + length * direction[size:]
            theta = project(straight, self.trainer.nonnegative)
            after = self.objective.evaluate(X.astype(before.X.dtype, copy=False), theta)
            rise = after.value - before.value
            expected = length * slope + float(before.gradient[size:] @ (theta - straight))
            if rise <= sufficient * min(expected, 0.0):
                self.accept(after)
                return True
            parabola = -expected / (2 * (rise - expected)) if np.isfinite(rise) and expected < 0 else 0.1
            length *= min(max(parabola, 0.1), 0.5)
        return False

    def accept(self, point: JointPoint) -> None:
        before, self.point = self.point, point
        step = np.concatenate([(point.X.astype(np.float64) - before.X).ravel(), point.theta - before.theta])
        self.memory.add(step, self.without_held(point.gradient - before.gradient))
        if isinstance(self.aggregator, WeightedAggregator):
            self.aggregator.set_theta(point.theta)
