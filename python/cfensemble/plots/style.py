"""The one look of all pictures: colours, line styles, markers, sizes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "axes.axisbelow": True,
        "axes.edgecolor": "0.3",
        "axes.grid": False,
        "axes.labelcolor": "0.1",
        "axes.labelsize": 10,
        "axes.linewidth": 0.8,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "figure.figsize": (6.4, 4.4),
        "font.family": ["DejaVu Sans", "sans-serif"],
        "font.size": 10,
        "hatch.linewidth": 0.6,
        "legend.fontsize": 9,
        "legend.framealpha": 0.85,
        "legend.edgecolor": "none",
        "legend.fancybox": False,
        "legend.title_fontsize": 9,
        "lines.linewidth": 1.6,
        "lines.markersize": 5,
        "savefig.dpi": 150,
        "svg.fonttype": "none",
        "svg.hashsalt": "cfensemble",
        "text.usetex": False,
        "xtick.color": "0.3",
        "xtick.labelcolor": "0.1",
        "xtick.labelsize": 9,
        "ytick.color": "0.3",
        "ytick.labelcolor": "0.1",
        "ytick.labelsize": 9,
    }
)
"""matplotlib's settings for these pictures; SVG files keep their text as text and come out the same each time."""

# Okabe and Ito's colours, which remain distinct under the common colour vision deficiencies, without the yellow, which
# is lost on paper; the dark ones first.
BLACK, VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY = (
    "#000000",
    "#D55E00",
    "#0072B2",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
COLORS = (BLACK, VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY)
# Coprime numbers of colours, dashes and markers: hundreds of lines before two look the same, in grey as well.
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (9, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
GREY, PALE = "0.45", "0.88"
"""For what is drawn for comparison, and for what lies behind."""


@contextmanager
def style() -> Iterator[None]:
    """Give the figures that are made and saved in this context the look of these pictures.

    Yields
    ------
    None
        On leaving, matplotlib's settings are what they were.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cfensemble import plots
    >>> with plots.style():
    ...     figure = Figure(figsize=(8, 3))
    ...     left, right = figure.subplots(1, 2)
    >>> ax = plots.classifier_weights([0.5, 0.2], ["forest", "tree"], ax=left)
    """
    from matplotlib import rc_context

    settings: Any = dict(STYLE)
    with rc_context(settings):
        yield


@contextmanager
def drawing(ax: "Axes | None", size: tuple[float, float] | None = None) -> "Iterator[Axes]":
    """Axes in this style, new ones of this size in inches if there are none, for as long as they are drawn on."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'cfensemble[cli]'") from error
    if ax is not None and not isinstance(ax, mpl.axes.Axes):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    with style():
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=size)[1]
        ax.spines[["top", "right"]].set_visible(False)
        yield ax


def line_style(k: int) -> dict[str, Any]:
    """How the k-th line is drawn; the first one, which matters most, is strong and on top."""
    look: dict[str, Any] = {"color": COLORS[k % len(COLORS)], "linestyle": DASHES[k % len(DASHES)]}
    return look | ({"linewidth": 2.2, "zorder": 3} if k == 0 else {"linewidth": 1.5, "zorder": 2.5})


def marker_style(k: int) -> dict[str, Any]:
    """The k-th line's marker, filled white in every second line."""
    color = COLORS[k % len(COLORS)]
    face = "white" if k % 2 else color
    return {"marker": MARKERS[k % len(MARKERS)], "markerfacecolor": face, "markeredgecolor": color, "markersize": 5}
