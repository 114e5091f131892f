"""What a fit leaves behind: one record per iteration."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from cfensemble._typing import Vector
from cfensemble.persistence.fields import Array, Field
from cfensemble.persistence.saved import Saved


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


class History(Saved, Mapping[str, list[Any]]):
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

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        others: dict[str, Field] = {"weights": Array("k", "m"), "n_degenerate": Array("k", dtype="int64", low=0)}
        return {name: others.get(name, Array("k")) for name in _COLUMNS if name != "iteration"}

    def _state(self) -> dict[str, Any]:
        return {name: np.array(self[name]) for name in self._fields()}

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        weights = state.pop("weights")
        weights.flags.writeable = False
        columns = {name: values.tolist() for name, values in state.items()} | {"weights": list(weights)}
        history = cls()
        history.records = [
            IterationRecord(iteration, **dict(zip(columns, values, strict=True)))
            for iteration, values in enumerate(zip(*columns.values(), strict=True))
        ]
        return history

    def __repr__(self) -> str:
        return f"History({len(self.records)} iterations of {', '.join(_COLUMNS)})"


_COLUMNS = tuple(field.name for field in fields(IterationRecord))
