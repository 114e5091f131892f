"""Files that are there as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write to, which takes the place of `path` when the block ends.

    It lies beside `path` until everything is on the disk, and is then renamed: nobody sees a file half written, even
    if the power fails. Where the block raises (a full disk, Ctrl-C) it is removed, and what was at `path` stays. A link
    is followed, an existing file's permissions are kept; a pipe or device is written to as it is. An OSError in writing
    names `path`.
    """
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name[:40]}.{token_hex(8)}.partial")
    # Asked of the path itself: where an anonymous pipe leads is no path.
    is_special = Path(path).exists() and not Path(path).is_file()
    try:
        with open(path, "wb") if is_special else _renamed(partial, target) as file:
            yield file
    except OSError as error:
        # A failed write names no file, and the partial file's name is of no use; but what else is done in the block,
        # reading say, fails in the name of other files.
        if error.filename is None or str(error.filename) == str(partial):
            error.filename = os.fspath(path)
        raise


@contextmanager
def _renamed(partial: Path, target: Path) -> Iterator[BinaryIO]:
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    with suppress(OSError):  # not every system lets folders be opened
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
