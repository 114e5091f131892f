"""Errors and warnings as single lines on stderr, and what they make of the exit code."""

import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

BAD_INPUT = 2
FAILED = 1


class OneLineErrors(TyperGroup):
    """A group of commands that says in one line how it was called wrongly."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and exit."""
        if not options.pop("standalone_mode", True):
            return super().main(*args, **options | {"standalone_mode": False})
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except OSError as error:  # while help is printed
            fail(f"standard output: {error.strerror or error}")
            sys.exit(FAILED)
        except Exception as error:
            if not hasattr(error, "format_message"):  # not one of the parser's own
                raise
            command = getattr(getattr(error, "ctx", None), "command_path", "cfensemble")
            fail(f"{one_line(error.format_message()).rstrip('.')}; see `{command} --help`")
            sys.exit(BAD_INPUT)
        sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def reporting_errors(debug: bool) -> Iterator[None]:
    """End the command with an exit code and one line on stderr where something is wrong.

    Bad data and bad use (ValueError, ImportError) exit with `BAD_INPUT`, everything else with `FAILED`; with `debug`
    the traceback comes before the line.
    """
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except Exception as error:
        if debug:
            typer.echo(traceback.format_exc(), err=True, nl=False)
        if isinstance(error, ValueError | ImportError):
            fail(error)
            raise typer.Exit(BAD_INPUT) from None
        if isinstance(error, OSError) and error.strerror:
            fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        elif isinstance(error, OSError | MemoryError):
            fail(one_line(error) or "out of memory")
        else:
            fail(f"{type(error).__name__}: {one_line(error)}" + ("" if debug else "; --debug shows where"))
        raise typer.Exit(FAILED) from None


@contextmanager
def warnings_as_lines(shown: set[str], prefix: str = "") -> Iterator[None]:
    """Show each warning as one line on stderr; those that differ in their numbers alone, once.

    What there is to be said of the data is left to the commands, which know the table's names.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        from sklearn.exceptions import ConvergenceWarning

        from cfensemble.ensemble.collapse import REMEDY, REMEDY_OF_ESTIMATORS
        from cfensemble.exceptions import DataWarning

        for warning in caught:
            # How far a fit got is printed anyway, and remedies that are options in Python are none here.
            if issubclass(warning.category, ConvergenceWarning):
                continue
            line = one_line(warning.message).removesuffix(REMEDY).removesuffix(REMEDY_OF_ESTIMATORS).rstrip()
            if issubclass(warning.category, DataWarning):
                continue
            kind = re.sub(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?", "#", line)
            if kind not in shown and issubclass(warning.category, UserWarning | RuntimeWarning):
                shown.add(kind)
                warn(f"{prefix}{line}")


def warn(message: str) -> None:
    """Say on stderr what the user should know."""
    typer.echo(f"cfensemble: warning: {message}", err=True)


def fail(message: object) -> None:
    """Say on stderr what went wrong."""
    typer.echo(f"cfensemble: error: {one_line(message)}", err=True)


def one_line(message: object) -> str:
    """Return a message without its line breaks."""
    return " ".join(str(message).split())
