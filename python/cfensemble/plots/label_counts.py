"""What further labels gain."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Vector
from cfensemble._validation import number
from cfensemble.plots.inputs import finite_vector, optional_matrix
from cfensemble.plots.names import legend, shown
from cfensemble.plots.style import GREY, drawing, line_style, marker_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES = ("pr-auc", "roc-auc", "accuracy")
"""Scores from 0 to 1: bands end there."""


def learning_curve(
    n_labels: ArrayLike,
    scores: ArrayLike,
    baselines: Mapping[str, ArrayLike] | None = None,
    stop: float | None = None,
    ax: "Axes | None" = None,
    *,
    name: str = "CF-Ensemble",
    metric: str = "PR-AUC",
) -> "Axes":
    """Draw how the score grows with the number of labels, and from where on more of them stop paying.

    Parameters
    ----------
    n_labels : array-like of shape (k,)
        Numbers of labels, > 0, different and in any order.
    scores : array-like of shape (k, repeats)
        The scores with so many labels, a column for each draw of the labels; NaN where there is none.
    baselines : mapping of str to array-like of shape (k, repeats), optional
        The same for other methods; their repeats may be more or fewer.
    stop : float, optional
        The number of labels from which more stop paying; marked by a vertical line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.
    name : str, default='CF-Ensemble'
        What the scores are of.
    metric : str, default='PR-AUC'
        What the scores are.

    Returns
    -------
    matplotlib.axes.Axes
        Means over the repeats, and as a band the mean's 95 % interval of Student's t distribution; no band where there
        is one repeat. The axis of label counts is logarithmic where they span a factor of five or more.

    Raises
    ------
    ValueError
        If shapes differ, counts are not positive and different, or a curve has no score at all.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> from cfensemble import plots
    >>> scores = [[0.50, 0.54], [0.62, 0.60], [0.63, 0.63]]
    >>> ax = plots.learning_curve([20, 40, 80], scores, {"plain average": [[0.5, 0.5]] * 3}, stop=40)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Labels', 'PR-AUC')
    """
    counts = finite_vector(n_labels, "n_labels")
    if counts.min() <= 0 or np.unique(counts).size < counts.size:
        raise ValueError(f"n_labels must be positive and different, got {counts.tolist()}")
    curves = [(shown(name), _summary(scores, "scores", counts.size))]
    for key, value in (baselines or {}).items():
        curves.append((shown(key), _summary(value, f"baselines[{key!r}]", counts.size)))
    end = None if stop is None else number(stop, "stop", 0)
    order = np.argsort(counts)
    with drawing(ax) as ax:
        handles, names = [], []
        for k, (label, curve) in enumerate(curves):
            mean, half = curve[:, order]
            there = ~np.isnan(mean)
            x, mean, half = counts[order][there], mean[there], half[there]
            look = line_style(k)
            handles += ax.plot(x, mean, label=label, **look, **marker_style(k))
            names.append(label)
            if (half > 0).any():
                low, high = mean - half, mean + half
                if metric.lower() in SHARES:
                    low, high = np.clip([low, high], 0, 1)
                ax.fill_between(x, low, high, color=look["color"], alpha=0.13, linewidth=0, zorder=1.5)
        if end is not None:
            handles.append(ax.axvline(end, color=GREY, linewidth=1.2, linestyle=(0, (2, 2)), zorder=1))
            names.append(f"more labels stop paying: {end:,.0f}")
        ax.set(xlabel="Labels", ylabel=metric)
        _count_axis(ax, np.sort(counts))
        legend(ax, handles, names, loc="best")
    return ax


def _summary(scores: ArrayLike, name: str, k: int) -> Vector:
    """Mean and half the interval (2, k) of each row's scores."""
    from scipy.stats import t

    shape = np.shape(scores)
    if len(shape) != 2 or shape[0] != k or shape[1] == 0:
        raise ValueError(
            f"{name} must have a row for each of the {k} counts in n_labels, and repeats, got shape {shape}"
        )
    values = optional_matrix(scores, name, shape)
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    if not count.any():
        raise ValueError(f"{name} has no score")
    mean = np.where(there, values, 0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(there, (values - mean[:, None]) ** 2, 0).sum(axis=1)
    freedom = np.maximum(count - 1, 1)
    half = np.where(count > 1, t.ppf(0.975, freedom) * np.sqrt(squares / freedom / np.maximum(count, 1)), 0)
    return np.array([np.where(count > 0, mean, np.nan), half])


def _count_axis(ax: "Axes", counts: Vector) -> None:
    if counts[-1] >= 5 * counts[0]:
        ax.set_xscale("log")
        # Of counts that lie close together, every second or third gets a label.
        gap = np.log(counts[-1] / counts[0]) / 9
        ticks = [counts[-1]]
        for count in counts[-2::-1]:
            if np.log(ticks[-1] / count) >= gap:
                ticks.append(count)
        ax.set_xticks(ticks, labels=[f"{tick:,.0f}" for tick in ticks])
        ax.minorticks_off()
