"""Did training behave: convergence, collapse, and how the predictions were read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cfensemble.ensemble.collapse import describe_collapse
from cfensemble.optimization.history import History
from cfensemble.report.subject import Subject


@dataclass(frozen=True, eq=False)
class Training:
    """What the fit left behind.

    Attributes
    ----------
    solver : str
        The classifier's.
    converged : bool
        Whether it stopped by itself.
    n_iter : int
        Iterations.
    collapse : str or None
        In which way a trainer's weights or predictions have collapsed. The combiner that sets itself cannot: it reads
        classifiers the other way round, or not at all, only where labels say so.
    norm, net, spread : float
        sqrt(m) |w|, the sum of w, and the standard deviation of the predictions.
    view_shares : dict of str to float
        Of the combiner that sets itself: what each way of reading the predictions has of the mixture.
    history : History or None
        Of a trainer.
    frozen : int
        Number of first iterations without a change of the weights.
    """

    solver: str
    converged: bool
    n_iter: int
    collapse: str | None
    norm: float
    net: float
    spread: float
    view_shares: dict[str, float]
    history: History | None
    frozen: int


def review(subject: Subject) -> Training:
    """Review the fit of the report's model."""
    combiner: Any = subject.model.combiner_
    w = np.asarray(combiner.get_aggregator_weights(), np.float64)
    p = subject.p.reshape(-1, subject.p.shape[-1])
    spread = float(np.max(p.std(axis=1)))
    history = getattr(combiner, "history", None)
    factor_model = getattr(combiner, "factor_model_", None)
    weights = np.array(history["weights"]) if history is not None and len(history.records) else np.zeros((0, len(w)))
    moved = np.flatnonzero((weights != weights[:1]).any(axis=1)) if len(weights) else np.zeros(0, int)
    return Training(
        solver=subject.model.solver,
        converged=bool(combiner.converged_ if factor_model is None else factor_model.converged),
        n_iter=int(combiner.n_iter_),
        collapse=None if factor_model is not None else describe_collapse(w, p[int(np.argmax(p.std(axis=1)))]),
        norm=float(np.sqrt(len(w)) * np.linalg.norm(w)),
        net=float(w.sum()),
        spread=spread,
        view_shares=dict(getattr(combiner, "view_shares_", {})),
        history=history if len(weights) else None,
        frozen=int(moved[0]) if len(moved) else 0,
    )
