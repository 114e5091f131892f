"""Which predictions are missing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Indices, Mask, Vector
from cfensemble._validation import finite_matrix
from cfensemble.plots.names import check_names, label_rows
from cfensemble.plots.style import BLUE, PALE, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSIFIERS, MOST_PATTERNS = 30, 20
ABOVE, BESIDE = 3.0, 0.22
"""Size of the longest bars, in rows above the matrix and as a share of its width beside it."""


def missing_pattern(R: ArrayLike, names: Sequence[str] | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw which predictions are missing together, how often, and each classifier's share of them.

    Parameters
    ----------
    R : array-like of shape (m, n)
        The classifiers' predictions, NaN where missing.
    names : sequence of str, length m, optional
        The classifiers' names; default their numbers.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes, of a height that fits the number of classifiers.

    Returns
    -------
    matplotlib.axes.Axes
        Those of the matrix: a row per classifier, the one with most missing on top, and a column per pattern, the most
        frequent one first, at most 20; dark where the prediction is missing. Bars above tell how many instances have a
        pattern, bars to the right which share of its predictions a classifier misses. Of more than 30 classifiers those
        are shown that miss most; patterns are of all.

    Raises
    ------
    ValueError
        If R is not 2-D or holds infinities, or there is not a name for each classifier.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> import numpy as np
    >>> from cfensemble import plots
    >>> ax = plots.missing_pattern([[0.9, np.nan, 0.2, 0.3], [0.8, 0.1, 0.4, 0.2]], ["forest", "tree"])
    >>> [text.get_text() for text in ax.texts]
    ['Instances', '3', '1', 'Missing', '25 %', '0 %']
    """
    missing = np.isnan(finite_matrix(R))
    m, n = missing.shape
    named = check_names(names, m)
    share = missing.mean(axis=1)
    patterns, counts = _patterns(missing)
    n_patterns, covered = counts.size, counts[:MOST_PATTERNS].sum() / n
    patterns, counts = patterns[:, :MOST_PATTERNS], counts[:MOST_PATTERNS]
    order = np.argsort(-share, kind="stable")[:MOST_CLASSIFIERS]
    with drawing(ax, (6.4, 1.7 + 0.24 * max(order.size, 5))) as ax:
        from matplotlib.patches import Rectangle

        for u, row in enumerate(patterns[order]):
            for k, absent in enumerate(row):
                color = "0.15" if absent else PALE
                ax.add_patch(Rectangle((k - 0.42, u - 0.4), 0.84, 0.8, linewidth=0, facecolor=color))
        hidden = m - order.size
        ticks, shown = list(range(order.size)), [named[u] for u in order]
        if hidden:
            ticks.append(order.size)
            shown.append(f"… {hidden:,} more …")
        label_rows(ax, ticks, shown)
        n_columns = max(counts.size, 6)
        _draw_counts(ax, counts)
        _draw_shares(ax, share[order], counts.size - 0.2, BESIDE * n_columns)
        ax.set(xlim=(-0.6, n_columns * (1.14 + BESIDE)), ylim=(len(ticks) - 0.4, -2.0 - ABOVE), xticks=[])
        ax.spines[["left", "bottom"]].set_visible(False)
        which, whose = f"All {n_patterns} patterns", f"{n:,} instances"
        if n_patterns > MOST_PATTERNS:
            which = f"The {MOST_PATTERNS} most frequent of {n_patterns:,} patterns"
            whose = f"{100 * covered:.0f} % of {n:,} instances"
        ax.set_xlabel(f"{'The one pattern' if n_patterns == 1 else which} (marked: missing)\nof {whose}")
    return ax


def _patterns(missing: Mask) -> tuple[Mask, Indices]:
    """The different columns (m, k) of the mask and how many there are of each, descending."""
    packed = np.ascontiguousarray(np.packbits(missing, axis=0).T)
    keys = packed.view([("", packed.dtype, packed.shape[1])])[:, 0]
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    return missing[:, first[order]], counts[order]


def _draw_counts(ax: "Axes", counts: Indices) -> None:
    """Bars above the columns, at most `ABOVE` rows high."""
    heights = ABOVE * counts / counts[0]
    ax.text(-0.7, -0.75 - ABOVE / 2, "Instances", ha="right", va="center", fontsize=8.5)
    ax.bar(np.arange(counts.size), heights, width=0.84, bottom=-0.75 - heights, color=BLUE, linewidth=0)
    crowded = len(f"{counts[0]:,}") > 3 and counts.size > 10
    for k, (count, height) in enumerate(zip(counts, heights, strict=True)):
        ax.annotate(
            f"{count:,}",
            (k, -0.75 - height),
            (0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            rotation=90 if crowded else 0,
        )


def _draw_shares(ax: "Axes", share: Vector, left: float, longest: float) -> None:
    """Bars to the right of the rows."""
    ax.text(left, -0.75, "Missing", va="bottom", fontsize=8.5)
    lengths = longest * share / (share.max() or 1)
    ax.barh(np.arange(share.size), lengths, height=0.8, left=left, color=BLUE, linewidth=0)
    for u, (value, length) in enumerate(zip(share, lengths, strict=True)):
        text = "< 1 %" if 0 < value < 0.01 else f"{100 * value:.0f} %"
        place = (left + length, u)
        ax.annotate(text, place, (2, 0), textcoords="offset points", va="center", fontsize=7.5)
