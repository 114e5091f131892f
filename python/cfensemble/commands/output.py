"""Where a command's words go: to standard output, unless its results go there, and progress to a watched terminal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True)
class Output:
    """How a command talks.

    Attributes
    ----------
    as_json : bool
        One JSON document on standard output, and no other words.
    quiet : bool
        No words at all.
    to_stderr : bool
        Standard output is taken by results.
    """

    as_json: bool = False
    quiet: bool = False
    to_stderr: bool = False

    @property
    def wants_report(self) -> bool:
        """Whether anything is going to be shown."""
        return self.as_json or not self.quiet

    def show(self, *tables: Any) -> None:
        """Print rich tables."""
        if self.quiet or self.as_json:
            return
        from rich.console import Console

        console = Console(stderr=self.to_stderr)
        with self._naming_the_stream():
            for table in tables:
                console.print(table)

    def say(self, line: str) -> None:
        """Print a line."""
        if not (self.quiet or self.as_json):
            with self._naming_the_stream():
                typer.echo(line, err=self.to_stderr)

    def document(self, content: dict[str, Any]) -> None:
        """Print the JSON document, if it is wanted."""
        if self.as_json:
            with self._naming_the_stream():
                sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
                sys.stdout.flush()

    @contextmanager
    def _naming_the_stream(self) -> Iterator[None]:
        """Say where a write failed, which does not know it."""
        try:
            yield
        except OSError as error:
            error.filename = "standard error" if self.to_stderr else "standard output"
            raise

    def progress(self) -> "Progress":
        """Return bars with the time left on stderr that vanish when done, and are not shown where no one watches."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as TimeLeftColumn

        console = Console(stderr=True)
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeLeftColumn(),
            console=console,
            transient=True,
            disable=self.quiet or not console.is_terminal,
        )
