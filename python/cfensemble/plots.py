"""Pictures of fits and of what comes out of them. They need matplotlib, which is imported when the first is drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble.ensemble.collapse import MIN_NORM
from cfensemble.optimization.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which remain distinct under the common colour vision deficiencies; line styles tell the
# lines apart in grey as well.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#000000", "linewidth": 2.4, "zorder": 3},
    {"color": "#E69F00", "linestyle": "-"},
    {"color": "#56B4E9", "linestyle": "--"},
    {"color": "#009E73", "linestyle": "-."},
    {"color": "#D55E00", "linestyle": "-"},
    {"color": "#CC79A7", "linestyle": "--"},
    {"color": "#0072B2", "linestyle": "-."},
)


def loss_curves(history: History, ax: "Axes | None" = None) -> "Axes":
    """Draw L_CF and its two weighted terms over the iterations.

    Parameters
    ----------
    history : History
        Of a fitted trainer.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Without matplotlib, saying what to install.
    """
    ax = _axes(ax)
    columns = {"loss": "total", "recon_weighted": "reconstruction, weighted", "sup_weighted": "supervised, weighted"}
    for style, (column, label) in zip((_STYLES[0], _STYLES[4], _STYLES[6]), columns.items(), strict=True):
        if column == "loss" or any(history[column]):
            ax.plot(_iterations(history), history[column], label=label, **style)
    ax.set(xlabel="Iteration", ylabel="Loss", yscale="log" if min(history["loss"]) > 0 else "linear")
    ax.legend(frameon=False)
    return ax


def weight_history(history: History, ax: "Axes | None" = None, classifiers: Sequence[str] | None = None) -> "Axes":
    """Draw each classifier's weight over the iterations.

    Parameters
    ----------
    history, ax
        As for `loss_curves`.
    classifiers : sequence of str, length m, optional
        Names for the legend; default their numbers.

    Returns
    -------
    matplotlib.axes.Axes
        A dotted line shows the uniform weight below which sqrt(m) |w| counts as collapsed.
    """
    ax = _axes(ax)
    from matplotlib import colormaps

    weights = np.array(history["weights"])
    names = [f"classifier {u}" for u in range(weights.shape[1])] if classifiers is None else classifiers
    # One sequential scale in the order in which the lines end, so that the legend reads like the plot.
    order = np.argsort(-weights[-1])
    shades = colormaps["viridis"](np.linspace(0, 0.9, order.size))
    for k, (u, shade) in enumerate(zip(order, shades, strict=True)):
        dashes = ("-", "--", "-.", ":")[k % 4]
        ax.plot(_iterations(history), weights[:, u], color=shade, linestyle=dashes, linewidth=1.6, label=names[u])
    ax.axhline(MIN_NORM / order.size, color="0.4", linewidth=1, linestyle=":", zorder=0)
    ax.set(xlabel="Iteration", ylabel="Aggregator weight")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return ax


def classifier_weights(weights: Vector, ax: "Axes | None" = None, classifiers: Sequence[str] | None = None) -> "Axes":
    """Draw the classifiers' weights as bars, the largest on top.

    Parameters
    ----------
    weights : ndarray of shape (m,)
        As `get_aggregator_weights` returns them.
    ax, classifiers
        As for `weight_history`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    names = [f"classifier {u}" for u in range(len(weights))] if classifiers is None else classifiers
    order = np.argsort(weights)
    ax.barh([names[u] for u in order], weights[order], color=_STYLES[6]["color"], height=0.7)
    ax.axvline(0, color="0.2", linewidth=1)
    ax.set(xlabel="Aggregator weight, in log-odds")
    return ax


def precision_recall_curves(y: Vector, predictions: Mapping[str, Float], ax: "Axes | None" = None) -> "Axes":
    """Draw the precision-recall curve of every method.

    Parameters
    ----------
    y : ndarray of shape (n,)
        True labels, 1 or 0, of the instances to be judged.
    predictions : mapping of str to ndarray of shape (n,)
        Each method's probabilities for them; the first is drawn on top.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    ax = _axes(ax)
    for i, (name, p) in enumerate(predictions.items()):
        precision, recall, _ = precision_recall_curve(y, p)
        style = {"linewidth": 1.4} | _STYLES[i % len(_STYLES)]
        label = f"{name} ({average_precision_score(y, p):.3f})"
        ax.plot(recall, precision, drawstyle="steps-post", label=label, **style)
    ax.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    ax.legend(title="Method (PR-AUC)", loc="lower left", frameon=False)
    return ax


def _iterations(history: History) -> range:
    return range(1, len(history.records) + 1)


def _axes(ax: "Axes | None") -> "Axes":
    if ax is None:
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError("plots need matplotlib: pip install 'cfensemble[cli]'") from error
        ax = plt.subplots(layout="constrained")[1]
    ax.spines[["top", "right"]].set_visible(False)
    return ax
