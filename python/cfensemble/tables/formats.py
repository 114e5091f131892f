"""What a file's name says about it."""

import os
import sys
from pathlib import Path

STANDARD_STREAM = "-"
"""In place of a file's name: CSV on standard input or output."""
STANDARD_INPUT = "standard input"
DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".parquet")


def name_of(path: str | os.PathLike[str]) -> str:
    """Return what a table is called: its file's name, without folders."""
    return STANDARD_INPUT if os.fspath(path) == STANDARD_STREAM else Path(path).name


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the file type, one of `SUFFIXES`; a ValueError for anything else."""
    if os.fspath(path) == STANDARD_STREAM:
        return ".csv"
    _check_name(path)
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: unknown file type {path.suffix!r}; save it as one of {', '.join(SUFFIXES)}")
    return suffix


def check_output(path: str | os.PathLike[str], force: bool = False) -> None:
    """Check that a table can be written, before anything is computed for it.

    Parameters
    ----------
    path : path
        The file to be written, or `-`: standard output.
    force : bool, default False
        Whether it may exist.

    Raises
    ------
    ValueError
        If its type is not known, its folder does not exist or may not be entered, it is a folder itself, it exists
        and `force` is not set, or standard output is closed.
    """
    suffix_of(path)
    if os.fspath(path) != STANDARD_STREAM:
        check_new_file(path, force)
    elif sys.stdout is None:
        raise ValueError("standard output: is closed; name a file for the results")


def check_new_file(path: str | os.PathLike[str], force: bool = False) -> None:
    """Check that a file of any type can be written; a ValueError says why not. Pipes and devices can."""
    _check_name(path)
    path = Path(path)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.isdir(path.parent):
            raise ValueError(f"{path}: its folder does not exist; create {path.parent} first") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    if path.is_file() and not force:
        raise ValueError(f"{path}: exists already; name another file, or force it to be replaced (--force)")


def _check_name(path: str | os.PathLike[str]) -> None:
    if not os.fspath(path):
        raise ValueError("the name of a file is empty; name a file")
    if os.path.isdir(path):  # no method of Path, which raises where the folder around it may not be entered
        raise ValueError(f"{path}: is a folder; name a file")
