"""Pictures as text for HTML."""

import re
import warnings
from io import StringIO
from typing import TYPE_CHECKING, Any

from cfensemble.plots.style import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def to_svg(drawn: "Axes | Figure") -> str:
    """Give the picture as an SVG element, to be put into HTML or to be saved.

    Parameters
    ----------
    drawn : matplotlib.axes.Axes or matplotlib.figure.Figure
        A figure, or axes whose figure is meant.

    Returns
    -------
    str
        From ``<svg`` to ``</svg>``, without date or XML declaration, the same each time; it scales with its container.
        Text is text, escaped: it can be searched and read aloud, and the browser's fonts are used.

    Examples
    --------
    >>> from cfensemble import plots
    >>> svg = plots.to_svg(plots.classifier_weights([0.5, 0.2], ["a < b", "c"]))
    >>> svg[:4], "a &lt; b" in svg
    ('<svg', True)
    """
    figure: Any = drawn.figure
    while figure is not None and figure.figure is not figure:  # from a subfigure to the one that holds it
        figure = figure.figure
    if figure is None:
        raise ValueError("drawn is not part of a figure")
    buffer = StringIO()
    with style(), warnings.catch_warnings():
        # The reader's fonts have the letters that matplotlib's lack.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    return re.sub(r' width="[^"]*pt"| height="[^"]*pt"', "", svg, count=2).strip()
