"""Tables on the terminal."""

import math
from collections.abc import Iterable, Sequence


def number(value: float, form: str = ".3f") -> str:
    """Format a number; NaN, where there is no such number, is a dash."""
    return "-" if math.isnan(value) else format(value, form)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a title and a header: the first column to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    print(f"\n{title}\n")
    for first, *others in lines:
        print("  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]))
