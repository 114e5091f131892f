"""`cfensemble report`: one page on a table's combination, for whoever has to trust it."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from cfensemble.commands.errors import reporting_errors, warnings_as_lines
from cfensemble.commands.options import (
    ClassifiersOption,
    DebugOption,
    ForceOption,
    IdOption,
    LabelsOption,
    QuietOption,
    SolverOption,
    TableArgument,
    check_names_file,
    check_not_input,
    split_names,
)
from cfensemble.commands.output import Output

PageOption = Annotated[Path, typer.Option(metavar="FILE", help="The HTML file.")]
GivenModelOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Report on this model file of `cfensemble fit`; by default a model is fitted."),
]


def report(
    table: TableArgument,
    labels: LabelsOption,
    out: PageOption,
    model: GivenModelOption = None,
    id_column: IdOption = None,
    classifiers: ClassifiersOption = None,
    solver: SolverOption = "auto",
    force: ForceOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write an HTML page on how good a table's combination is, and why."""
    with reporting_errors(debug):
        check_names_file("--out", out)
        check_names_file("--model", model)
        _report(table, labels, out, model, id_column, split_names(classifiers), solver, force, Output(quiet=quiet))


def _report(
    path: str,
    labels: str,
    out: Path,
    model_file: Path | None,
    id_column: str | None,
    classifiers: list[str] | None,
    solver: str,
    force: bool,
    output: Output,
) -> None:
    from cfensemble.commands.fitting import (
        SEED,
        add_fitting,
        as_features,
        as_labels,
        check_classes,
        check_labels,
        check_solver,
        load_classifier,
        read_with_progress,
        warn_of_oddities,
    )
    from cfensemble.estimators import CFEnsembleClassifier
    from cfensemble.report import write_report
    from cfensemble.report.page import require
    from cfensemble.tables import check_new_file, name_of

    require()
    check_solver(solver)
    if model_file is not None and solver != "auto":
        raise ValueError("--solver and --model: a model that is given has a solver already; leave one of them out")
    check_new_file(out, force)
    check_not_input(out, path, *([] if model_file is None else [model_file]))
    model = None if model_file is None else load_classifier(model_file)
    if model is not None and classifiers is None:
        classifiers = [str(name) for name in model.feature_names_in_]
    table = read_with_progress(path, labels, id_column, classifiers, output)
    check_classes(path, table, solver)
    check_labels(path, table)
    warn_of_oddities(path, table)
    P, y = as_features(table.classifiers, table.R), as_labels(table)
    with warnings_as_lines(set()):
        if model is None:
            with output.progress() as progress:
                callbacks = add_fitting(progress, solver)
                model = CFEnsembleClassifier(
                    cast(Any, solver), unlabeled=None, random_state=SEED, callbacks=callbacks
                ).fit(P, y)
            model.set_params(callbacks=())
        with output.progress() as progress:
            task = progress.add_task("examining", total=1.0)
            write_report(
                out,
                model,
                P,
                y,
                title=name_of(path),
                ids=table.ids,
                on_progress=lambda share: progress.update(task, completed=share),
            )
    output.say(f"Wrote the report to {out}.")
