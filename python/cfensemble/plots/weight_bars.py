"""The classifiers' weights, beside how good each classifier is on its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cfensemble.plots.inputs import finite_vector, optional_matrix
from cfensemble.plots.models import fitted_names, fitted_weights
from cfensemble.plots.names import check_names, label_rows
from cfensemble.plots.style import BLUE, PALE, VERMILION, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 30
"""Classifiers that are shown; of more, those with the most and the least weight."""
BARS = 0.56
"""Share of the width that the bars have where there are scores beside them."""


def classifier_weights(
    weights: ArrayLike,
    names: Sequence[str] | None = None,
    scores: ArrayLike | None = None,
    intervals: ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the classifiers' weights as bars, the largest on top, and beside them each classifier's own PR-AUC.

    Parameters
    ----------
    weights : array-like of shape (m,)
        As `get_aggregator_weights` returns them.
    names : sequence of str, length m, optional
        The classifiers' names; default their numbers.
    scores : array-like of shape (m,), optional
        Each classifier's own PR-AUC, NaN where it is unknown. Default: no second panel.
    intervals : array-like of shape (m, 2), optional
        Lower and upper end of each score's interval, NaN where unknown.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes, of a height that fits the number of classifiers.

    Returns
    -------
    matplotlib.axes.Axes
        Those of the bars, which leave the right part to the scores, ``ax.child_axes[0]``. Negative weights are hatched.
        Of more than 30 classifiers the 15 with the most and the 15 with the least weight are shown.

    Raises
    ------
    ValueError
        If the lengths differ, weights are not finite, or intervals come without scores.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> from cfensemble import plots
    >>> ax = plots.classifier_weights([0.2, 0.9], ["tree", "forest"], [0.5, 0.8], [[0.4, 0.6], [0.7, 0.9]])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['forest', 'tree']
    """
    w = finite_vector(weights, "weights")
    m = w.size
    named = check_names(names, m)
    own = None if scores is None else optional_matrix(scores, "scores", (m,))
    ends = None if intervals is None else optional_matrix(intervals, "intervals", (m, 2))
    if ends is not None and own is None:
        raise ValueError("intervals are given without the scores that they belong to")
    order = np.argsort(-w, kind="stable")
    hidden = max(m - MOST, 0)
    if hidden:
        order = np.concatenate([order[: MOST // 2], order[-MOST // 2 :]])
    rows = np.arange(order.size, dtype=float)
    if hidden:
        rows[MOST // 2 :] += 1  # a line for those that are left out
    with drawing(ax, (6.4, 0.9 + 0.24 * max(rows.size, 5))) as ax:
        bars = ax.barh(rows, w[order], height=0.68, color=BLUE, linewidth=0)
        for bar, weight in zip(bars, w[order], strict=True):
            if weight < 0:
                bar.set(facecolor="white", edgecolor=VERMILION, hatch="/////", linewidth=1)
        ax.axvline(0, color="0.3", linewidth=0.8)
        ticks, shown = list(rows), [named[u] for u in order]
        if hidden:
            ticks.insert(MOST // 2, MOST // 2)
            shown.insert(MOST // 2, f"… {hidden:,} more …")
        label_rows(ax, ticks, shown)
        space = max(0.6, 1.5 - rows[-1] / 2)  # two bars do not fill the axes
        ax.set(xlabel="Weight, in log-odds", ylim=(rows[-1] + space, -space))
        ax.spines["left"].set_visible(False)
        if own is not None:
            _make_room(ax)
            _draw_scores(ax, rows, own[order], None if ends is None else ends[order])
    return ax


def weights(
    model: Any,
    names: Sequence[str] | None = None,
    scores: ArrayLike | None = None,
    intervals: ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a fitted model's weights of the classifiers; see `classifier_weights`.

    Parameters
    ----------
    model : CFEnsembleClassifier, CFStackingClassifier, Combiner, MulticlassCombiner or trainer
        Fitted.
    names : sequence of str, length m, optional
        Default: those that the model was fitted with, or else numbers.
    scores, intervals, ax
        As for `classifier_weights`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If the model has no weights of classifiers.

    Examples
    --------
    >>> from cfensemble import CFEnsembleClassifier, plots
    >>> model = CFEnsembleClassifier().fit([[0.9, 0.8], [0.2, 0.4], [0.7, 0.6], [0.1, 0.3]], [1, 0, -1, -1])
    >>> ax = plots.weights(model, ["forest", "tree"])
    """
    return classifier_weights(fitted_weights(model), fitted_names(model, names), scores, intervals, ax)


def _make_room(ax: "Axes") -> None:
    """Keep what is drawn in the left part of the axes, and their scale and label with it."""
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.xaxis.get_major_locator().tick_values(low, high) if low <= tick <= high]
    ax.set_xticks(ticks[:: 1 + len(ticks) // 5])
    ax.set_xlim(low, low + (high - low) / BARS)
    ax.spines["bottom"].set_bounds(low, high)
    ax.set_xlabel("Weight,\nin log-odds", x=BARS / 2)


def _draw_scores(ax: "Axes", rows: Any, scores: Any, intervals: Any) -> None:
    """Dots and intervals in a panel to the right of the bars."""
    panel = ax.inset_axes((BARS + 0.06, 0, 0.93 - BARS, 1), sharey=ax)
    panel.patch.set_visible(False)
    panel.tick_params(labelleft=False, left=False)
    panel.spines[["left", "top", "right"]].set_visible(False)
    largest = np.nanmax(np.concatenate([[0.0], scores, np.ravel([] if intervals is None else intervals)]))
    end = 1.0 if largest > 0.5 else max(largest, 0.01)  # poor scores differ as well
    panel.hlines(rows, 0, end, color=PALE, linewidth=0.7, zorder=0)
    if intervals is not None:
        panel.hlines(rows, *intervals.T, color="0.2", linewidth=1.3, zorder=2)
    panel.plot(
        scores,
        rows,
        linestyle="",
        marker="o",
        markersize=5,
        color=VERMILION,
        markeredgecolor="0.1",
        zorder=3,
        clip_on=False,
    )
    panel.set(xlabel="Own\nPR-AUC", xlim=(0, 1.02 * end))
    panel.locator_params(axis="x", nbins=3)
    panel.xaxis.set_major_formatter("{x:g}")
