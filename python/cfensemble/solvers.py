"""The settings that the command line fits with, all in one place."""

from collections.abc import Sequence

from cfensemble.optimization import CFEnsemblePyTorchTrainer, CFEnsembleTrainer
from cfensemble.optimization.base import BaseTrainer
from cfensemble.optimization.history import Callback

MAX_ITERATIONS = {"als": 100, "torch": 500}
"""Most iterations (ALS, of each of its stages) or epochs (torch) of a fit, by the solver's name."""


def make_trainer(
    solver: str, n_labeled: int, random_seed: int | None = None, callbacks: Sequence[Callback] = ()
) -> BaseTrainer:
    """Build an unfitted trainer with the command line's settings.

    Where the trainers' defaults guard against collapse, these aim at probabilities that can be trusted: no class
    weights, which would shift them, but weights held near the plain average's by a prior that counts as much as one
    labelled instance (ridge regression's customary C = 1); and an aggregator that is fitted to convergence.

    Parameters
    ----------
    solver : {'als', 'torch'}
        Alternating least squares, or gradient descent on the exact objective with torch.
    n_labeled : int
        Number of labelled instances.
    random_seed : int, optional
        Seed of the starting point.
    callbacks : sequence of callables, default ()
        Called with the record of each iteration; a true return value stops the fit.

    Returns
    -------
    BaseTrainer
        A `CFEnsembleTrainer` or a `CFEnsemblePyTorchTrainer`.

    Raises
    ------
    ValueError
        If there is no such solver.
    ImportError
        If the solver is torch and torch is not installed.
    """
    if solver not in MAX_ITERATIONS:
        raise ValueError(f"solver: unknown name {solver!r}; use one of {', '.join(MAX_ITERATIONS)}")
    prior_strength = 1 / max(n_labeled, 1)
    if solver == "torch":
        return CFEnsemblePyTorchTrainer(
            lr=0.05,
            max_epochs=MAX_ITERATIONS[solver],
            use_class_weights=False,
            aggregator_l2=prior_strength,
            random_seed=random_seed,
            callbacks=callbacks,
        )
    return CFEnsembleTrainer(
        schedule="two_stage",
        aggregator_optimizer="newton",
        max_iter=MAX_ITERATIONS[solver],
        use_class_weights=False,
        aggregator_l2=prior_strength,
        random_seed=random_seed,
        callbacks=callbacks,
    )
