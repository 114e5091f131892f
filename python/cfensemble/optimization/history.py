"""What a fit leaves behind: one record per iteration."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cfensemble._typing import Vector


@dataclass(frozen=True)
class IterationRecord:
    """The state that an iteration ends in.

    Attributes
    ----------
    iteration : int
        Counted from 0.
    loss : float
        L_CF = recon_weighted + sup_weighted.
    reconstruction, supervised : float
        L_recon and L_sup.
    recon_weighted, sup_weighted : float
        rho L_recon and (1 - rho) L_sup.
    weights : ndarray of shape (m,)
        The aggregator's weights; read-only.
    weight_norm : float
        |w|.
    n_degenerate : int
        Systems that were singular to working precision and got their minimum-norm solution.
    """

    iteration: int
    loss: float
    reconstruction: float
    supervised: float
    recon_weighted: float
    sup_weighted: float
    weights: Vector
    weight_norm: float
    n_degenerate: int = 0


# Called after every iteration; returning True ends the fit.
Callback = Callable[[IterationRecord], bool | None]


class History(Mapping[str, list[Any]]):
    """The records of a fit, by column: `history['loss']` lists the loss of every iteration.

    Its keys are IterationRecord's attributes; `records` has the records themselves.
    """

    def __init__(self) -> None:
        self.records: list[IterationRecord] = []

    def __getitem__(self, name: str) -> list[Any]:
        if name not in _COLUMNS:
            raise KeyError(name)
        return [getattr(record, name) for record in self.records]

    def __iter__(self) -> Iterator[str]:
        return iter(_COLUMNS)

    def __len__(self) -> int:
        return len(_COLUMNS)

    def __repr__(self) -> str:
        return f"History({len(self.records)} iterations of {', '.join(_COLUMNS)})"


_COLUMNS = tuple(field.name for field in fields(IterationRecord))
