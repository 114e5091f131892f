"""`cfensemble predict`: a saved model applied to a table, block by block in constant memory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfensemble.commands.errors import reporting_errors, warnings_as_lines
from cfensemble.commands.options import (
    DebugOption,
    ForceOption,
    IdOption,
    ModelOption,
    QuietOption,
    TableArgument,
    ThresholdOption,
    check_not_input,
    check_threshold,
)
from cfensemble.commands.output import Output

if TYPE_CHECKING:
    from cfensemble.tables import ClassifierColumns, Source

OutOption = Annotated[
    str, typer.Option(metavar="FILE", help="CSV, TSV or Parquet file for the results; - is standard output.")
]


def predict(
    table: TableArgument,
    model: ModelOption,
    out: OutOption,
    id_column: IdOption = None,
    threshold: ThresholdOption = 0.5,
    force: ForceOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Predict the rows of a table of any size with a saved model."""
    with reporting_errors(debug):
        _predict(table, model, out, id_column, threshold, force, Output(quiet=quiet, to_stderr=out == "-"))


def _predict(
    path: str, file: Path, out: str, id_column: str | None, threshold: float, force: bool, output: Output
) -> None:
    import numpy as np

    from cfensemble.commands.fitting import as_features, load_classifier
    from cfensemble.tables import check_output, identifiers, open_results, open_source, result_columns

    check_threshold(threshold)
    check_output(out, force)
    check_not_input(out, path, file)
    model = load_classifier(file)
    classes = model.classes_.tolist()
    n = 0
    shown: set[str] = set()
    with warnings_as_lines(shown), open_source(path) as source:
        columns = _columns(source, model, file)
        if id_column is not None and id_column not in source.column_names:
            raise ValueError(f"{source.name}: no id column {id_column!r}; the columns are {source.column_names}")
        named = dict.fromkeys([*columns.column_names, *([] if id_column is None else [id_column])])
        with open_results(out, force) as results, output.progress() as progress:
            task = progress.add_task("predicting", total=1.0)
            for block in source.blocks(list(named)):
                R = columns.read(block)
                if R.ndim == 3 and len(classes) == 2:
                    R = R[:, 1]
                P = model.predict_proba(as_features(columns.classifiers, R))
                ids: Any = np.arange(block.first_row, block.first_row + block.n_rows)
                if id_column is not None:
                    ids = identifiers(block, id_column)
                results.write(result_columns(ids, P, classes, threshold))
                n += block.n_rows
                progress.update(task, total=None if block.share is None else 1.0, completed=block.share or 0.0)
            if n == 0:
                raise ValueError(f"{source.name}: the table has no rows; add one row per instance")
    output.say(f"Wrote {n:,} rows to {'standard output' if out == '-' else out}.")


def _columns(source: "Source", model: Any, file: Path) -> "ClassifierColumns":
    """Find the model's columns among the table's."""
    from cfensemble.tables import ClassifierColumns, listed

    names, classes = tuple(model.feature_names_in_.tolist()), tuple(map(str, model.classes_.tolist()))
    by_class = ClassifierColumns(names, classes)
    layouts = [by_class] if len(classes) > 2 else [ClassifierColumns(names), by_class]
    given = set(source.column_names)
    for columns in layouts:
        if given.issuperset(columns.column_names):
            return columns
    needed = layouts[0].column_names
    missing = [name for name in needed if name not in given]
    unknown = [name for name in source.column_names if name not in needed]
    others = f"; not in the model: {listed(unknown)}" if unknown else ""
    raise ValueError(f"{source.name}: lacks columns of {file}: {listed(missing)}{others}")
