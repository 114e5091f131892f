"""What was measured, as rows of tables and for a file."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from printing import number, print_table
from problem import Shape


def quantity(value: float, unit: str = "") -> str:
    """Write a number >= 0 with three digits, and a share, whose unit is %, without decimals."""
    if unit == "%" or math.isnan(value):
        return number(value, ".0%")
    return _with_unit(format(value, ".0f" if value >= 100 else "#.3g"), unit)


def _with_unit(text: str, unit: str) -> str:
    return f"{text}{unit}" if unit in ("", "x") else f"{text} {unit}"


@dataclass(frozen=True)
class Target:
    """What a value has to be: at least or, if `most`, at most the bound."""

    bound: float
    unit: str = "x"
    most: bool = False

    def __str__(self) -> str:
        bound = f"{self.bound:.0%}" if self.unit == "%" else _with_unit(f"{self.bound:.3g}", self.unit)
        return f"{'<=' if self.most else '>='} {bound}"

    def is_met(self, value: float) -> bool:
        return bool(value <= self.bound if self.most else value >= self.bound)


@dataclass(frozen=True)
class Record:
    """One row; NaN where there is no such number.

    Attributes
    ----------
    name : str
        What was measured.
    shape : tuple (m, d, n), optional
    milliseconds, gflops : float
        Medians over the turns.
    share : float
        Of the multiply-add peak of the same instruction set, precision and number of threads.
    value : float
        What the row is about where that is another number, in `unit`.
    deviation : float
        From the definition, relative to the largest entry.
    target : Target, optional
        What is required of the value, or if there is none, of the share.
    seconds : sequence of float
        Of every turn.
    """

    name: str
    shape: Shape | None = None
    milliseconds: float = math.nan
    gflops: float = math.nan
    share: float = math.nan
    value: float = math.nan
    unit: str = "x"
    deviation: float = math.nan
    target: Target | None = None
    seconds: Sequence[float] = field(default=(), repr=False)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.target.is_met(self.share if math.isnan(self.value) else self.value)


_CELLS: dict[str, Callable[[Record], str]] = {
    "m": lambda record: f"{record.shape[0]}" if record.shape else "",
    "d": lambda record: f"{record.shape[1]}" if record.shape else "",
    "n": lambda record: f"{record.shape[2]}" if record.shape else "",
    "ms": lambda record: quantity(record.milliseconds),
    "GFLOP/s": lambda record: quantity(record.gflops),
    "of peak": lambda record: quantity(record.share, "%"),
    "target": lambda record: "" if record.target is None else str(record.target),
    "met": lambda record: {None: "", True: "yes", False: "NO"}[record.met],
    "off by": lambda record: number(record.deviation, ".0e"),
}


def print_records(title: str, columns: Sequence[str], records: Iterable[Record]) -> None:
    """Print a table: the names, and the columns asked for; one that is none of a Record's own holds the values."""

    def value(record: Record) -> str:
        return quantity(record.value, record.unit)

    cells = [_CELLS.get(column, value) for column in columns[1:]]
    print_table(title, columns, [[record.name, *(cell(record) for cell in cells)] for record in records])


def write_json(path: Path, tables: dict[str, list[Record]], **circumstances: Any) -> None:
    """Write everything to a file; NaN becomes null."""
    everything = {
        **circumstances,
        "tables": {name: [{**asdict(record), "met": record.met} for record in table] for name, table in tables.items()},
    }
    path.write_text(json.dumps(_without_nan(everything), indent=1) + "\n")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
