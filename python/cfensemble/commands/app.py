"""The commands, put together.

What takes long to import is imported where a command needs it: `cfensemble --help` answers at once.
"""

from typing import Annotated

import typer

from cfensemble import __version__
from cfensemble.commands.combine import combine
from cfensemble.commands.compare import compare
from cfensemble.commands.demo import demo
from cfensemble.commands.errors import OneLineErrors
from cfensemble.commands.fit import fit
from cfensemble.commands.predict import predict
from cfensemble.commands.report import report

app = typer.Typer(
    cls=OneLineErrors,
    help="Combine the predictions of many classifiers, with few labels.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (combine, fit, predict, compare, report, demo):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show_version:
        typer.echo(f"cfensemble {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)
