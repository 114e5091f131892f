"""What happened during a fit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cfensemble._typing import Vector
from cfensemble._validation import integer
from cfensemble.ensemble.collapse import MIN_NORM
from cfensemble.optimization.history import History
from cfensemble.plots.names import check_names, legend
from cfensemble.plots.style import BLACK, BLUE, DASHES, GREY, MARKERS, PALE, VERMILION, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 20
"""Classifiers whose weights are named; of more, those whose last weights are largest."""


def loss_curves(history: History, ax: "Axes | None" = None, frozen: int | None = None) -> "Axes":
    """Draw L_CF and its two weighted terms over the iterations.

    Parameters
    ----------
    history : History
        Of a fitted trainer.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.
    frozen : int, optional
        Number of first iterations in which the aggregator was not updated, which are shaded; 0 for none. Default: those
        over which the recorded weights do not change, if they are more than one and the weights change later.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no iteration, or frozen is not between 0 and their number.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> from cfensemble import CFEnsembleTrainer, EnsembleData, generate_simple_ensemble_data, plots
    >>> R, labels, _, _ = generate_simple_ensemble_data(random_state=0)
    >>> trainer = CFEnsembleTrainer(freeze_aggregator_iters=5, tol=0.01).fit(EnsembleData(R, labels))
    >>> ax = plots.loss_curves(trainer.history)
    """
    iterations = _iterations(history)
    frozen = _frozen(history, frozen)
    lines = {
        "loss": ("total", {"color": BLACK, "linewidth": 2.2, "zorder": 3}),
        "recon_weighted": ("reconstruction, weighted", {"color": VERMILION, "linestyle": DASHES[1]}),
        "sup_weighted": ("supervised, weighted", {"color": BLUE, "linestyle": DASHES[3]}),
    }
    with drawing(ax) as ax:
        handles: list[Any] = []
        for column, (label, look) in lines.items():
            if column == "loss" or any(history[column]):
                alone = "o" if iterations.size == 1 else None
                handles += ax.plot(iterations, history[column], label=label, marker=alone, **look)
        _shade(ax, frozen, handles)
        # A log scale shows how the losses settle, but only if all of them are positive.
        values = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines])
        ax.set(xlabel="Iteration", ylabel="Loss")
        if values.min() > 0:
            ax.set_yscale("log")
            _write_plainly(ax)
        _fit_iterations(ax, iterations)
        legend(ax, handles, [str(handle.get_label()) for handle in handles], loc="best")
    return ax


def weight_history(
    history: History,
    ax: "Axes | None" = None,
    names: Sequence[str] | None = None,
    frozen: int | None = None,
) -> "Axes":
    """Draw each classifier's weight over the iterations, and when weights count as collapsed.

    Parameters
    ----------
    history, ax
        As for `loss_curves`.
    names : sequence of str, length m, optional
        The classifiers' names; default their numbers.
    frozen : int, optional
        As for `loss_curves`.

    Returns
    -------
    matplotlib.axes.Axes
        The legend names the classifiers in the order in which their lines end, of more than 20 those with the largest
        last weights, the others being the range that they span; it lies beside the axes, so that the figure needs a
        layout engine. The hatched band around 0 is where an aggregator has collapsed once all weights lie in it:
        sqrt(m) |w| < 0.1.

    Raises
    ------
    ValueError, ImportError
        As for `loss_curves`, or if there is not a name for each classifier.

    Examples
    --------
    >>> from cfensemble import CFEnsembleTrainer, EnsembleData, generate_simple_ensemble_data, plots
    >>> R, labels, _, _ = generate_simple_ensemble_data(random_state=0)
    >>> trainer = CFEnsembleTrainer(tol=0.01).fit(EnsembleData(R, labels))
    >>> ax = plots.weight_history(trainer.history)
    >>> ax.get_ylabel()
    'Aggregator weight'
    """
    iterations = _iterations(history)
    frozen = _frozen(history, frozen)
    weights = np.array(history["weights"], np.float64)
    m = weights.shape[1]
    named = check_names(names, m)
    largest = np.argsort(-np.abs(weights[-1]), kind="stable")[:MOST]
    order = largest[np.argsort(-weights[-1, largest], kind="stable")]
    with drawing(ax) as ax:
        from matplotlib import colormaps

        handles: list[Any] = []
        # One sequential scale in the order in which the lines end, so that the legend reads like the plot.
        for k, (u, shade) in enumerate(zip(order, colormaps["viridis"](np.linspace(0, 0.88, order.size)), strict=True)):
            look: dict[str, Any] = {"linestyle": DASHES[k % len(DASHES)], "marker": MARKERS[k % len(MARKERS)]}
            if iterations.size > 1:
                look["markevery"] = (0.03 + 0.02 * (k % 7), 0.2)
            handles += ax.plot(
                iterations, weights[:, u], color=shade, linewidth=1.4, markersize=3.5, label=named[u], **look
            )
        labels = [named[u] for u in order]
        others = np.setdiff1d(np.arange(m), order)
        if others.size:
            low, high = weights[:, others].min(axis=1), weights[:, others].max(axis=1)
            handles.append(ax.fill_between(iterations, low, high, color="0.8", linewidth=0, zorder=0.7))
            labels.append(f"range of {others.size:,} others")
        band = ax.axhspan(-MIN_NORM / m, MIN_NORM / m, facecolor="none", edgecolor=GREY, hatch="//////", zorder=0.6)
        band.set_linewidth(0.6)
        handles.append(band)
        labels.append("collapsed, if all lie here")
        shaded = len(handles)
        _shade(ax, frozen, handles)
        labels += [str(handle.get_label()) for handle in handles[shaded:]]
        ax.set(xlabel="Iteration", ylabel="Aggregator weight")
        _fit_iterations(ax, iterations)
        legend(ax, handles, labels, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return ax


def _write_plainly(ax: "Axes") -> None:
    """Write the numbers of a log scale without powers of ten: 0.6 and 3, not 6 x 10^-1 and 3 x 10^0."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""  # it knows which there is room for

    ax.yaxis.set_major_formatter(Plain())
    ax.yaxis.set_minor_formatter(Plain(minor_thresholds=(2, 0.6)))


def _iterations(history: History) -> Vector:
    if not isinstance(history, History):
        raise TypeError(f"history must be a trainer's History, got {type(history).__name__}")
    if not history.records:
        raise ValueError("history has no iteration")
    return np.arange(1.0, len(history.records) + 1)


def _frozen(history: History, frozen: int | None) -> int:
    """How many first iterations did not update the aggregator."""
    weights = np.array(history["weights"])
    if frozen is not None:
        return integer(frozen, "frozen", 0, len(weights))
    changed = (weights != weights[0]).any(axis=1)
    first = int(np.argmax(changed)) if changed.any() else 0
    return first if first > 1 else 0


def _shade(ax: "Axes", frozen: int, handles: list[Any]) -> None:
    if frozen:
        handles.append(ax.axvspan(0.5, frozen + 0.5, color=PALE, linewidth=0, zorder=0.5, label="aggregator frozen"))


def _fit_iterations(ax: "Axes", iterations: Vector) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0.5, iterations[-1] + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
