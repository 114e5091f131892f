"""`cfensemble predict`: a saved model applied to a table, block by block in constant memory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfensemble.commands.errors import reporting_errors, warnings_as_lines
from cfensemble.commands.options import (
    DebugOption,
    ForceOption,
    IdOption,
    JsonOption,
    ModelOption,
    QuietOption,
    TableArgument,
    ThresholdOption,
    check_json,
    check_names_file,
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Predict the rows of a table of any size with a saved model.

    Ids are copied as they are, also those that occur twice.
    """
    with reporting_errors(debug):
        check_json(as_json, out)
        check_names_file("--model", model)
        _predict(table, model, out, id_column, threshold, force, Output(as_json, quiet, to_stderr=out == "-"))


def _predict(
    path: str, file: Path, out: str, id_column: str | None, threshold: float, force: bool, output: Output
) -> None:
    import numpy as np

    from cfensemble.commands.fitting import as_features, load_classifier, warn_of_empty_rows
    from cfensemble.tables import (
        check_output,
        identifiers,
        listed,
        name_of,
        open_results,
        open_source,
        result_columns,
    )

    check_threshold(threshold)
    check_output(out, force)
    check_not_input(out, path, file)
    model = load_classifier(file)
    classes = model.classes_.tolist()
    n = n_empty = first_empty = 0
    shown: set[str] = set()
    with warnings_as_lines(shown), open_source(path) as source:
        columns = _columns(source, model, file, id_column)
        if id_column is not None and id_column not in source.column_names:
            raise ValueError(
                f"{source.name}: no id column {id_column!r}; the columns are {listed(source.column_names)}"
            )
        named = dict.fromkeys([*columns.column_names, *([] if id_column is None else [id_column])])
        with open_results(out, force) as results, output.progress() as progress:
            task = progress.add_task("predicting", total=1.0)
            for block in source.blocks(list(named)):
                R = columns.read(block)
                if R.ndim == 3 and len(classes) == 2:
                    R = R[:, 1]
                empty = np.isnan(R if R.ndim == 2 else R[:, 0]).all(axis=0)
                if empty.any():
                    first_empty = first_empty or block.first_row + int(np.argmax(empty))
                    n_empty += int(np.count_nonzero(empty))
                P = model.predict_proba(as_features(columns.classifiers, R))
                ids: Any = np.arange(block.first_row, block.first_row + block.n_rows)
                if id_column is not None:
                    ids = identifiers(block, id_column)
                results.write(result_columns(ids, P, classes, threshold))
                n += block.n_rows
                progress.update(task, total=None if block.share is None else 1.0, completed=block.share or 0.0)
            if n == 0:
                raise ValueError(f"{source.name}: the table has no rows; add one row per instance")
    warn_of_empty_rows(source.name, n_empty, first_empty)
    output.say(f"Wrote {n:,} rows to {'standard output' if out == '-' else out}.")
    output.document(
        {
            "table": {"name": name_of(path), "rows": n},
            "model": str(file),
            "classifiers": list(columns.classifiers),
            "classes": classes,
            "out": out,
        }
    )


def _columns(source: "Source", model: Any, file: Path, id_column: str | None) -> "ClassifierColumns":
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
    unknown = [name for name in source.column_names if name not in needed and name != id_column]
    others = f"; not in the model: {listed(unknown)}" if unknown else ""
    raise ValueError(f"{source.name}: lacks columns of {file}: {listed(missing)}{others}")
