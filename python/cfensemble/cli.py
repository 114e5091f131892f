"""Entry point of the command line, which says what to install where its packages are missing."""

import os
import sys
from importlib.util import find_spec
from typing import NoReturn


def main() -> None:
    """Run the command line.

    Raises
    ------
    SystemExit
        With 0 on success, 2 on bad use or bad data or where the packages of the extra `cli` are missing
        (one line on stderr says which), 130 when interrupted, 1 on any other failure.
    """
    missing = [name for name in ("typer", "rich", "pyarrow", "matplotlib") if find_spec(name) is None]
    if missing:
        _say(f"{', '.join(missing)} not installed; run: pip install 'cfensemble[cli]'")
        raise SystemExit(2)
    try:
        from cfensemble.commands.app import app

        app(prog_name="cfensemble")
    except KeyboardInterrupt:  # while importing; typer turns later ones into an exit code
        _interrupted()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            _interrupted()
        _flush()
        raise


INTERRUPTED = 130


def _flush() -> None:
    """Write out what is still buffered, or say so: at exit the interpreter would complain with a traceback."""
    if sys.stdout is None:  # closed when the program was started
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever reads may stop when it has seen enough
            _say(f"error: standard output: {error.strerror}")
        raise SystemExit(1) from None


def _interrupted() -> NoReturn:
    _say("interrupted")
    raise SystemExit(INTERRUPTED)


def _say(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"cfensemble: {line}\n")
