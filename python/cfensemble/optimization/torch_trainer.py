"""CF-Ensemble by gradient descent on the combined objective itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from cfensemble import _core
from cfensemble._blocks import count_missing
from cfensemble._threads import in_forked_child, resolve_threads
from cfensemble._typing import Vector
from cfensemble._validation import choice, integer, number
from cfensemble.data.confidence import ConfidenceStrategy
from cfensemble.data.confidence_rule import ConfidenceRule
from cfensemble.data.ensemble_data import EnsembleData
from cfensemble.ensemble.prior import PriorName
from cfensemble.objectives.label_weights import LabelledInstances, WeightSchedule
from cfensemble.optimization.base import BaseTrainer, Solution
from cfensemble.optimization.history import Callback, History
from cfensemble.optimization.problem import TrainingProblem
from cfensemble.optimization.starts import Start

if TYPE_CHECKING:
    import torch


INSTALL_TORCH = "this needs PyTorch, which is not installed: pip install 'cfensemble[torch]' (its CPU build will do)"


class CFEnsemblePyTorchTrainer(BaseTrainer):
    """Factors and aggregator together, by gradient steps on the combined objective L_CF.

    Steps are taken on L_CF divided by the number of observed predictions, so that a learning rate suits any size;
    what is recorded is L_CF. The state with the least monitored value is kept (the last one, where `cost` or
    `weight_schedule` make values of different epochs incomparable).

    Parameters
    ----------
    n_classifiers, latent_dim, rho, lambda_reg
        As in `CFEnsembleTrainer`; here rho weighs the two terms of what is minimised.
    aggregator_type : {'weighted', 'mean', 'attention'}, default='weighted'
        'attention' weighs classifiers anew for each instance; see `AttentionAggregator`.
    max_epochs : int, default=500
        Most passes over the data.
    lr : float, default=0.01
        Learning rate, halved whenever the objective stays on a plateau for half the patience.
    optimizer : {'adam', 'adamw', 'sgd'}, default='adam'
        torch's optimizer of that name; 'adamw' decays all parameters besides (by torch's customary 0.01).
    patience : int, default=20
        Stop after so many epochs without improvement of the monitored value.
    min_delta : float, default=1e-4
        Relative decrease that counts as improvement.
    batch_size : int, optional
        Instances per step; None: all. Batches make more steps per epoch; they save no time, since the optimizer moves
        all of Y at every step, and little memory.
    use_class_weights, focal_gamma, verbose, random_seed, confidence, n_restarts, aggregator_l2, on_collapse, \
class_weight, instance_weight, cost, weight_schedule, callbacks, n_threads, prior, strength, nonnegative, link, \
warm_start
        As in `CFEnsembleTrainer`. n_threads concerns prediction; torch has its own setting.
    device : {'auto', 'cpu', 'cuda'} or str, default='auto'
        Where to compute; 'auto' is a GPU where there is one.
    validation_fraction : float, default=0.0
        Share in [0, 1) of each class's labels to leave out of the objective; their loss is then what is monitored.
    max_grad_norm : float, default=1.0
        Longer gradients are shortened to this norm.

    Attributes
    ----------
    X, Y, aggregator, history, converged_, n_iter_, predictions_, strength_
        As in `CFEnsembleTrainer`.

    Raises
    ------
    ImportError
        Without torch, on construction.
    """

    _aggregator_types = ("weighted", "mean", "attention")
    _iterations, _remedy = "epochs", "raise max_epochs, lr or min_delta"

    def __init__(
        self,
        n_classifiers: int | None = None,
        latent_dim: int = 20,
        rho: float = 0.5,
        lambda_reg: float = 0.01,
        aggregator_type: Literal["weighted", "mean", "attention"] = "weighted",
        max_epochs: int = 500,
        lr: float = 0.01,
        optimizer: Literal["adam", "adamw", "sgd"] = "adam",
        patience: int = 20,
        min_delta: float = 1e-4,
        batch_size: int | None = None,
        use_class_weights: bool = True,
        focal_gamma: float = 0.0,
        device: str = "auto",
        verbose: bool = False,
        random_seed: int | None = None,
        *,
        validation_fraction: float = 0.0,
        max_grad_norm: float = 1.0,
        confidence: str | ConfidenceStrategy = "certainty",
        n_restarts: int = 1,
        aggregator_l2: float = 0.0,
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
        require_torch()
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
        self.max_epochs = integer(max_epochs, "max_epochs", 1)
        self.lr = number(lr, "lr", 0)
        self.optimizer = choice(optimizer, "optimizer", ("adam", "adamw", "sgd"))
        self.patience = integer(patience, "patience", 1)
        self.min_delta = number(min_delta, "min_delta", 0)
        self.batch_size = None if batch_size is None else integer(batch_size, "batch_size", 1)
        self.device = check_device(device)
        self.validation_fraction = number(validation_fraction, "validation_fraction", 0, 1)
        if self.validation_fraction == 1:
            raise ValueError("validation_fraction must be below 1: some labels are needed to learn from")
        self.max_grad_norm = number(max_grad_norm, "max_grad_norm", 0)

    def _pose(self, data: EnsembleData) -> TrainingProblem:
        if self.validation_fraction == 0 or data.n_labeled == 0:
            return super()._pose(data)
        train, validation = data.split_labeled_data(1 - self.validation_fraction, self.random_seed)
        columns = np.flatnonzero(validation.labeled_idx)
        if columns.size == 0:
            raise ValueError(
                f"validation_fraction={self.validation_fraction:g} holds out no label: that takes two labels of a class"
            )
        y = data.labels[columns]
        counts = data.sample_weight[columns]
        omega = self._weighting.omega(y, columns, self.max_epochs, self.max_epochs, None, counts)
        return replace(super()._pose(train), held_out=LabelledInstances(columns, y, omega))

    def _solve(self, problem: TrainingProblem, rng: np.random.Generator, restart: int, start: Start | None) -> Solution:
        run = _Run(self, problem, rng, start)
        run.iterate()
        return run.solution()


class _Run:
    """One run: the module, its optimizer, and the best state so far."""

    def __init__(
        self,
        trainer: CFEnsemblePyTorchTrainer,
        problem: TrainingProblem,
        rng: np.random.Generator,
        start: Start | None,
    ) -> None:
        import torch

        from cfensemble.optimization.torch_net import CFEnsembleNet

        if in_forked_child():
            torch.set_num_threads(1)  # torch would wait for the parent's threads for ever
        self.trainer, self.problem, self.rng = trainer, problem, rng
        device = resolve_device(trainer.device)
        self.R = torch.tensor(np.ascontiguousarray(problem.R), device=device)
        # Every step reads the weights again, and torch keeps them beside R: here a rule is worked out once.
        C = problem.C.weights(problem.R) if isinstance(problem.C, ConfidenceRule) else problem.C
        self.C = torch.tensor(np.ascontiguousarray(C), device=device)
        m, n = problem.R.shape
        kind = trainer.aggregator_type if problem.has_labels else "mean"
        self.net: CFEnsembleNet = CFEnsembleNet(
            m, n, trainer.latent_dim, kind, dtype=self.R.dtype, random_state=rng, link=trainer.link
        ).to(device)
        # Shares its memory with the parameter, and leaves no trace in the graph.
        self.w = self.net.state_dict()["aggregator.w"] if kind == "weighted" else None
        if self.w is not None:
            self.w.copy_(self._tensor(problem.initial_weights))
        if start is not None:
            self.begin_at(start)
        self.labels = torch.zeros(n, dtype=self.R.dtype, device=device)
        self.labels[problem.columns] = self._tensor(problem.y)
        self.mask = torch.zeros(n, dtype=torch.bool, device=device)
        self.mask[problem.columns] = True
        self.omega: torch.Tensor | None = None
        s = problem.sample_weight
        self.sample_weight = None if s is None else self._tensor(s)
        n_observed = problem.R.size - count_missing(problem.R) if s is None else np.sum(~np.isnan(problem.R) @ s)
        self.n_observed = float(n_observed) or 1.0
        algorithm = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        self.optimizer = algorithm[trainer.optimizer](self.net.parameters(), lr=trainer.lr)
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer,
            factor=0.5,
            patience=max(trainer.patience // 2, 1),
            threshold=trainer.min_delta,
        )
        self.history = History()
        self.converged = self.stopped = False
        self.best_value = np.inf
        self.best_state = {name: value.clone() for name, value in self.net.state_dict().items()}

    def begin_at(self, start: Start) -> None:
        """Take over the factors, and the aggregator's parameters if it is of the kind that is learned here."""
        values: dict[str, Any] = {"X": start.X, "Y": start.Y}
        if type(start.aggregator) is type(self.net.aggregator.to_numpy()):
            values |= {f"aggregator.{name}": value for name, value in start.aggregator.get_params().items()}
        for name, tensor in self.net.state_dict().items():
            if name in values:
                tensor.copy_(self._tensor(values[name]))
        if self.trainer.nonnegative and self.w is not None:
            self.w.clamp_(min=0)

    def iterate(self) -> None:
        import torch

        trainer = self.trainer
        reference, n_stale = np.inf, 0
        loss, terms = self.loss(0)
        for epoch in range(trainer.max_epochs):
            if trainer.batch_size is None:
                self.step(loss)
            else:
                for indices in self.batches(trainer.batch_size):
                    self.step(self.loss(epoch, indices)[0])
            # The next step's loss is this epoch's record as well; mini-batches have no use for its graph.
            with torch.set_grad_enabled(trainer.batch_size is None):
                loss, terms = self.loss(min(epoch + 1, trainer.max_epochs - 1))
            value = terms["total"] if self.problem.held_out is None else self.held_out_loss()
            if not np.isfinite(value):
                raise FloatingPointError(f"the objective became {value} in epoch {epoch}: lower lr={trainer.lr}")
            if value < self.best_value or not self.problem.weighting.is_constant:  # else not comparable
                self.best_value = value
                self.keep_state()
            self.stopped = trainer._record(
                self.history, self.problem.rho, terms["reconstruction"], terms["supervised"], self.weights()
            )
            if self.stopped:
                return
            self.scheduler.step(value)
            improved = not value >= reference - trainer.min_delta * abs(reference)  # also at first, when it is inf
            if improved or self.problem.weighting.is_changing(
                min(epoch + 1, trainer.max_epochs - 1), trainer.max_epochs
            ):
                reference, n_stale = value, 0
            else:
                n_stale += 1
                if n_stale >= trainer.patience:
                    self.converged = True
                    return

    def keep_state(self) -> None:
        for name, value in self.net.state_dict().items():
            self.best_state[name].copy_(value)

    def loss(self, epoch: int, indices: "torch.Tensor | None" = None) -> "tuple[torch.Tensor, dict[str, float]]":
        if indices is None:
            self.update_omega(epoch)
        return self.net.compute_loss(
            self.R,
            self.C,
            self.labels,
            self.mask,
            self.problem.rho,
            self.trainer.lambda_reg,
            focal_gamma=self.trainer.focal_gamma,
            omega=self.omega,
            aggregator_l2=self.trainer.aggregator_l2,
            prior=self.problem.penalty.prior,
            sample_weight=self.sample_weight,
            indices=indices,
        )

    def update_omega(self, epoch: int) -> None:
        problem = self.problem
        if len(problem.columns) == 0 or (self.omega is not None and problem.weighting.is_constant):
            return
        previous = None
        if problem.weighting.needs_predictions and self.omega is not None:
            previous = self.net(self._index(problem.columns)).detach().cpu().numpy().astype(np.float64)
        weights = problem.labelled(epoch, self.trainer.max_epochs, previous).weights
        self.omega = self.labels.new_zeros(len(self.labels))
        self.omega[problem.columns] = self._tensor(weights)

    def step(self, loss: "torch.Tensor") -> None:
        from torch.nn.utils import clip_grad_norm_

        self.optimizer.zero_grad()
        (loss / self.n_observed).backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self.net.parameters(), self.trainer.max_grad_norm)
        self.optimizer.step()
        if self.trainer.nonnegative and self.w is not None:
            self.w.clamp_(min=0)

    def batches(self, size: int) -> "Iterator[torch.Tensor]":
        order = self.rng.permutation(self.R.shape[1])
        for begin in range(0, len(order), size):
            yield self._index(order[begin : begin + size])

    def held_out_loss(self) -> float:
        held_out = self.problem.held_out
        assert held_out is not None
        Y = self.net.Y.detach().cpu().numpy()
        return self.net.aggregator.to_numpy().loss(
            self.net.X.detach().cpu().numpy(), Y, held_out, self.trainer.focal_gamma
        )

    def weights(self) -> Vector:
        weights: Vector = self.net.aggregator.weights().detach().cpu().numpy().astype(np.float64)
        return weights

    def solution(self) -> Solution:
        self.net.load_state_dict(self.best_state)
        self.net()  # leaves the mean attention of all instances, where there is such a thing
        X, Y = (factors.detach().cpu().numpy().copy() for factors in (self.net.X, self.net.Y))
        if self.problem.sample_weight is not None:
            # No gradient has moved these: they are folded in.
            out = np.flatnonzero(self.problem.sample_weight == 0)
            if out.size:
                R, C = self.problem.R[:, out], self.C[:, self._index(out)].cpu().numpy()
                threads = resolve_threads(self.trainer.n_threads)
                Y[:, out], _ = _core.instance_step(X, R, C, self.trainer.lambda_reg, threads)
        return Solution(
            X=X,
            Y=Y,
            aggregator=self.net.aggregator.to_numpy(),
            history=self.history,
            converged=self.converged,
            stopped=self.stopped,
            objective=self.best_value,
        )

    def _tensor(self, values: Vector) -> "torch.Tensor":
        import torch

        return torch.as_tensor(values, dtype=self.R.dtype, device=self.R.device)

    def _index(self, values: Any) -> "torch.Tensor":
        import torch

        return torch.as_tensor(values, device=self.R.device)


def require_torch() -> None:
    """Raise an ImportError that says what to install if torch is not there."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ImportError(INSTALL_TORCH) from error


def check_device(device: str) -> str:
    """Return `device` if it is 'auto' or the name of a device, whether or not it is there."""
    import torch

    if device != "auto":
        try:
            torch.device(device)
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or another of torch's, got {device!r}") from error
    return device


def resolve_device(device: str) -> str:
    """Return the device that 'auto' stands for; complain about one that is not there."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} is not usable here: {error}") from error
    return device
