"""The commands of the command line, `combine` and `demo`."""

import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sklearn.exceptions import ConvergenceWarning

from cfensemble import __version__, report
from cfensemble._typing import Float, Vector
from cfensemble.baselines import BASELINES, Method
from cfensemble.combining import Combiner
from cfensemble.data import EnsembleData
from cfensemble.demo import build_demo, draw
from cfensemble.ensemble.collapse import REMEDY
from cfensemble.evaluation import Scores, count_folds, cross_validate, score
from cfensemble.optimization.base import BaseTrainer
from cfensemble.optimization.history import IterationRecord
from cfensemble.solvers import MAX_ITERATIONS, SOLVERS, has_both_classes, make_trainer
from cfensemble.tables import PredictionTable, check_output, read_table, write_results, write_table

OURS = "CF-Ensemble"
SEED = 0

_WITHOUT_LABELS = ("the plain average of the completed predictions", "what the classifiers' agreement suggests")

app = typer.Typer(
    help="Combine the predictions of many classifiers, with few labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@dataclass(frozen=True, eq=False)
class _Combination:
    """A table, the model fitted to it, and its probability of every row."""

    table: PredictionTable
    model: Combiner | BaseTrainer
    p: Float


@app.callback(invoke_without_command=True)
def _main(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show_version:
        typer.echo(f"cfensemble {__version__}")
        raise typer.Exit


@app.command()
def combine(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="CSV, TSV or Parquet file: a row per instance, a column per classifier (probabilities; "
            "blank = not predicted) and a label column (0 or 1; blank = unlabelled).",
        ),
    ],
    labels: Annotated[str, typer.Option(metavar="COLUMN", help="The label column.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write id, probability and predicted label of every row to this file."),
    ] = None,
    solver: Annotated[str, typer.Option(help=f"One of {', '.join(SOLVERS)}.")] = SOLVERS[0],
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="The id column; by default rows are numbered."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Label 1 where the probability is at least this, in [0, 1].")] = 0.5,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Combine a table's predictions and compare the result with other ways to do it."""
    _combine(table, labels, out, solver, id_column, threshold, force)


@app.command()
def demo(
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the demo's files in this folder, in place of those of an earlier demo."),
    ] = None,
) -> None:
    """Combine twelve classifiers of handwritten digits and see how each method does on hidden labels."""
    if save is None:
        with tempfile.TemporaryDirectory() as folder:
            _demo(Path(folder), keep=False)
        typer.echo("Nothing was kept; `cfensemble demo --save DIR` keeps the table, the results and a figure.")
    else:
        with _exit_on(OSError, code=2):
            save.mkdir(parents=True, exist_ok=True)
        _demo(save, keep=True)


def _combine(
    path: Path,
    labels: str,
    out: Path | None,
    solver: str,
    id_column: str | None,
    threshold: float,
    force: bool,
) -> _Combination:
    progress = _progress()
    fitting = progress.add_task("fitting", total=MAX_ITERATIONS.get(solver))

    def advance(record: IterationRecord) -> None:
        progress.advance(fitting)

    with _exit_on(ValueError, ImportError, code=2):
        if not 0 <= threshold <= 1:
            raise ValueError(f"--threshold: {threshold} is not a probability; give a number in [0, 1]")
        if out is not None:
            check_output(out, force)
        table = read_table(path, labels, id_column)
        model = make_trainer(solver, table.labels, SEED, [advance])
        if out is not None and out.exists() and out.samefile(path):
            raise ValueError(f"{out}: is the table itself; name another file for the results")

    if not has_both_classes(table.labels):
        typer.echo(
            f"cfensemble: warning: {path}: label column {labels!r} lacks labels of both classes, so no weights can be "
            f"learned; the result is {_WITHOUT_LABELS[solver == 'auto']}",
            err=True,
        )
    shown: set[str] = set()
    with _warnings_as_lines(shown), progress:
        p = model.fit(EnsembleData(table.R, table.labels)).predict()
    if out is not None:
        with _exit_on(ValueError, code=2), _exit_on(OSError, code=1):
            write_results(out, table.ids, np.column_stack([1 - p, p]), table.classes, threshold, force)
    with _warnings_as_lines(shown, "in cross-validation: "):
        results = _cross_validate(solver, table)

    combination = _Combination(table, model, p)
    _print(path.name, combination, results)
    if out is not None:
        typer.echo(f"Wrote {len(p):,} rows to {out}.")
    return combination


def _print(name: str, combination: _Combination, results: dict[str, Scores | None]) -> None:
    table, model = combination.table, combination.model
    folds = count_folds(table.labels)
    n_labelled = int(np.sum(~np.isnan(table.labels)))
    title = (
        f"{folds}-fold cross-validation on the {n_labelled:,} labelled rows"
        if folds
        else "Cross-validation needs two labelled rows of each class"
    )
    console = Console()
    console.print(report.overview(name, table))
    console.print(report.comparison(title, results))
    console.print(report.weights(table.classifiers, model.get_aggregator_weights()))
    if isinstance(model, Combiner):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in model.view_shares_.items())
        typer.echo(f"{OURS}: shares of the mixture: {shares}.")
    else:
        state = "converged" if model.converged_ else "not converged"
        typer.echo(f"{OURS}: {state} after {model.n_iter_} iterations.")


def _cross_validate(solver: str, table: PredictionTable) -> dict[str, Scores | None]:
    def ours(R: Float, labels: Vector) -> Float:
        return make_trainer(solver, labels, SEED).fit(EnsembleData(R, labels)).predict()

    methods: dict[str, Method] = {OURS: ours, **BASELINES}
    with _progress() as progress:
        task = progress.add_task("cross-validating", total=len(methods) * count_folds(table.labels))

        def counted(method: Method) -> Method:
            def run(R: Float, labels: Vector) -> Float:
                p = method(R, labels)
                progress.advance(task)
                return p

            return run

        return {name: cross_validate(counted(method), table.R, table.labels, SEED) for name, method in methods.items()}


def _demo(folder: Path, keep: bool) -> None:
    table_file, results_file, figure_file = (
        folder / name for name in ("demo_table.csv", "demo_results.csv", "demo_figure.png")
    )
    with _progress() as progress:
        progress.add_task("training twelve classifiers", total=None)
        built = build_demo(SEED)
    with _exit_on(OSError, ValueError, code=1):
        write_table(table_file, built.table, force=True)
    columns = f"--labels {built.table.label_column} --id {built.table.id_column}"
    typer.echo(f"$ cfensemble combine {table_file} {columns} --out {results_file}")
    done = _combine(
        table_file,
        built.table.label_column,
        results_file,
        SOLVERS[0],
        built.table.id_column,
        threshold=0.5,
        force=True,
    )

    hidden = np.isnan(done.table.labels)
    y = built.y[hidden]
    predictions = {OURS: done.p[hidden]} | {
        name: method(done.table.R, done.table.labels)[hidden] for name, method in BASELINES.items()
    }
    results: dict[str, Scores | None] = {name: score(y, p) for name, p in predictions.items()}
    Console().print(report.comparison(f"On the {y.size:,} rows with hidden labels", results))
    typer.echo(
        f"With {np.sum(~hidden)} labels, {np.nansum(done.table.labels):.0f} of them positive, cross-validated figures "
        "vary widely; the last table, on labels that no method saw, is the one to believe."
    )
    if keep:
        with _exit_on(OSError, code=1):
            draw(figure_file, y, predictions, done.model.get_aggregator_weights(), done.table.classifiers)
        typer.echo(f"Kept in {folder}: {table_file.name}, {results_file.name}, {figure_file.name}.")


def _progress() -> Progress:
    """Bars on stderr that vanish when done, and are not shown at all where no one watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def _exit_on(*errors: type[Exception], code: int) -> Iterator[None]:
    """Turn these errors into one line on stderr and an exit code."""
    try:
        yield
    except errors as error:
        typer.echo(f"cfensemble: error: {_one_line(error)}", err=True)
        raise typer.Exit(code) from None


@contextmanager
def _warnings_as_lines(shown: set[str], prefix: str = "") -> Iterator[None]:
    """Show each warning as one line on stderr; those that differ in their numbers alone, once."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        for warning in caught:
            # How far a fit got is printed anyway, and remedies that are options in Python are none here.
            if issubclass(warning.category, ConvergenceWarning):
                continue
            line = _one_line(warning.message).removesuffix(REMEDY).rstrip()
            kind = re.sub(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?", "#", line)
            if kind not in shown and issubclass(warning.category, UserWarning | RuntimeWarning):
                shown.add(kind)
                typer.echo(f"cfensemble: warning: {prefix}{line}", err=True)


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
