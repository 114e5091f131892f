"""CF-Ensemble by alternating least squares."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cfensemble import _core
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Vector
from cfensemble._validation import boolean, choice, integer, number
from cfensemble.data.confidence import ConfidenceStrategy, LabelAwareConfidence, modulate_by_labels
from cfensemble.data.confidence_rule import Confidence
from cfensemble.data.ensemble_data import EnsembleData
from cfensemble.ensemble.base import BaseAggregator
from cfensemble.ensemble.mean import MeanAggregator
from cfensemble.ensemble.optimizers import OPTIMIZER_NAMES, Optimizer, make_optimizer
from cfensemble.ensemble.prior import PriorName
from cfensemble.ensemble.weighted import WeightedAggregator
from cfensemble.objectives.label_weights import LabelledInstances, WeightSchedule
from cfensemble.objectives.losses import squared_norm
from cfensemble.optimization.base import BaseTrainer, Solution
from cfensemble.optimization.history import Callback, History
from cfensemble.optimization.problem import TrainingProblem
from cfensemble.optimization.starts import Start, pad_rows, starting_factors


class CFEnsembleTrainer(BaseTrainer):
    """Factors by weighted alternating least squares, aggregator by steps on the supervised loss.

    Every iteration solves for X given Y, then for Y given X, both in closed form, then takes one aggregator step.
    The factors see the labels through label-aware confidence only; `CFEnsemblePyTorchTrainer` minimises the combined
    objective itself.

    By default the aggregator takes small steps of gradient descent, which rank well but leave the probabilities near
    one half and rarely settle within `max_iter`. For probabilities that can be taken at face value use
    ``schedule='two_stage', aggregator_optimizer='newton', aggregator_l2=1 / n_labeled, use_class_weights=False``.

    Parameters
    ----------
    n_classifiers : int, optional
        Number m of classifiers; inferred from the data when None, checked against it when given.
    latent_dim : int, default=20
        Dimension d of the factors. d > m is fine.
    rho : float, default=0.5
        Share, in [0, 1], of the reconstruction in the recorded objective and the stopping rule. At 1 the aggregator is
        not updated.
    lambda_reg : float, default=0.01
        Penalty >= 0 on the factors.
    aggregator_type : {'weighted', 'mean'}, default='weighted'
        A learned weight per classifier, or the plain average of the reconstruction.
    aggregator_lr : float, default=0.1
        Step length of 'gd', 'momentum' and 'adam', shortened where the prior would make them diverge.
    max_iter : int, default=50
        Most iterations; of each of the two stages in `schedule='two_stage'`.
    tol : float, default=1e-4
        Stop when what is being minimised changes by no more than this, relatively; 0: never.
    use_label_aware_confidence : bool, default=True
        Give predictions that agree with a label more weight; see `LabelAwareConfidence`.
    label_aware_alpha : float, default=1.0
        How much more, >= 0.
    freeze_aggregator_iters : int, default=0
        No aggregator update before this iteration.
    use_class_weights : bool, default=True
        Give both classes the same total weight in the supervised loss. This guards against collapse (see
        `CollapseWarning`); it also shifts probabilities towards the rare class.
    focal_gamma : float, default=0.0
        Focusing exponent >= 0 of the supervised loss (Lin et al. 2017); 0 is cross-entropy.
    verbose : bool, default=False
        Log every iteration to the logger ``cfensemble`` at level INFO; ``logging.basicConfig(level="INFO")`` shows it.
    random_seed : int, optional
        Seed of random starts.
    confidence : str or ConfidenceStrategy, default='certainty'
        How much each prediction counts, unless the data brings its own weights.
    balance : bool, default=True
        Rescale the factors after each X-step so that |X|^2 + |Y|^2 is least. The reconstruction does not change, and
        the number of iterations falls from thousands to tens.
    init : {'spectral', 'random'}, default='spectral'
        Start from the leading singular vectors of R, which needs no seed and saves iterations, or from random factors.
    n_restarts : int, default=1
        Runs, all but the first from random factors; the one with the least objective is kept.
    aggregator_every : int, default=1
        Update the aggregator every so many iterations only.
    aggregator_optimizer : {'gd', 'momentum', 'adam', 'newton'}, default='gd'
        What an aggregator update is; 'newton' needs no step length and converges in a few iterations.
    aggregator_l2 : float, default=0.0
        Adds aggregator_l2 / 2 |w - 1/m|^2 to the supervised loss: weights stay near the plain average's.
    on_collapse : {'warn', 'reset', 'ignore'}, default='warn'
        Whether a collapsed aggregator is warned about, or also replaced by the plain average's weights.
    schedule : {'alternating', 'two_stage'}, default='alternating'
        'two_stage' first fits the factors to convergence, then the aggregator alone.
    class_weight : mapping {0: a, 1: b}, optional
        Costs > 0 of errors on each class, instead of `use_class_weights`.
    instance_weight : array-like of shape (n,), optional
        Cost >= 0 of an error on each instance, a further factor; unlike the data's `sample_weight` it concerns the
        supervised loss alone.
    cost : {None, 'confidence'}
        'confidence' multiplies an instance's cost by 1 - |2 p - 1|, p being the previous iteration's prediction.
    weight_schedule : callable, 'ramp' or None
        Share in [0, 1] of all these weights in an iteration (counted from 0), the rest being uniform; 'ramp' rises to
        1 over the first half of `max_iter`.
    callbacks : sequence of callables
        Each is called with an `IterationRecord` after every iteration and may return True to stop.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    prior : {None, 'reliability', 'average', 'zero'}, default=None
        Weights that are believed in before a label is seen: in proportion to how reliable the classifiers' agreement
        makes them (`reliability_weights`), equal, or 0. The aggregator starts from them, and the penalty of
        `WeightPrior`, divided by the number of labels, is added to the supervised loss. It is meant for
        `link='logit'`: weights that add up to 1 leave sums of probabilities, unlike those of log-odds, near one half.
    strength : 'auto' or float >= 0, default='auto'
        How firmly the prior holds the direction of the weights; 'auto' chooses by `select_strength`, from the
        predictions of the labelled instances alone. Without a prior it has no meaning.
    nonnegative : bool, default=False
        Keep the weights >= 0.
    link : {'identity', 'logit'}, default='identity'
        'logit' factorises and combines the log-odds of the predictions, clipped to [.001, .999]. Confidence is still
        that of the probabilities, and reconstructions are probabilities. It takes two more matrices of R's size, the
        log-odds and the weights; `X`, `Y` and the recorded reconstruction error are about log-odds.
    warm_start : bool, default=False
        Begin a further `fit` where the previous one ended, if it was of as many classifiers and instances: few
        iterations are then left when some labels have been added.

    Attributes
    ----------
    X, Y : ndarray of shape (d, m) and (d, n)
        Factors.
    aggregator : BaseAggregator
    history : History
        A column per quantity, an entry per iteration.
    converged_ : bool
    n_iter_ : int
    predictions_ : ndarray of shape (n,)
        Fitted probabilities.
    strength_ : float or None
        The prior's strength; None without a prior or labels.

    References
    ----------
    Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008: confidence-weighted ALS.
    """

    _iterations, _remedy = "iterations", "raise max_iter or tol"

    def __init__(
        self,
        n_classifiers: int | None = None,
        latent_dim: int = 20,
        rho: float = 0.5,
        lambda_reg: float = 0.01,
        aggregator_type: Literal["weighted", "mean"] = "weighted",
        aggregator_lr: float = 0.1,
        max_iter: int = 50,
        tol: float = 1e-4,
        use_label_aware_confidence: bool = True,
        label_aware_alpha: float = 1.0,
        freeze_aggregator_iters: int = 0,
        use_class_weights: bool = True,
        focal_gamma: float = 0.0,
        verbose: bool = False,
        random_seed: int | None = None,
        *,
        confidence: str | ConfidenceStrategy = "certainty",
        balance: bool = True,
        init: Literal["spectral", "random"] = "spectral",
        n_restarts: int = 1,
        aggregator_every: int = 1,
        aggregator_optimizer: Literal["gd", "momentum", "adam", "newton"] = "gd",
        aggregator_l2: float = 0.0,
        on_collapse: Literal["warn", "reset", "ignore"] = "warn",
        schedule: Literal["alternating", "two_stage"] = "alternating",
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
        self.aggregator_lr = number(aggregator_lr, "aggregator_lr", 0)
        self.max_iter = integer(max_iter, "max_iter", 1)
        self.tol = number(tol, "tol", 0)
        self.use_label_aware_confidence = boolean(use_label_aware_confidence, "use_label_aware_confidence")
        self.label_aware_alpha = number(label_aware_alpha, "label_aware_alpha", 0)
        if confidence == "label_aware":
            self.confidence = LabelAwareConfidence(self.label_aware_alpha)
        self.freeze_aggregator_iters = integer(freeze_aggregator_iters, "freeze_aggregator_iters", 0)
        self.balance = boolean(balance, "balance")
        self.init = choice(init, "init", ("spectral", "random"))
        self.aggregator_every = integer(aggregator_every, "aggregator_every", 1)
        self.aggregator_optimizer = choice(aggregator_optimizer, "aggregator_optimizer", OPTIMIZER_NAMES)
        self.schedule = choice(schedule, "schedule", ("alternating", "two_stage"))

    def _training_confidence(self, data: EnsembleData) -> Confidence:
        C = super()._training_confidence(data)
        modulated = isinstance(self.confidence, LabelAwareConfidence) and not data.has_confidence
        if self.use_label_aware_confidence and not modulated:
            C = modulate_by_labels(C, data.R, data.labels, self.label_aware_alpha)
        return C

    def _solve(self, problem: TrainingProblem, rng: np.random.Generator, restart: int, start: Start | None) -> Solution:
        run = _Run(self, problem, None if self.init == "spectral" and restart == 0 else rng, start)
        if self.schedule == "two_stage":
            run.iterate(factors=True, aggregator=False)
            settled = run.converged
            if run.learner is not None and not run.stopped:
                run.iterate(factors=False, aggregator=True)
                run.converged = run.converged and settled
        else:
            run.iterate(factors=True, aggregator=run.learner is not None)
        return run.solution()


class _Run:
    """One run of the alternation: the iterate, and the steps that change it."""

    def __init__(
        self,
        trainer: CFEnsembleTrainer,
        problem: TrainingProblem,
        rng: np.random.Generator | None,
        start: Start | None,
    ) -> None:
        """Begin at the start if there is one, else at random factors, or without a generator at spectral ones."""
        self.trainer, self.problem = trainer, problem
        self.threads = resolve_threads(trainer.n_threads)
        m, d = len(problem.R), trainer.latent_dim
        learnable = trainer.aggregator_type == "weighted" and problem.has_labels
        weighted = WeightedAggregator(m) if learnable else None
        if weighted is not None:
            weighted.set_theta(problem.initial_theta(start, trainer.nonnegative))
        self.aggregator: BaseAggregator = weighted or MeanAggregator(m, trainer.link)
        self.learner = weighted if problem.supervised else None
        self.penalty = problem.penalty
        steepest = self.penalty.steepest()
        lr = trainer.aggregator_lr if steepest == 0 else min(trainer.aggregator_lr, 1 / steepest)
        self.optimizer: Optimizer = make_optimizer(trainer.aggregator_optimizer, lr, trainer.nonnegative)
        self.history = History()
        self.converged = self.stopped = False
        # X'Y has no rank beyond m, and balanced factors no rows beyond it: those are left out, and 0 in the end.
        rank = min(d, m) if trainer.balance else d
        self.padded_Y, self.Y = starting_factors(problem.R, d, rank, rng, problem.sample_weight, start)
        self.X: Float = np.zeros((rank, m), problem.R.dtype)
        self.gram, self.rhs = _core.classifier_moments(
            self.Y, problem.R, problem.C, self.threads, problem.sample_weight
        )
        self.reconstruction = np.inf
        self.n_degenerate = 0
        self.swept: tuple[float, Vector] | None = None  # loss and gradient at the aggregator's present parameters

    def solution(self) -> Solution:
        X = pad_rows(self.X, self.trainer.latent_dim)
        last = self.history.records[-1]
        return Solution(X, self.padded_Y, self.aggregator, self.history, self.converged, self.stopped, last.loss)

    def iterate(self, factors: bool, aggregator: bool) -> None:
        """Up to max_iter iterations of the steps asked for."""
        trainer = self.trainer
        frozen = trainer.freeze_aggregator_iters if factors else 0
        previous = np.nan  # nothing compares with it
        self.converged, self.n_degenerate, self.swept = False, 0, None
        for iteration in range(trainer.max_iter):
            labelled = self.labelled(iteration) if len(self.problem.columns) else None
            if factors:
                self.step_factors(labelled)
            updates = aggregator and iteration >= frozen and (iteration - frozen) % trainer.aggregator_every == 0
            if updates and labelled is not None:
                self.step_aggregator(labelled)
            supervised = 0.0 if labelled is None else self.supervised_loss(labelled)
            if not np.isfinite(supervised + self.reconstruction):
                raise FloatingPointError(
                    f"the objective is no longer finite in iteration {iteration}: lower aggregator_lr="
                    f"{trainer.aggregator_lr:g}, or use float64"
                )
            self.stopped = trainer._record(
                self.history,
                self.problem.rho,
                self.reconstruction,
                supervised,
                self.aggregator.get_weights(),
                self.n_degenerate,
            )
            if self.stopped:
                return
            changing = aggregator and self.problem.weighting.is_changing(iteration, trainer.max_iter)
            if (updates or not aggregator) and not changing:  # else the aggregator has not had its say
                current = self.minimised(factors, aggregator)
                if trainer.tol > 0 and abs(previous - current) <= trainer.tol * abs(previous):
                    self.converged = True
                    return
                previous = current

    def minimised(self, factors: bool, aggregator: bool) -> float:
        """What the steps just taken minimise: L_CF, or the one of its terms that they can change."""
        last = self.history.records[-1]
        if factors and aggregator:
            return last.loss
        return last.reconstruction if factors else last.supervised

    def step_factors(self, labelled: LabelledInstances | None) -> None:
        """X given Y, rescaled; then Y given X, and in the same pass what the next steps and the losses need."""
        R, C, lambda_reg = self.problem.R, self.problem.C, self.trainer.lambda_reg
        X, degenerate_x = _core.classifier_step(self.gram, self.rhs, lambda_reg, self.trainer.balance, self.threads)
        self.X = X.astype(R.dtype, copy=False)
        learner, supervision = self.learner, None
        if learner is not None and labelled is not None:
            instances = labelled.columns, labelled.labels, labelled.weights
            supervision = learner.w, learner.b, *instances, self.trainer.focal_gamma
        self.gram, self.rhs, residual, degenerate_y, loss, gradient = _core.sweep(
            self.X, R, C, lambda_reg, self.Y, supervision, self.threads, self.problem.sample_weight
        )
        self.swept = None if gradient is None else (loss, gradient)
        squared_norm_Y = self.gram[-1, np.cumsum(np.arange(1, len(self.Y) + 1)) - 1].sum()  # the trace of Y S Y'
        self.reconstruction = residual + lambda_reg * (squared_norm(self.X) + float(squared_norm_Y))
        self.n_degenerate = degenerate_x + degenerate_y

    def labelled(self, iteration: int) -> LabelledInstances:
        """The labelled instances, weighted by what the previous iteration ended in."""
        previous = None
        if self.problem.weighting.needs_predictions and self.history.records:
            columns = self.Y[:, self.problem.columns]
            previous = self.aggregator.predict_factors(self.X, columns, self.threads).astype(np.float64)
        return self.problem.labelled(iteration, self.trainer.max_iter, previous)

    def step_aggregator(self, labelled: LabelledInstances) -> None:
        learner = self.learner
        if learner is None:
            return

        def objective(theta: Vector, with_hessian: bool) -> tuple[float, Vector, Vector | None]:
            value, gradient, hessian = self.derivatives(learner, theta, labelled, with_hessian)
            if hessian is not None:
                hessian += self.penalty.hessian(len(theta) - 1)
            return value + self.penalty.value(theta), gradient + self.penalty.gradient(theta), hessian

        learner.set_theta(self.optimizer.step(learner.theta, objective))
        self.swept = None

    def derivatives(
        self, learner: WeightedAggregator, theta: Vector, labelled: LabelledInstances, with_hessian: bool
    ) -> tuple[float, Vector, Vector | None]:
        """The aggregator's loss, gradient and Hessian at theta; at the present one as the sweep left them."""
        if self.swept is not None and not with_hessian and theta[-1] == learner.b and (theta[:-1] == learner.w).all():
            return *self.swept, None
        gamma = self.trainer.focal_gamma
        return learner.derivatives(theta, self.X, self.Y, labelled, gamma, with_hessian, self.threads)

    def supervised_loss(self, labelled: LabelledInstances) -> float:
        if self.swept is not None and self.learner is not None:
            return self.swept[0] + self.penalty.value(self.learner.theta)
        value = self.aggregator.loss(self.X, self.Y, labelled, self.trainer.focal_gamma, self.threads)
        return value if self.learner is None else value + self.penalty.value(self.learner.theta)
