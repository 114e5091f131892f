"""How far the classifiers disagree about an instance."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Vector
from cfensemble._validation import probability_matrix, reject_first
from cfensemble.plots.inputs import optional_matrix
from cfensemble.plots.names import legend
from cfensemble.plots.style import BLUE, VERMILION, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DISPUTED = 10


def disagreement(R: ArrayLike, p: ArrayLike | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw how the spread of the predictions is distributed over instances, against the combined probability.

    Parameters
    ----------
    R : array-like of shape (m, n)
        The classifiers' predictions, NaN where missing.
    p : array-like of shape (n,), optional
        The combined probabilities, NaN where there is none. Default: only the spread's distribution is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.

    Returns
    -------
    matplotlib.axes.Axes
        The spread is the standard deviation of an instance's predictions, from 0, all alike, to 0.5, one half of them 0
        and the other 1; instances with fewer than two predictions are left out. With p, shades count the instances, on
        a logarithmic scale, and rings mark the ten with the largest spread; the scale, ``ax.child_axes[0]``, lies to
        the right, so that the figure needs a layout engine. Without p, a line marks the spread that 5 % exceed.

    Raises
    ------
    ValueError
        If R or p are no probabilities, their lengths differ, or no instance has two predictions.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> from cfensemble import plots
    >>> R = [[0.9, 0.1, 0.8], [0.8, 0.2, 0.2]]
    >>> ax = plots.disagreement(R, [0.9, 0.1, 0.5])
    >>> ax.get_ylabel()
    'Standard deviation of the predictions'
    """
    matrix = probability_matrix(R)
    spread = _spread(matrix)
    known = ~np.isnan(spread)
    combined = None
    if p is not None:
        combined = optional_matrix(p, "p", (matrix.shape[1],))
        reject_first(combined, (combined < 0) | (combined > 1), "p", "probabilities lie in [0, 1]")
        known &= ~np.isnan(combined)
    if not known.any():
        raise ValueError("R has no instance with two predictions, and p where it is given")
    with drawing(ax) as ax:
        if combined is None:
            _draw_distribution(ax, spread[known])
        else:
            _draw_against(ax, combined[known], spread[known])
    return ax


def _spread(R: Float) -> Vector:
    """Standard deviation (n,) of each column, NaN with fewer than two predictions."""
    spread = np.full(R.shape[1], np.nan)
    for columns in column_blocks(R.shape):
        r = R[:, columns].astype(np.float64)
        there = ~np.isnan(r)
        count = there.sum(axis=0)
        mean = np.where(there, r, 0).sum(axis=0) / np.maximum(count, 1)
        variance = np.where(there, (r - mean) ** 2, 0).sum(axis=0) / np.maximum(count, 1)
        spread[columns] = np.where(count > 1, np.sqrt(variance), np.nan)
    return spread


def _draw_distribution(ax: "Axes", spread: Vector) -> None:
    ax.hist(spread, bins=40, range=(0, 0.5), color=BLUE, linewidth=0)
    line = ax.axvline(float(np.quantile(spread, 0.95)), color="black", linewidth=1.5, linestyle="--")
    ax.set(xlabel="Standard deviation of the predictions", ylabel="Instances", xlim=(0, 0.5))
    legend(ax, [line], ["5 % of the instances are above"], loc="upper right", frameon=False)


def _draw_against(ax: "Axes", p: Vector, spread: Vector) -> None:
    top = max(float(spread.max()) * 1.17, 0.05)
    shades = ax.hexbin(
        p, spread, gridsize=(36, 20), extent=(0, 1, 0, top), mincnt=1, bins="log", cmap="Blues", linewidths=0.2
    )
    # The palest shade has to stand out from the paper.
    count = np.asarray(shades.get_array())
    shades.set_clim(0.3, max(float(count.max()), 2))
    first = np.argsort(-spread, kind="stable")[:MOST_DISPUTED]
    (rings,) = ax.plot(
        p[first],
        spread[first],
        linestyle="",
        marker="o",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor=VERMILION,
        markeredgewidth=1.3,
    )
    scale = ax.inset_axes((1.02, 0, 0.03, 1))
    bar = ax.figure.colorbar(shades, cax=scale, label="Instances", format="{x:,.0f}")
    bar.ax.set_ylim(1, max(float(count.max()), 2))
    bar.outline.set_visible(False)
    ax.set(xlabel="Combined probability", ylabel="Standard deviation of the predictions")
    ax.set(xlim=(-0.02, 1.02), ylim=(0, top))
    label = "most disputed" if first.size == 1 else f"the {first.size} most disputed"
    legend(ax, [rings], [label], loc="upper right")
