"""The classifiers as points of a plane: which agree, and which are all but copies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Indices, Vector
from cfensemble._validation import factor_matrix
from cfensemble.plots.inputs import finite_vector
from cfensemble.plots.models import fitted_factors, fitted_names, fitted_weights
from cfensemble.plots.names import check_names, legend
from cfensemble.plots.placement import place_names
from cfensemble.plots.style import BLUE, GREY, PALE, VERMILION, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COPY = 0.99
"""Classifiers whose factors correlate more than this are linked."""
MOST, FEW = 40, 15
"""Classifiers that are named: of more, only a few, with room for their names."""
CROWD = 100


def classifier_map(
    factors: ArrayLike,
    names: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the classifiers by the two principal axes of their latent factors, and link those that are near copies.

    Parameters
    ----------
    factors : array-like of shape (d, m)
        A column of latent factors for each classifier, as X of the trainers and of `FactorModel`.
    names : sequence of str, length m, optional
        The classifiers' names; default their numbers. Of more than 40 classifiers only the 15 with the largest
        weights, or without weights those with the longest factors, are named.
    weights : array-like of shape (m,), optional
        The larger a classifier's weight, the larger its point; it is hollow if the weight is negative.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.

    Returns
    -------
    matplotlib.axes.Axes
        The principal axes are those of the factors about 0, the point of a classifier that says nothing, which a cross
        marks if it is in view; the labels have the share of the factors' squares along them. Classifiers in the same
        direction from it say the same, the further the louder. Lines link those whose factors, all d of them, have a
        cosine above 0.99, each to its nearest; a single latent dimension has no directions to compare. The legend lies
        above the axes, so that the figure needs a layout engine.

    Raises
    ------
    ValueError
        If factors are not finite, or names or weights are not those of m classifiers.
    ImportError
        Without matplotlib, saying what to install.

    Examples
    --------
    >>> from cfensemble import plots
    >>> ax = plots.classifier_map([[1.0, 0.9, 0.2], [0.1, 0.1, 0.8]], ["forest", "trees", "linear"])
    >>> len(ax.collections[0].get_segments())  # the forest and the trees are linked
    1
    """
    X = np.asarray(factor_matrix(factors, "factors"), np.float64)
    m = X.shape[1]
    named = check_names(names, m)
    w = None if weights is None else finite_vector(weights, "weights", m)
    points, share = _principal(X)
    copies = _near_copies(X)
    with drawing(ax) as ax:
        from matplotlib.collections import LineCollection

        links = LineCollection(
            list(points[copies]),
            colors=VERMILION,
            linewidths=1.2 if m <= CROWD else 0.4,
            zorder=1.5,
            rasterized=m > CROWD,
        )
        ax.add_collection(links)
        size = np.full(m, 36.0) if w is None else _area(w, w)
        shrink = min(1, CROWD / m)
        hollow = np.zeros(m, bool) if w is None else w < 0
        back = np.argsort(-size, kind="stable")  # to front: the small ones stay in sight
        look: dict[str, Any] = {
            "c": np.where(hollow, "white", BLUE)[back],
            "edgecolors": np.where(hollow, VERMILION, "white")[back],
        }
        ax.scatter(
            points[back, 0],
            points[back, 1],
            shrink * size[back],
            linewidths=0.8 * shrink,
            zorder=2,
            rasterized=m > CROWD,
            **look,
        )
        ax.margins(0.18)
        ax.autoscale_view()
        low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
        if np.all((low <= 0) & (high >= 0)):
            ax.plot(0, 0, marker="+", markersize=9, color=GREY, linestyle="", zorder=1)
        for line, there in ((ax.axvline, low[0] <= 0 <= high[0]), (ax.axhline, low[1] <= 0 <= high[1])):
            if there:
                line(0, color=PALE, linewidth=0.8, zorder=0)
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        ax.set_xlabel(f"First principal axis of the factors ({100 * share[0]:.0f} %)")
        ax.set_ylabel(f"Second principal axis ({100 * share[1]:.0f} %)")
        _explain(ax, w, shrink, len(copies) > 0)
        first = np.argsort(-(np.abs(w) if w is not None else np.linalg.norm(X, axis=0)), kind="stable")
        first = first[: MOST if m <= MOST else FEW]
        place_names(ax, points, [(int(u), named[u]) for u in first], size, points[copies])
    return ax


def factors(model: Any, names: Sequence[str] | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw a fitted model's map of the classifiers; see `classifier_map`.

    Parameters
    ----------
    model : CFEnsembleClassifier, CFStackingClassifier, Combiner, MulticlassCombiner or trainer
        Fitted. Of several classes a classifier's factors are those of all its classes.
    names : sequence of str, length m, optional
        Default: those that the model was fitted with, or else numbers.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If the model has no factors.

    Examples
    --------
    >>> from cfensemble import CFEnsembleClassifier, plots
    >>> P = [[0.9, 0.8, 0.6], [0.2, 0.4, 0.3], [0.7, 0.6, 0.9], [0.1, 0.3, 0.2]]
    >>> ax = plots.factors(CFEnsembleClassifier().fit(P, [1, 0, -1, -1]))
    """
    return classifier_map(fitted_factors(model), fitted_names(model, names), fitted_weights(model), ax)


def _principal(X: Vector) -> tuple[Vector, Vector]:
    """Coordinates (m, 2) of the columns of X on their two principal axes, and the axes' shares of the squares."""
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    flip = np.where((U.T @ X).sum(axis=1) < 0, -1.0, 1.0)  # the same picture each time, most of it on the right
    points = np.zeros((X.shape[1], 2))
    share = np.zeros(2)
    k = min(2, s.size)
    points[:, :k] = ((U * flip).T @ X)[:k].T
    if s[0] > 0:
        share[:k] = (s**2 / np.sum(s**2))[:k]
    return points, share


def _near_copies(X: Vector) -> Indices:
    """Pairs (k, 2) of columns that link all those with a cosine above `COPY`, the nearest to each other, in trees."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    norm = np.linalg.norm(X, axis=0)
    if len(X) < 2:
        return np.empty((0, 2), np.int64)
    unit = X / np.where(norm > 0, norm, 1)
    cosine = np.triu(unit.T @ unit, 1)
    cosine[cosine <= COPY] = 0
    distance = csr_array(np.where(cosine > 0, np.maximum(1 - cosine, 0) + 1e-12, 0))  # 0 is no link to the tree
    return np.argwhere(minimum_spanning_tree(distance).toarray() > 0)


def _area(values: Vector, w: Vector) -> Vector:
    """Area in points^2 of the markers of these values among the weights w."""
    return 14 + 240 * np.abs(values) / (np.abs(w).max() or 1)


def _explain(ax: "Axes", w: Vector | None, shrink: float, linked: bool) -> None:
    """A legend of sizes and of links, as far as there are some."""
    handles: list[Any] = []
    labels: list[str] = []
    if w is not None and w.any():
        for value in (np.abs(w).max(), np.abs(w).max() / 4):
            handles.append(ax.scatter([], [], s=shrink * float(_area(np.array(value), w)), color=BLUE))
            labels.append(f"weight {value:.2g}")
        if (w < 0).any():
            handles.append(ax.scatter([], [], s=shrink * 60, color="white", edgecolors=VERMILION, linewidths=0.8))
            labels.append("negative")
    if linked:
        handles += ax.plot([], [], color=VERMILION, linewidth=1.2)
        labels.append("alike without their noise")
    if handles:
        columns = 4 if ax.bbox.width > 4.5 * ax.figure.dpi else 2
        legend(ax, handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=columns, frameon=False)
