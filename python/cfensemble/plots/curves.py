"""Precision-recall and ROC curves, with bands over repeated cross-validation."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Vector
from cfensemble.plots.inputs import read_predictions
from cfensemble.plots.names import legend
from cfensemble.plots.style import GREY, drawing, line_style, marker_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

N_POINTS = 201
RANGE = 2.5, 97.5
"""Percentiles over the repeats that bound a band."""


def precision_recall(y: ArrayLike, predictions: Mapping[str, ArrayLike], ax: "Axes | None" = None) -> "Axes":
    """Draw each method's precision over recall, and the positive rate, which a constant prediction has as precision.

    Parameters
    ----------
    y : array-like of shape (n,)
        True labels, 1 or 0; instances with NaN are left out. Of several classes draw one against the rest:
        ``precision_recall(y == "cat", {"combined": P[:, 0]})`` if column 0 of P is the probability of a cat.
    predictions : mapping of str to array-like of shape (n,) or (repeats, n)
        Each method's probabilities of the positive class, from each repeat of a cross-validation, say; NaN where there
        is none. The first method is drawn on top.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.

    Returns
    -------
    matplotlib.axes.Axes
        Precision at a recall is that of the highest threshold that reaches it, so that the area below a curve is its
        average precision; the legend has the mean over the repeats. Several repeats are drawn as the mean of their
        precisions at the same recall, and a band from the 2.5th to the 97.5th percentile: the range over the repeats,
        not a confidence interval. With more than 200 different recalls, curves are read at 200 of them.

    Raises
    ------
    ValueError
        If y does not hold both 0 and 1, shapes differ, predictions leave [0, 1], or a method predicts no positive.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> from cfensemble import plots
    >>> y = [0, 0, 1, 1, 0, 1]
    >>> ax = plots.precision_recall(y, {"ours": [0.1, 0.4, 0.8, 0.9, 0.2, 0.3], "coin": [0.5] * 6})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Recall', 'Precision')
    """
    labels, methods = read_predictions(y, predictions)
    curves = {name: _each_repeat(name, labels, p, _precision_recall_curve) for name, p in methods.items()}
    with drawing(ax) as ax:
        rate = labels.mean()
        base = ax.axhline(rate, color=GREY, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        handles, names, largest = [], [], 0.0
        for k, (name, repeats) in enumerate(curves.items()):
            grid = np.unique(np.concatenate([recall.round(12) for recall, _ in repeats]))
            if grid.size >= N_POINTS:
                grid = np.linspace(0, 1, N_POINTS)[1:]
            at = [precision[np.searchsorted(recall, grid - 1e-9)] for recall, precision in repeats]
            # A recall's precision holds from the next lower one on.
            values = np.concatenate([np.array(at)[:, :1], at], axis=1)
            handles.append(_draw(ax, k, name, np.concatenate([[0], grid]), values, "steps-pre"))
            area = float(np.mean([np.diff(recall, prepend=0) @ precision for recall, precision in repeats]))
            names.append(f"{name}  {area:.3f}")
            largest = max(largest, area)
        ax.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1.01), ylim=(0, 1.03))
        # Good curves leave room at the lower left, above or below the positive rate; poor ones at the upper right.
        place: dict[str, Any] = {"loc": "upper right"}
        if largest > 0.5:
            place = {"loc": "lower left", "bbox_to_anchor": (0, rate if rate < 0.4 else 0)}
        legend(ax, [*handles, base], [*names, f"positive rate  {rate:.3f}"], title="Area (PR-AUC)", **place)
    return ax


def roc(y: ArrayLike, predictions: Mapping[str, ArrayLike], ax: "Axes | None" = None) -> "Axes":
    """Draw each method's true positive rate over its false positive rate, and the line of guessing.

    Parameters
    ----------
    y, predictions, ax
        As for `precision_recall`.

    Returns
    -------
    matplotlib.axes.Axes
        The legend has the area below each curve, the mean over the repeats. Several repeats are interpolated at 201
        false positive rates, a long curve at 1005, and drawn as `precision_recall` does.

    Raises
    ------
    ValueError, ImportError
        As `precision_recall` does, or if a method predicts no negative.

    Examples
    --------
    >>> from cfensemble import plots
    >>> ax = plots.roc([0, 0, 1, 1], {"ours": [[0.1, 0.4, 0.8, 0.9], [0.2, 0.3, 0.1, 0.9]]})
    >>> ax.lines[0].get_xdata().size
    201
    """
    labels, methods = read_predictions(y, predictions)
    curves = {name: _each_repeat(name, labels, p, _roc_curve) for name, p in methods.items()}
    with drawing(ax) as ax:
        handles, names = [], []
        for k, (name, repeats) in enumerate(curves.items()):
            grid, rates = repeats[0]
            values = rates[None]
            if len(repeats) > 1 or grid.size > 5 * N_POINTS:
                grid = np.linspace(0, 1, N_POINTS if len(repeats) > 1 else 5 * N_POINTS)
                values = np.array([np.interp(grid, false, true) for false, true in repeats])
                values[:, 0] = 0
            handles.append(_draw(ax, k, name, grid, values, "default"))
            area = float(np.mean([np.trapezoid(true, false) for false, true in repeats]))
            names.append(f"{name}  {area:.3f}")
        (chance,) = ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        ax.set(xlabel="False positive rate", ylabel="True positive rate", xlim=(-0.01, 1), ylim=(0, 1.03))
        legend(ax, [*handles, chance], [*names, "guessing  0.500"], title="Area (ROC-AUC)", loc="lower right")
    return ax


Curve = tuple[Vector, Vector]


def _each_repeat(name: str, y: Vector, p: Vector, curve: Callable[[Vector, Vector], Curve | None]) -> list[Curve]:
    """The curve of each repeat that has one."""
    seen = [~np.isnan(row) for row in p]
    curves = [made for row, there in zip(p, seen, strict=True) if (made := curve(y[there], row[there])) is not None]
    if not curves:
        raise ValueError(f"predictions[{name!r}]: where it predicts, the labels in y are of one class only")
    return curves


def _precision_recall_curve(y: Vector, p: Vector) -> Curve | None:
    """Ascending recalls above 0 and the precision of the highest threshold that reaches each."""
    from sklearn.metrics import precision_recall_curve

    if not y.any():
        return None
    precision, recall, _ = precision_recall_curve(y, p)
    precision, recall = precision[-2::-1], recall[-2::-1]
    first = np.diff(recall, prepend=0) > 0
    return recall[first], precision[first]


def _roc_curve(y: Vector, p: Vector) -> Curve | None:
    """Ascending false positive rates and the true positive rates."""
    from sklearn.metrics import roc_curve

    if y.size == 0 or y.min() == y.max():
        return None
    false, true, _ = roc_curve(y, p)
    return false, true


def _draw(ax: "Axes", k: int, name: str, x: Vector, repeats: Vector, drawstyle: str) -> "Line2D":
    """The mean of the curves (repeats, points), and the band that most of them lie in."""
    look = line_style(k)
    marks = marker_style(k) | {"markevery": (0.04 + 0.03 * (k % 5), 0.17), "markersize": 4} if k else {}
    (line,) = ax.plot(x, repeats.mean(axis=0), drawstyle=drawstyle, label=name, **look, **marks)
    if len(repeats) > 1:
        low, high = np.percentile(repeats, RANGE, axis=0)
        step: Any = "pre" if drawstyle == "steps-pre" else None
        ax.fill_between(x, low, high, step=step, color=look["color"], alpha=0.13, linewidth=0, zorder=1.5)
    return line
