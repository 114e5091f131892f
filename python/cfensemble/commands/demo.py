"""`cfensemble demo`: the command line's work on real data that needs no download."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cfensemble.commands.combine import combine_table
from cfensemble.commands.errors import reporting_errors
from cfensemble.commands.options import DebugOption
from cfensemble.commands.output import Output


def demo(
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the demo's files in this folder, in place of those of an earlier demo."),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Combine twelve classifiers of handwritten digits and see how each method does on hidden labels."""
    with reporting_errors(debug):
        if save is None:
            with tempfile.TemporaryDirectory() as folder:
                _demo(Path(folder), keep=False)
            typer.echo("Nothing was kept; `cfensemble demo --save DIR` keeps the table, the results and a figure.")
        else:
            if save.exists() and not save.is_dir():
                raise ValueError(f"{save}: is a file; name a folder for the demo's files")
            save.mkdir(parents=True, exist_ok=True)
            _demo(save, keep=True)


def _demo(folder: Path, keep: bool) -> None:
    import numpy as np

    from cfensemble.baselines import BASELINES
    from cfensemble.commands import terminal
    from cfensemble.commands.fitting import OURS, SEED
    from cfensemble.demo import build_demo, draw
    from cfensemble.evaluation import score
    from cfensemble.tables import write_table

    output = Output()
    table_file, results_file, figure_file = (
        folder / name for name in ("demo_table.csv", "demo_results.csv", "demo_figure.png")
    )
    with output.progress() as progress:
        progress.add_task("training twelve classifiers", total=None)
        built = build_demo(SEED)
    write_table(table_file, built.table, force=True)
    columns = f"--labels {built.table.label_column} --id {built.table.id_column}"
    output.say(f"$ cfensemble combine {table_file} {columns} --out {results_file}")
    done = combine_table(
        str(table_file),
        built.table.label_column,
        str(results_file),
        built.table.id_column,
        None,
        "auto",
        threshold=0.5,
        force=True,
        output=output,
    )

    hidden = np.isnan(done.table.labels)
    y = built.y[hidden]
    predictions = {OURS: done.P[hidden, 1]} | {
        name: method(done.table.R, done.table.labels)[hidden] for name, method in BASELINES.items()
    }
    results = {name: score(y, p) for name, p in predictions.items()}
    output.show(terminal.comparison(f"On the {y.size:,} rows with hidden labels", results))
    output.say("The last table, on labels that no method saw, is the one to believe.")
    if keep:
        draw(figure_file, y, predictions, done.weights, done.table.classifiers)
        output.say(f"Kept in {folder}: {table_file.name}, {results_file.name}, {figure_file.name}.")
