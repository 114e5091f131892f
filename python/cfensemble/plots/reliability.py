"""Whether predicted probabilities are the frequencies that come true."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Float, Indices, Vector
from cfensemble._validation import integer
from cfensemble.plots.inputs import read_predictions
from cfensemble.plots.names import legend
from cfensemble.plots.style import GREY, PALE, drawing, line_style, marker_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Z = 1.959963984540054  # 97.5 % of a standard normal lie below
STRIP = 0.15
"""Height of the histogram below the curves, as a share of theirs."""


def calibration(
    y: ArrayLike, predictions: Mapping[str, ArrayLike], ax: "Axes | None" = None, n_bins: int = 10
) -> "Axes":
    """Draw how often instances are positive over the probability that was predicted.

    Parameters
    ----------
    y, predictions, ax
        As for `precision_recall`; of several classes draw one against the rest.
    n_bins : int, default=10
        Number of bins, >= 1. Each method's bins hold equally many predictions; equal predictions share a bin, so that
        there may be fewer.

    Returns
    -------
    matplotlib.axes.Axes
        A point per bin: its mean prediction, and its share of positives with Wilson's 95 % interval. The bins hold the
        predictions of all repeats, but an instance counts once for the interval, however often it was predicted. Below,
        how the first method's predictions are distributed, and the others' as outlines. The axes end below 1 where all
        of this is below 0.5; the last bar then has what lies beyond.

    Raises
    ------
    ValueError, TypeError, ImportError
        As `precision_recall` does, or if n_bins is no positive integer.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Examples
    --------
    >>> import numpy as np
    >>> from cfensemble import plots
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(1000)
    >>> ax = plots.calibration(rng.random(1000) < p, {"calibrated": p})
    >>> ax.get_xlabel()
    'Predicted probability'
    """
    labels, methods = read_predictions(y, predictions)
    n_bins = integer(n_bins, "n_bins", 1)
    curves = []
    for name, repeats in methods.items():
        there = ~np.isnan(repeats)
        if not there.any():
            raise ValueError(f"predictions[{name!r}] holds no prediction of a labelled instance")
        p, truth = repeats[there], np.broadcast_to(labels, repeats.shape)[there]
        curves.append((p, _bins(truth, p, n_bins, np.count_nonzero(there.any(axis=0)) / p.size)))
    largest = max(max(mean.max(), high.max()) for _, (mean, _, _, high) in curves)
    end = 1.0 if largest > 0.5 else np.ceil(21 * largest) / 20  # where positives are rare, so are large probabilities
    with drawing(ax) as ax:
        (diagonal,) = ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        handles = []
        for k, (p, (mean, rate, low, high)) in enumerate(curves):
            look = line_style(k)
            ends = [rate - low, high - rate]
            handles.append(ax.errorbar(mean, rate, yerr=ends, elinewidth=1, capsize=2, **look, **marker_style(k)))
            counts, edges = np.histogram(np.minimum(p, end), bins=20, range=(0, end))
            heights = end * (STRIP - 0.03) * counts / counts.max()
            options = {"fill": True, "facecolor": "0.7"} if k == 0 else {"edgecolor": look["color"], "linewidth": 0.9}
            ax.stairs(heights - end * STRIP, edges, baseline=-end * STRIP, zorder=1, **options)
        ax.axhline(-0.02 * end, color=PALE, linewidth=0.8, zorder=0.5)
        ax.set(xlabel="Predicted probability", ylabel="Share of positives")
        ax.set(xlim=(-0.015 * end, 1.015 * end), ylim=(-STRIP * end, 1.03 * end))
        ticks = [tick for tick in ax.yaxis.get_major_locator().tick_values(0, end) if 0 <= tick <= end]
        ax.set_yticks([-STRIP / 2 * end, *ticks], labels=["count", *(f"{tick:.2g}" for tick in ticks)])
        legend(ax, [*handles, diagonal], [*methods, "calibrated"], loc="upper left")
    return ax


def equal_bins(p: Float, n_bins: int) -> Indices:
    """The bin of each prediction (k,): as many in each, but equal predictions in one, so that some may be empty."""
    _, group, count = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2  # rank of equal predictions
    return (middle * n_bins // p.size).astype(np.int64)[group]


def _bins(y: Vector, p: Vector, n_bins: int, weight: float) -> tuple[Vector, Vector, Vector, Vector]:
    """Of each bin the mean prediction, the share of positives and its interval, a prediction counting `weight`."""
    index = equal_bins(p, n_bins)
    size = np.bincount(index)
    taken = size > 0
    mean, rate = (np.bincount(index, values)[taken] / size[taken] for values in (p, y))
    n = size[taken] * weight
    center = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    # The interval holds the rate; at 0 and 1 rounding would say otherwise.
    return mean, rate, np.clip(center - half, 0, rate), np.clip(center + half, rate, 1)
