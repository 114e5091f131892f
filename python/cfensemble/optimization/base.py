"""What all trainers share: options, checks, restarts, prediction, and what is reported."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from cfensemble import _core
from cfensemble._blocks import LARGE, column_blocks
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Indices, Vector
from cfensemble._validation import boolean, choice, confidence_matrix, generator, integer, number, probability_matrix
from cfensemble._warnings import warn_user
from cfensemble.data.base_rate import observed_base_rate
from cfensemble.data.confidence import (
    STRATEGIES,
    Blend,
    ConfidenceStrategy,
    SameForAll,
    UniformConfidence,
    get_confidence_strategy,
)
from cfensemble.data.confidence_rule import Confidence, ConfidenceRule
from cfensemble.data.data_reference import DataReference
from cfensemble.data.ensemble_data import EnsembleData
from cfensemble.data.log_odds import log_odds, log_odds_matrix
from cfensemble.ensemble.attention import AttentionAggregator
from cfensemble.ensemble.base import BaseAggregator
from cfensemble.ensemble.collapse import REMEDY, describe_collapse
from cfensemble.ensemble.mean import MeanAggregator
from cfensemble.ensemble.penalty import WeightPenalty
from cfensemble.ensemble.prior import PRIOR_NAMES, PriorName, WeightPrior, prior_center
from cfensemble.ensemble.strength import select_strength
from cfensemble.ensemble.weighted import WeightedAggregator
from cfensemble.exceptions import CollapseWarning, DataWarning
from cfensemble.objectives.label_weights import LabelWeighting, WeightSchedule
from cfensemble.objectives.losses import weigh_terms
from cfensemble.optimization.history import Callback, History, IterationRecord
from cfensemble.optimization.problem import TrainingProblem
from cfensemble.optimization.starts import Start
from cfensemble.persistence.fields import Array, Boolean, Field, OrNone, Real
from cfensemble.persistence.model_file import SavedModel
from cfensemble.persistence.saved import Part, split_parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

logger = logging.getLogger(__name__)


@dataclass
class Solution:
    """Where one run of a solver ended."""

    X: Float
    Y: Float
    aggregator: BaseAggregator
    history: History
    converged: bool
    stopped: bool  # by a callback
    objective: float  # of the runs of a fit, the one with the least is kept


class BaseTrainer(SavedModel, ABC):
    """The protocol of the trainers; subclasses implement `_solve` and name their `_aggregator_types`."""

    _aggregator_types: tuple[str, ...] = ("weighted", "mean")
    _iterations: str  # what they are called
    _remedy: str  # what to do when there were too few
    _collapse_remedy = REMEDY

    def __init__(
        self,
        *,
        n_classifiers: int | None,
        latent_dim: int,
        rho: float,
        lambda_reg: float,
        aggregator_type: str,
        use_class_weights: bool,
        focal_gamma: float,
        verbose: bool,
        random_seed: int | None,
        confidence: str | ConfidenceStrategy,
        n_restarts: int,
        aggregator_l2: float,
        on_collapse: Literal["warn", "reset", "ignore"],
        class_weight: Mapping[int, float] | None,
        instance_weight: ArrayLike | None,
        cost: Literal["confidence"] | None,
        weight_schedule: WeightSchedule,
        callbacks: Sequence[Callback],
        n_threads: int | None,
        prior: PriorName | None,
        strength: Literal["auto"] | float,
        nonnegative: bool,
        link: Literal["identity", "logit"],
        warm_start: bool,
    ) -> None:
        self.n_classifiers = None if n_classifiers is None else integer(n_classifiers, "n_classifiers", 1)
        self.latent_dim = integer(latent_dim, "latent_dim", 1)
        self.rho = number(rho, "rho", 0, 1)
        self.lambda_reg = number(lambda_reg, "lambda_reg", 0)
        self.aggregator_type = choice(aggregator_type, "aggregator_type", self._aggregator_types)
        self.focal_gamma = number(focal_gamma, "focal_gamma", 0)
        self.verbose = boolean(verbose, "verbose")
        self.random_seed = None if random_seed is None else integer(random_seed, "random_seed", 0)
        self.confidence = get_confidence_strategy(confidence) if isinstance(confidence, str) else confidence
        if not isinstance(self.confidence, ConfidenceStrategy):
            raise TypeError(f"confidence must be a name or a ConfidenceStrategy, got {confidence!r}")
        self.n_restarts = integer(n_restarts, "n_restarts", 1)
        self.aggregator_l2 = number(aggregator_l2, "aggregator_l2", 0)
        self.on_collapse = choice(on_collapse, "on_collapse", ("warn", "reset", "ignore"))
        self.use_class_weights = boolean(use_class_weights, "use_class_weights")
        self.class_weight = class_weight
        self.instance_weight = None if instance_weight is None else np.asarray(instance_weight, np.float64)
        self.cost = cost
        self.weight_schedule = weight_schedule
        self._weighting = LabelWeighting(use_class_weights, class_weight, self.instance_weight, cost, weight_schedule)
        if not (isinstance(callbacks, Sequence) and all(map(callable, callbacks))):
            raise TypeError(f"callbacks must be a sequence of callables, got {callbacks!r}")
        self.callbacks = tuple(callbacks)
        self.n_threads = n_threads
        resolve_threads(n_threads)  # complains about nonsense now rather than in fit
        self.prior: PriorName | None = _prior_name(prior, self.aggregator_type)
        self.strength = strength if strength == "auto" else _strength(strength)
        self.nonnegative = boolean(nonnegative, "nonnegative")
        self.link: Literal["identity", "logit"] = choice(link, "link", ("identity", "logit"))  # type: ignore[assignment]
        self.warm_start = boolean(warm_start, "warm_start")

    # ------------------------------------------------------------------------------------------------ fitting

    def fit(self, data: EnsembleData) -> Self:
        """Fit factors and aggregator to all instances of the data, labelled or not.

        Parameters
        ----------
        data : EnsembleData
            Predictions, labels and how often each instance counts. Confidence weights given with it are used instead of
            the trainer's strategy.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data has another number of classifiers than the trainer was made for.

        Warns
        -----
        CollapseWarning
            If the learned weights or predictions have degenerated.
        ConvergenceWarning
            If the iterations ended before the objective settled, unless a callback ended them.
        DataWarning
            If there are no labels (then predictions are the plain average of the reconstruction), or class weights are
            asked for and only one class is labelled.
        """
        problem = self._pose(data)
        seeds = generator(self.random_seed, "random_seed").spawn(self.n_restarts)
        runs: list[Solution] = []
        start = self._previous(problem)
        for restart, rng in enumerate(seeds):
            runs.append(self._solve(problem, rng, restart, start if restart == 0 else None))
            if runs[-1].stopped:
                break
        self._adopt(data, problem, min(runs, key=lambda run: run.objective))
        return self

    @abstractmethod
    def _solve(self, problem: TrainingProblem, rng: np.random.Generator, restart: int, start: Start | None) -> Solution:
        """Run the solver for the restart-th time, counted from 0, with rng as its only source of randomness.

        It begins at the start, if there is one.
        """

    def _previous(self, problem: TrainingProblem) -> Start | None:
        """Where the previous fit ended, if this one is to begin there and can."""
        if not (self.warm_start and hasattr(self, "X")):
            return None
        m, n = problem.R.shape
        if (self.X.shape, self.Y.shape) != ((self.latent_dim, m), (self.latent_dim, n)):
            return None
        return Start(self.X, self.Y, self.aggregator)

    def _pose(self, data: EnsembleData) -> TrainingProblem:
        if not isinstance(data, EnsembleData):
            raise TypeError(f"data must be an EnsembleData(R, labels), got {type(data).__name__}")
        if self.n_classifiers not in (None, data.n_classifiers):
            raise ValueError(
                f"data has {data.n_classifiers} classifiers, but the trainer was made for n_classifiers="
                f"{self.n_classifiers}"
            )
        if self.instance_weight is not None and len(self.instance_weight) != data.n_instances:
            raise ValueError(
                f"instance_weight has {len(self.instance_weight)} entries, but data has {data.n_instances} instances"
            )
        columns = np.flatnonzero(data.labeled_idx)
        y = data.labels[columns]
        if y.size == 0:
            _warn(
                DataWarning,
                "labels: there is none to learn weights from, so this is a pure reconstruction (rho acts as 1), and "
                "predictions are its plain average",
            )
        elif self.use_class_weights and self.class_weight is None and np.ptp(y) == 0:
            _warn(DataWarning, f"labels: all {y.size} are {y[0]:g}, so class weights are off")
        s = data.sample_weight if data.has_sample_weight else None
        strategy = UniformConfidence() if data.has_confidence else self.confidence
        C = self._training_confidence(data)
        return TrainingProblem(
            R=data.R if self.link == "identity" else log_odds_matrix(data.R),
            C=C if self.link == "identity" else _weights_of_probabilities(C, data.R),
            columns=columns,
            y=y,
            rho=self.rho if y.size else 1.0,
            weighting=self._weighting,
            penalty=WeightPenalty(
                self.aggregator_l2,
                self._weight_prior(data.R, columns, y, s),
                float(data.sample_weight[columns].sum()) if y.size else 1,
            ),
            confidence_rule=strategy.fold_in_rule(data.R, data.labels, *_given(s)),
            base_rate=observed_base_rate(data, data.labels),
            sample_weight=s,
        )

    def _training_confidence(self, data: EnsembleData) -> Confidence:
        if data.has_confidence:
            return data.C
        s = data.sample_weight if data.has_sample_weight else None
        return _checked(self.confidence.weigh(data.R, data.labels, *_given(s)), data.R)

    def _weight_prior(self, R: Float, columns: Indices, y: Vector, s: Vector | None) -> WeightPrior | None:
        """What is believed of the weights, as firmly as `strength` says or the labelled instances suggest."""
        if self.prior is None or y.size == 0:
            return None
        center = prior_center(self.prior, R, s)
        if self.strength != "auto":
            return WeightPrior(center, self.strength)
        features = R[:, columns].astype(np.float64)
        if self.link == "logit":
            features = log_odds(features)
        observed = ~np.isnan(features)
        seen = observed.any(axis=0)  # an instance that nothing is predicted of tells nothing
        features, observed = features[:, seen], observed[:, seen]
        mean = np.where(observed, features, 0).sum(axis=0) / observed.sum(axis=0)
        threads = resolve_threads(self.n_threads)
        completed = np.where(observed, features, mean)
        counts = None if s is None else s[columns][seen]
        return WeightPrior(center, select_strength(completed, y[seen], center, self.nonnegative, threads, counts))

    def _adopt(self, data: EnsembleData, problem: TrainingProblem, solution: Solution) -> None:
        aggregator, history = solution.aggregator, solution.history
        weightless = ~_core.has_weight(problem.R, problem.C, resolve_threads(self.n_threads))

        def predictions() -> Float:
            p = aggregator.predict_factors(solution.X, solution.Y, self.n_threads)
            p[weightless] = problem.base_rate
            return p

        p = predictions()
        if problem.supervised and self.aggregator_type == "weighted" and self.on_collapse != "ignore":
            counts = np.where(weightless, 0, data.sample_weight)
            counts = counts if counts.any() else data.sample_weight
            collapse = describe_collapse(aggregator.get_weights(), p[counts > 0], counts[counts > 0])
            if collapse and self.on_collapse == "reset":
                aggregator.set_params(w=np.full(data.n_classifiers, 1 / data.n_classifiers), b=0.0)
                p = predictions()
                collapse += "; they were reset to the plain average's"
            if collapse:
                _warn(CollapseWarning, f"aggregator collapse: {collapse}. {self._collapse_remedy}")
        if not (solution.converged or solution.stopped):
            _warn(
                ConvergenceWarning,
                f"the objective had not settled after {len(history.records)} {self._iterations}; {self._remedy}",
            )
        # Nothing of this object has changed so far: a fit that is interrupted leaves it as it was.
        self.X, self.Y, self.aggregator = solution.X, solution.Y, aggregator
        self.history, self.converged_, self.n_iter_ = history, solution.converged, len(history.records)
        self.predictions_ = p
        self._fitted_data = DataReference(data)
        self.strength_ = None if problem.penalty.prior is None else problem.penalty.prior.strength
        self._base_rate, self._confidence_rule = problem.base_rate, problem.confidence_rule

    def _record(
        self,
        history: History,
        rho: float,
        reconstruction: float,
        supervised: float,
        weights: Vector,
        n_degenerate: int = 0,
    ) -> bool:
        """Add a record, show it to the callbacks, and return whether one of them wants to stop."""
        terms = weigh_terms(reconstruction, supervised, rho)
        weights.flags.writeable = False
        record = IterationRecord(
            iteration=len(history.records),
            loss=terms["total"],
            reconstruction=reconstruction,
            supervised=supervised,
            recon_weighted=terms["recon_weighted"],
            sup_weighted=terms["sup_weighted"],
            weights=weights,
            weight_norm=float(np.hypot.reduce(weights)),
            n_degenerate=n_degenerate,
        )
        history.records.append(record)
        if self.verbose:
            logger.info(
                f"iteration {record.iteration}: loss {record.loss:.6g}, reconstruction {reconstruction:.6g}, "
                f"supervised {supervised:.6g}, |w| {record.weight_norm:.4g}"
            )
        wishes = [callback(record) for callback in self.callbacks]
        return any(bool(wish) for wish in wishes)

    # ------------------------------------------------------------------------------------------------ results

    def predict(self, data: EnsembleData | None = None, R_new: ArrayLike | None = None) -> Float:
        """Probabilities of the positive class.

        Parameters
        ----------
        data : EnsembleData, optional
            None, or the very object given to `fit`: the fitted probabilities of its instances. Other data is folded in,
            equal or not: with the classifiers' factors fixed, its instances' factors are solved for under training's
            confidence rule, without labels. Where it carries its own confidence weights, those are used.
        R_new : array-like of shape (m, k), optional
            New columns of predictions, to be folded in. If `fit` was given confidence weights there is no rule for
            new ones, and they get weight 1.

        Returns
        -------
        ndarray of shape (n,) or (k,)
            An instance with no weight at all (nothing predicted, or with confidence 0) gets the base rate: the share
            of positives among the labelled, or without labels the mean prediction.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the number of classifiers differs from training, R_new holds no probabilities, or both are given.
        """
        self._check_fitted()
        if R_new is not None:
            if data is not None:
                raise ValueError("data and R_new are both given: predict takes one of them")
            return self._fold_in(probability_matrix(R_new, "R_new"), None, "R_new")
        if data is None or data is self._fitted_data():
            return self.predictions_.copy()
        if not isinstance(data, EnsembleData):
            raise TypeError(f"data must be an EnsembleData, got {type(data).__name__}; predictions go to R_new=")
        return self._fold_in(data.R, data.C if data.has_confidence else None, "data")

    def _fold_in(self, R: Float, C: Confidence | None, name: str) -> Float:
        (d, m), k, dtype = self.X.shape, R.shape[1], self.X.dtype
        if R.shape[0] != m:
            raise ValueError(f"{name} has {R.shape[0]} classifiers, but the model was fitted with {m}")
        if C is None:
            C = _checked(self._confidence_rule(R), R)
        threads = resolve_threads(self.n_threads)
        p = np.empty(k, dtype)
        for columns in column_blocks((max(d, m), k), LARGE):  # Y, or R in another precision, never exists as a whole
            r = R[:, columns].astype(dtype, copy=False)
            c = C.select(columns) if isinstance(C, ConfidenceRule) else C[:, columns].astype(dtype, copy=False)
            if self.link == "logit":
                r, c = log_odds_matrix(r), _weights_of_probabilities(c, r)
            p[columns] = self._fold_in_block(r, c, threads)
        return p

    def _fold_in_block(self, R: Float, C: Confidence, threads: int) -> Float:
        Y, _ = _core.instance_step(self.X, R, C, self.lambda_reg, threads)
        p = self.aggregator.predict_factors(self.X, Y, threads)
        p[~_core.has_weight(R, C, threads)] = self._base_rate
        return p

    def get_reconstruction(self) -> Float:
        """R_hat (m, n), every classifier's prediction as the factorisation sees it, also where it is missing.

        X'Y, or with `link='logit'` the probabilities of which X'Y are the log-odds.
        """
        self._check_fitted()
        R_hat = self.X.T @ self.Y
        return R_hat if self.link == "identity" else expit(R_hat)

    def get_aggregator_weights(self) -> Vector:
        """How much the aggregator counts each classifier, (m,)."""
        self._check_fitted()
        return self.aggregator.get_weights()

    def plot_loss_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the objective and its two terms over the iterations; see `cfensemble.plots.loss_curves`."""
        from cfensemble import plots

        self._check_fitted()
        return plots.loss_curves(self.history, ax)

    def plot_weight_history(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the aggregator's weights over the iterations; see `cfensemble.plots.weight_history`."""
        from cfensemble import plots

        self._check_fitted()
        return plots.weight_history(self.history, ax)

    def _check_fitted(self) -> None:
        if not hasattr(self, "X"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit(data) first")

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        parameters = super()._fields() | {
            "confidence": Part(*STRATEGIES.values()),
            "instance_weight": OrNone(Array("n", low=0)),
        }
        del parameters["callbacks"]
        return parameters | {
            "X": Array("latent_dim", "m", dtype="float"),
            "Y": Array("latent_dim", "n", dtype="float"),
            "aggregator": Part(WeightedAggregator, MeanAggregator, AttentionAggregator, share="m"),
            "history": Part(History, share="m"),
            "converged_": Boolean(),
            "predictions_": Array("n", dtype="float"),
            "strength_": OrNone(Real(0)),
            "_base_rate": Real(0, 1),
            "_confidence_rule": Part(SameForAll, Blend, share="m"),
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        parameters, fitted = split_parameters(cls, state)
        trainer = cls(**parameters)
        vars(trainer).update(fitted)
        trainer._fitted_data, trainer.n_iter_ = DataReference(), len(trainer.history.records)
        for name, size in zip(("latent_dim", "n_classifiers"), trainer.X.shape, strict=True):
            if getattr(trainer, name) not in (None, size):
                raise ValueError(f"{name} must be {size}, as the factors have it, got {getattr(trainer, name)}")
        return trainer

    def __repr__(self) -> str:
        state = f"fitted in {self.n_iter_} iterations" if hasattr(self, "X") else "not fitted"
        return f"{type(self).__name__}(latent_dim={self.latent_dim}, rho={self.rho:g}; {state})"


def _given(sample_weight: Vector | None) -> tuple[Vector, ...]:
    """The argument, left out where instances count once: strategies need not know of it."""
    return () if sample_weight is None else (sample_weight,)


def _checked(confidence: Confidence, R: Float) -> Confidence:
    return confidence if isinstance(confidence, ConfidenceRule) else confidence_matrix(confidence, R, "confidence")


def _weights_of_probabilities(confidence: Confidence, R: Float) -> Float:
    """Confidence as a matrix: rules read the probabilities R, which kernels that factorise log-odds do not see."""
    return confidence.weights(R) if isinstance(confidence, ConfidenceRule) else confidence


def _prior_name(prior: PriorName | None, aggregator_type: str) -> PriorName | None:
    if prior is None:
        return None
    if prior not in PRIOR_NAMES:
        raise ValueError(f"prior must be None or one of {', '.join(map(repr, PRIOR_NAMES))}, got {prior!r}")
    if aggregator_type != "weighted":
        raise ValueError(f"prior needs aggregator_type='weighted', got {aggregator_type!r}")
    return prior


def _strength(strength: float) -> float:
    if isinstance(strength, str):
        raise ValueError(f"strength must be 'auto' or a number, got {strength!r}")
    return number(strength, "strength", 0)


def _warn(category: type[Warning], message: str) -> None:
    warn_user(message, category)
