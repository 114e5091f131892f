"""Names in pictures: shown as they are given, whatever they hold."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.text import Text

LONGEST = 32


def check_names(names: Sequence[str] | None, m: int) -> list[str]:
    """`names` of m classifiers, by default their numbers, as they are to be shown."""
    if names is None:
        return [f"classifier {u}" for u in range(m)]
    if isinstance(names, str) or len(names) != m:
        found = f"the string {names!r}" if isinstance(names, str) else f"{len(names)}"
        raise ValueError(f"names must hold a name for each of the {m} classifiers, got {found}")
    return [shown(name) for name in names]


def shown(name: Any, longest: int = LONGEST) -> str:
    """The name on one line, of at most so many characters, without those that cannot be printed or be in XML."""
    text = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(name).split()))
    if len(text) > longest:  # names that differ often do so at the end
        text = f"{text[: longest // 2]}…{text[-((longest - 1) // 2) :]}"
    return text


def literal(texts: "Iterable[Text]") -> None:
    """Keep dollar signs and the like in these texts from being read as mathematics."""
    for text in texts:
        text.set_parse_math(False)
        text.set_usetex(False)


def label_rows(ax: "Axes", positions: Sequence[float], names: Sequence[str]) -> None:
    """Put names at these positions of the y-axis, without tick marks, and shorter ones where the axes are narrow."""
    inches = ax.bbox.width / ax.figure.dpi
    longest = int(np.clip(6.5 * inches, 12, LONGEST))
    ax.set_yticks(positions, labels=[shown(name, longest) for name in names])
    ax.tick_params(axis="y", length=0)
    literal(ax.get_yticklabels())


def legend(ax: "Axes", handles: Sequence[Any], names: Sequence[str], **options: Any) -> "Legend":
    """Add a legend with exactly these names; matplotlib would drop those that start with an underscore."""
    made = ax.legend(handles, [str(k) for k in range(len(names))], alignment="left", **options)
    for text, name in zip(made.get_texts(), names, strict=True):
        text.set_text(name)
    literal(made.get_texts())
    return made
