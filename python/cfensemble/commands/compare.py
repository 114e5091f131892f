"""`cfensemble compare`: every solver and every baseline on the labelled rows of a table."""

from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from cfensemble.commands.errors import reporting_errors, warnings_as_lines
from cfensemble.commands.options import (
    ClassifiersOption,
    DebugOption,
    IdOption,
    JsonOption,
    LabelsOption,
    QuietOption,
    TableArgument,
    check_json,
    split_names,
)
from cfensemble.commands.output import Output

if TYPE_CHECKING:
    from cfensemble.tables import PredictionTable

_NEEDED = "cross-validation needs at least two labelled rows of each class"
RepeatsOption = Annotated[int, typer.Option(min=1, help="How often the labelled rows are divided into folds.")]


def compare(
    table: TableArgument,
    labels: LabelsOption,
    repeats: RepeatsOption = 10,
    id_column: IdOption = None,
    classifiers: ClassifiersOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare every solver and every baseline by repeated cross-validation of the labelled rows."""
    with reporting_errors(debug):
        check_json(as_json)
        if quiet and not as_json:
            raise ValueError("--quiet without --json leaves nothing to do; leave one out or add the other")
        _compare(table, labels, repeats, id_column, split_names(classifiers), Output(as_json, quiet))


def _compare(
    path: str, labels: str, repeats: int, id_column: str | None, classifiers: list[str] | None, output: Output
) -> None:
    from cfensemble import comparison
    from cfensemble.commands import terminal
    from cfensemble.commands.fitting import (
        SEED,
        as_method,
        baselines_for,
        describe,
        few_labels,
        read_with_progress,
        warn_of_oddities,
    )
    from cfensemble.evaluation import count_folds
    from cfensemble.tables import name_of

    table = read_with_progress(path, labels, id_column, classifiers, output)
    _check_labels(path, table)
    warn_of_oddities(path, table)
    solvers, left_out = _solvers(table)
    baselines = baselines_for(table)
    n_fits = count_folds(table.labels) * repeats * (len(solvers) + len(baselines))
    with warnings_as_lines(set()), output.progress() as progress:
        task = progress.add_task("comparing", total=n_fits)
        found = comparison.compare(
            {name: as_method(solver) for name, solver in solvers.items()},
            baselines,
            table.R,
            table.labels,
            repeats,
            SEED,
            lambda: progress.advance(task),
        )
    name = name_of(path)
    output.show(terminal.overview(name, table), *terminal.estimates(found))
    rough = few_labels(table)
    if rough is not None:
        output.say(f"{rough}: intervals and tests do not tell all of it.")
    for solver, reason in left_out.items():
        output.say(f"Left out: {solver}, {reason}.")
    output.document({"table": describe(name, table), **asdict(found), "left_out": left_out})


def _check_labels(path: str, table: "PredictionTable") -> None:
    import numpy as np

    if np.isnan(table.labels).all():
        raise ValueError(f"{path}: label column {table.label_column!r} has no labels; {_NEEDED}")
    few = {label: count for label, count in table.label_counts().items() if count < 2}
    if few:
        shown = ", ".join(f"{count} of class {label!r}" for label, count in few.items())
        raise ValueError(f"{path}: label column {table.label_column!r} has {shown}; {_NEEDED}")


def _solvers(table: "PredictionTable") -> tuple[dict[str, str], dict[str, str]]:
    """Return the solvers to run by the name they are shown under, and why others are left out."""
    from cfensemble.commands.fitting import OURS
    from cfensemble.solvers import SOLVERS

    left_out = {}
    for solver in SOLVERS:
        if table.is_multiclass and solver != "auto":
            left_out[solver] = "which combines two classes only"
        elif solver == "torch" and find_spec("torch") is None:
            left_out[solver] = "which needs PyTorch (pip install 'cfensemble[torch]')"
    return {f"{OURS} {solver}": solver for solver in SOLVERS if solver not in left_out}, left_out
