"""The settings that estimators and the command line fit with, all in one place."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfensemble._typing import Vector
from cfensemble.combining import Combiner
from cfensemble.ensemble.collapse import REMEDY_OF_ESTIMATORS
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer
from cfensemble.optimization.base import BaseTrainer
from cfensemble.optimization.history import Callback

SOLVERS = ("auto", "als", "joint", "torch")
"""Their names: the combiner that sets itself, alternating least squares, the exact joint solver, gradient descent."""

MAX_ITERATIONS = {"als": 100, "joint": 200, "torch": 500}
"""Most iterations (ALS, of each of its stages) or epochs (torch) of a fit, by the solver's name."""


OPTIONS = ("latent_dim", "rho", "lambda_reg", "max_iter", "confidence", "prior", "strength", "nonnegative", "link")
"""What can be chosen for every solver but 'auto'."""


def make_trainer(
    solver: str,
    labels: Vector,
    random_seed: int | None = None,
    callbacks: Sequence[Callback] = (),
    n_threads: int | None = None,
    sample_weight: Vector | None = None,
    warm_start: bool = False,
    **options: Any,
) -> BaseTrainer | Combiner:
    """Build an unfitted model with settings that aim at probabilities that can be trusted.

    'auto' has none. Where the trainers' defaults guard against collapse, the others have no class weights here, which
    would shift probabilities, but weights held near the plain average's by a prior that counts as much as one labelled
    instance (ridge regression's customary C = 1), unless a prior is among the options; and an aggregator fitted to
    convergence.

    Parameters
    ----------
    solver : {'auto', 'als', 'joint', 'torch'}
        The combiner that takes all settings from the data, alternating least squares, or the joint objective by
        second-order steps or by gradient descent with torch.
    labels : array of shape (n,)
        1, 0, or NaN = unlabelled. Without labels of both classes there are no weights to learn, and the trainer takes
        the plain average of the reconstruction.
    random_seed : int, optional
        Seed of the starting point.
    callbacks : sequence of callables, default ()
        Called with the record of each iteration; a true return value stops the fit. 'auto' has no such iterations.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    sample_weight : array of shape (n,), optional
        How often each instance counts. Default: once.
    warm_start : bool, default False
        Whether a further fit starts where the last one ended.
    **options
        Of `OPTIONS`, in place of these settings; max_iter counts epochs of torch.

    Returns
    -------
    Combiner or BaseTrainer

    Raises
    ------
    ValueError
        If there is no such solver, it has no options or callbacks, or an option is out of range.
    ImportError
        If the solver is torch and torch is not installed.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver: unknown name {solver!r}; use one of {', '.join(SOLVERS)}")
    if solver == "auto":
        if options:
            raise ValueError(
                f"{', '.join(options)} cannot be set with solver='auto', which takes everything from the data: choose "
                "another solver, or leave it out"
            )
        if callbacks:
            raise ValueError("callbacks are of no use with solver='auto', which has no iterations to tell of")
        return Combiner(n_threads, warm_start)
    if "strength" in options and options.get("prior") is None:
        raise ValueError("strength says how firmly a prior holds: choose a prior, too, or leave it out")
    settings: dict[str, Any] = {
        "aggregator_type": "weighted" if has_both_classes(labels) else "mean",
        "max_iter": MAX_ITERATIONS[solver],
        "use_class_weights": False,
        "random_seed": random_seed,
        "callbacks": callbacks,
        "n_threads": n_threads,
        "warm_start": warm_start,
    } | options
    if settings.get("prior") is None:
        counts = ~np.isnan(labels) if sample_weight is None else sample_weight[~np.isnan(labels)]
        settings["aggregator_l2"] = 1 / max(float(np.sum(counts)), 1.0)
    trainer: BaseTrainer
    if solver == "joint":
        trainer = CFEnsembleJointTrainer(**settings)
    elif solver == "torch":
        trainer = CFEnsemblePyTorchTrainer(lr=0.05, max_epochs=settings.pop("max_iter"), **settings)
    else:
        trainer = CFEnsembleTrainer(schedule="two_stage", aggregator_optimizer="newton", **settings)
    # Advice names what can be set here, not the trainers' own options.
    trainer._remedy, trainer._collapse_remedy = "raise max_iter, or choose solver='auto'", REMEDY_OF_ESTIMATORS
    return trainer


def has_both_classes(labels: Vector) -> bool:
    """Whether labels of both classes are among the labels (n,)."""
    return bool(np.any(labels == 0) and np.any(labels == 1))
