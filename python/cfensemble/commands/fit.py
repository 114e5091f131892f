"""`cfensemble fit`: a model file from a table."""

from pathlib import Path
from typing import Any, cast

from cfensemble.commands.errors import reporting_errors, warnings_as_lines
from cfensemble.commands.options import (
    ClassifiersOption,
    DebugOption,
    ForceOption,
    IdOption,
    JsonOption,
    LabelsOption,
    ModelOption,
    QuietOption,
    SolverOption,
    TableArgument,
    check_json,
    check_names_file,
    check_not_input,
    split_names,
)
from cfensemble.commands.output import Output


def fit(
    table: TableArgument,
    labels: LabelsOption,
    model: ModelOption,
    id_column: IdOption = None,
    classifiers: ClassifiersOption = None,
    solver: SolverOption = "auto",
    force: ForceOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Fit a model to a table and save it to a file, for `cfensemble predict`."""
    with reporting_errors(debug):
        check_json(as_json)
        check_names_file("--model", model)
        _fit(table, labels, model, id_column, split_names(classifiers), solver, force, Output(as_json, quiet))


def _fit(
    path: str,
    labels: str,
    file: Path,
    id_column: str | None,
    classifiers: list[str] | None,
    solver: str,
    force: bool,
    output: Output,
) -> None:
    from cfensemble.commands import terminal
    from cfensemble.commands.fitting import (
        SEED,
        add_fitting,
        as_features,
        as_labels,
        check_classes,
        check_labels,
        check_solver,
        describe,
        describe_solver,
        read_with_progress,
        warn_of_oddities,
    )
    from cfensemble.estimators import CFEnsembleClassifier
    from cfensemble.tables import check_new_file, name_of

    check_solver(solver)
    check_new_file(file, force)
    check_not_input(file, path)
    table = read_with_progress(path, labels, id_column, classifiers, output)
    check_classes(path, table, solver)
    check_labels(path, table)
    warn_of_oddities(path, table)

    with warnings_as_lines(set()), output.progress() as progress:
        callbacks = add_fitting(progress, solver)
        model = CFEnsembleClassifier(cast(Any, solver), unlabeled=None, random_state=SEED, callbacks=callbacks)
        model.fit(as_features(table.classifiers, table.R), as_labels(table))
    model.set_params(callbacks=()).save(file)
    output.show(
        terminal.overview(name_of(path), table),
        terminal.weights(table.classifiers, model.classifier_weights_),
    )
    output.say(f"Saved the model to {file}.")
    output.document(
        {
            "table": describe(name_of(path), table),
            "solver": describe_solver(solver, model.combiner_),
            "weights": dict(zip(table.classifiers, model.classifier_weights_.tolist(), strict=True)),
            "model": str(file),
        }
    )
