"""`cfensemble combine`: a better prediction for every row of a table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfensemble.commands.errors import reporting_errors, warnings_as_lines
from cfensemble.commands.options import (
    ClassifiersOption,
    DebugOption,
    ForceOption,
    IdOption,
    JsonOption,
    LabelsOption,
    QuietOption,
    SolverOption,
    TableArgument,
    ThresholdOption,
    check_json,
    check_not_input,
    check_threshold,
    split_names,
)
from cfensemble.commands.output import Output

if TYPE_CHECKING:
    from cfensemble._typing import Float, Vector
    from cfensemble.baselines import Method
    from cfensemble.evaluation import ClassScores, Scores
    from cfensemble.tables import PredictionTable

OutOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Write id, probability and predicted label of every row to this CSV, TSV or Parquet file; - is standard "
        "output.",
    ),
]


def combine(
    table: TableArgument,
    labels: LabelsOption,
    out: OutOption = None,
    id_column: IdOption = None,
    classifiers: ClassifiersOption = None,
    solver: SolverOption = "auto",
    threshold: ThresholdOption = 0.5,
    force: ForceOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Combine a table's predictions and compare the result with other ways to do it."""
    with reporting_errors(debug):
        check_json(as_json, out)
        if quiet and not as_json and out is None:
            raise ValueError("--quiet without --out or --json leaves nothing to do; name a file for the results")
        output = Output(as_json, quiet, to_stderr=out == "-")
        combine_table(table, labels, out, id_column, split_names(classifiers), solver, threshold, force, output)


@dataclass(frozen=True, eq=False)
class Combination:
    """A table, each row's combined probability of each class (n, K), and the classifiers' weights (m,)."""

    table: "PredictionTable"
    P: "Float"
    weights: "Vector"


def combine_table(
    path: str,
    labels: str,
    out: str | None,
    id_column: str | None,
    classifiers: list[str] | None,
    solver: str,
    threshold: float,
    force: bool,
    output: Output,
) -> Combination:
    """Do what the command does."""
    import numpy as np

    from cfensemble.commands.fitting import (
        add_fitting,
        check_classes,
        check_solver,
        fit_combiner,
        read_with_progress,
        warn_of_missing_labels,
        warn_of_oddities,
    )
    from cfensemble.tables import check_output, write_results

    check_threshold(threshold)
    check_solver(solver)
    if out is not None:
        check_output(out, force)
        check_not_input(out, path)
    table = read_with_progress(path, labels, id_column, classifiers, output)
    check_classes(path, table, solver)
    warn_of_missing_labels(path, table, solver)
    warn_of_oddities(path, table)

    shown: set[str] = set()
    with warnings_as_lines(shown), output.progress() as progress:
        callbacks = add_fitting(progress, solver)
        model = fit_combiner(solver, table.R, table.labels, callbacks)
    p = model.predict()
    P = p.T if table.is_multiclass else np.column_stack([1 - p, p])
    combination = Combination(table, P, model.get_aggregator_weights())
    if out is not None:
        write_results(out, table.ids, P, table.classes, threshold, force)
    if output.wants_report:
        with warnings_as_lines(shown, "in cross-validation: "):
            results = _cross_validate(solver, table, output)
        _report(path, combination, model, solver, results, out, output)
    return combination


def _cross_validate(solver: str, table: "PredictionTable", output: Output) -> "dict[str, Scores | ClassScores | None]":
    from cfensemble.commands.fitting import OURS, SEED, as_method, baselines_for
    from cfensemble.evaluation import count_folds, cross_validate, cross_validate_classes

    methods = {OURS: as_method(solver), **baselines_for(table)}
    with output.progress() as progress:
        task = progress.add_task("cross-validating", total=len(methods) * count_folds(table.labels))

        def counted(method: "Method") -> "Method":
            def run(R: "Float", labels: "Vector") -> "Float":
                p = method(R, labels)
                progress.advance(task)
                return p

            return run

        return {
            name: (cross_validate_classes if table.is_multiclass else cross_validate)(
                counted(method), table.R, table.labels, SEED
            )
            for name, method in methods.items()
        }


def _report(
    path: str,
    combination: Combination,
    model: Any,
    solver: str,
    results: "Mapping[str, Scores | ClassScores | None]",
    out: str | None,
    output: Output,
) -> None:
    import numpy as np

    from cfensemble.commands import terminal
    from cfensemble.commands.fitting import OURS, describe, describe_solver, few_labels
    from cfensemble.evaluation import count_folds
    from cfensemble.tables import name_of

    table = combination.table
    folds = count_folds(table.labels)
    n_labelled = int(np.sum(~np.isnan(table.labels)))
    title = (
        f"{folds}-fold cross-validation on the {n_labelled:,} labelled rows"
        if folds
        else "Cross-validation needs two labelled rows of each class"
    )
    name = name_of(path)
    output.show(
        terminal.overview(name, table),
        terminal.comparison(title, results),
        terminal.weights(table.classifiers, combination.weights),
    )
    rough = few_labels(table)
    if rough is not None:
        output.say(f"{rough}.")
    if solver == "auto":
        shares = ", ".join(f"{view} {share:.0%}" for view, share in model.view_shares_.items())
        output.say(f"{OURS}: shares of the mixture: {shares}.")
    else:
        state = "converged" if model.converged_ else "not converged"
        output.say(f"{OURS}: {state} after {model.n_iter_} iterations.")
    if out is not None:
        output.say(f"Wrote {len(table.labels):,} rows to {'standard output' if out == '-' else out}.")
    output.document(
        {
            "table": describe(name, table),
            "solver": describe_solver(solver, model),
            "cross_validation": {
                "folds": folds,
                "methods": {name: None if scores is None else asdict(scores) for name, scores in results.items()},
            },
            "weights": dict(zip(table.classifiers, combination.weights.tolist(), strict=True)),
            "out": out,
        }
    )
