"""Arguments and options that commands share."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

SOLVER_NAMES = ("auto", "als", "joint", "torch")

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="CSV, TSV or Parquet file, or - for CSV on standard input: a row per instance, a column per classifier "
        "(probabilities; blank = not predicted), or with more than two classes a column MODEL:CLASS for each.",
    ),
]
LabelsOption = Annotated[
    str,
    typer.Option(metavar="COLUMN", help="The label column; blank = unlabelled. Of two labels the last is positive."),
]
IdOption = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="The id column; by default rows are numbered.")
]
ClassifiersOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,C", help="The classifiers' columns; by default all but the label and the id."),
]
SolverOption = Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(SOLVER_NAMES)}.")]
ThresholdOption = Annotated[
    float, typer.Option(help="Of two classes, predict the positive one where its probability is at least this.")
]
ModelOption = Annotated[Path, typer.Option(metavar="FILE", help="The model file.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def split_names(names: str | None) -> list[str] | None:
    """Return the names that an option lists, separated by commas; None where it is not given."""
    if names is None:
        return None
    listed = [name.strip() for name in names.split(",")]
    if "" in listed:
        raise ValueError(f"--classifiers: {names!r} has an empty name; list columns as A,B,C")
    return listed


def check_json(as_json: bool, out: str | None = None) -> None:
    """Refuse a document where it cannot be printed."""
    if as_json and out == "-":
        raise ValueError("--json and --out -: both need standard output; name a file for the results")
    if as_json and sys.stdout is None:
        raise ValueError("--json: standard output is closed; leave it open, or leave out --json")


def check_names_file(option: str, path: Path | None) -> None:
    """Refuse a standard stream where no table is read or written."""
    if str(path) == "-":
        raise ValueError(f"{option}: - is for tables alone; name a file")


def check_threshold(threshold: float) -> None:
    """Refuse what is no probability."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"--threshold: {threshold} is not a probability; give a number in [0, 1]")


def check_not_input(out: str | Path, *inputs: str | Path) -> None:
    """Refuse to write to a file that is read."""
    for path in inputs:
        # No methods of Path: they raise where a folder may not be entered, and who reads says that better.
        if os.path.exists(out) and os.path.exists(path) and os.path.samefile(out, path):
            raise ValueError(f"{out}: is {path} itself, which is read; name another file for the results")
