"""The settings that the command line fits with, all in one place."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from cfensemble._typing import Vector
from cfensemble.combining import Combiner
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer
from cfensemble.optimization.base import BaseTrainer
from cfensemble.optimization.history import Callback

SOLVERS = ("auto", "als", "joint", "torch")
"""Their names: the combiner that sets itself, alternating least squares, the exact joint solver, gradient descent."""

MAX_ITERATIONS = {"als": 100, "joint": 200, "torch": 500}
"""Most iterations (ALS, of each of its stages) or epochs (torch) of a fit, by the solver's name."""


def make_trainer(
    solver: str, labels: Vector, random_seed: int | None = None, callbacks: Sequence[Callback] = ()
) -> BaseTrainer | Combiner:
    """Build an unfitted model with the command line's settings.

    'auto' has none. Where the trainers' defaults guard against collapse, these aim at probabilities that can be
    trusted: no class weights, which would shift them, but weights held near the plain average's by a prior that counts
    as much as one labelled instance (ridge regression's customary C = 1); and an aggregator fitted to convergence.

    Parameters
    ----------
    solver : {'auto', 'als', 'joint', 'torch'}
        The combiner that takes all settings from the data, alternating least squares, or the joint objective minimised
        exactly or by gradient descent with torch.
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled. Without labels of both classes there are no weights to learn, and the trainer takes
        the plain average of the reconstruction.
    random_seed : int, optional
        Seed of the starting point.
    callbacks : sequence of callables, default ()
        Called with the record of each iteration; a true return value stops the fit. 'auto' has no such iterations.

    Returns
    -------
    Combiner or BaseTrainer

    Raises
    ------
    ValueError
        If there is no such solver.
    ImportError
        If the solver is torch and torch is not installed.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver: unknown name {solver!r}; use one of {', '.join(SOLVERS)}")
    if solver == "auto":
        return Combiner()
    prior_strength = 1 / max(int(np.sum(~np.isnan(labels))), 1)
    aggregator_type: Literal["weighted", "mean"] = "weighted" if has_both_classes(labels) else "mean"
    if solver == "joint":
        return CFEnsembleJointTrainer(
            aggregator_type=aggregator_type,
            max_iter=MAX_ITERATIONS[solver],
            use_class_weights=False,
            aggregator_l2=prior_strength,
            random_seed=random_seed,
            callbacks=callbacks,
        )
    if solver == "torch":
        return CFEnsemblePyTorchTrainer(
            aggregator_type=aggregator_type,
            lr=0.05,
            max_epochs=MAX_ITERATIONS[solver],
            use_class_weights=False,
            aggregator_l2=prior_strength,
            random_seed=random_seed,
            callbacks=callbacks,
        )
    return CFEnsembleTrainer(
        aggregator_type=aggregator_type,
        schedule="two_stage",
        aggregator_optimizer="newton",
        max_iter=MAX_ITERATIONS[solver],
        use_class_weights=False,
        aggregator_l2=prior_strength,
        random_seed=random_seed,
        callbacks=callbacks,
    )


def has_both_classes(labels: Vector) -> bool:
    """Whether labels of both classes are among the labels (n,)."""
    return bool(np.any(labels == 0) and np.any(labels == 1))
