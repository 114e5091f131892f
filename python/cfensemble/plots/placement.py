"""Names beside points, without overlap as far as that is simple."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cfensemble._typing import Vector
from cfensemble.plots.names import literal
from cfensemble.plots.style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

FONT_SIZE = 8.5
ANGLES = np.deg2rad([0, 180, 90, 270, 45, 135, 315, 225])  # in the order of preference
REACHES = 3.0, 10.0, 18.0, 28.0, 40.0
"""Distances in points from a marker's rim to a name; a name that is not next to its marker gets a line to it."""


def place_names(ax: "Axes", points: Vector, names: Sequence[tuple[int, str]], areas: Vector, lines: Vector) -> None:
    """Write each name next to its point, where it hides least; the first ones choose first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With its final limits.
    points : ndarray of shape (m, 2)
        In data coordinates.
    names : sequence of (int, str)
        Which point, and its name.
    areas : ndarray of shape (m,)
        The markers' areas, in points^2.
    lines : ndarray of shape (k, 2, 2)
        Ends of lines that are better not written on.
    """
    scale = 72 / ax.figure.dpi
    xy = ax.transData.transform(points) * scale  # in points from here on
    frame = np.array(ax.bbox.extents) * scale
    radius = np.sqrt(areas / np.pi)
    taken = np.concatenate([xy - radius[:, None], xy + radius[:, None]], axis=1)  # left, bottom, right, top
    along = ax.transData.transform(
        (
            lines[:, :1]
            + np.linspace(0, 1, max(2, min(30, 3000 // max(len(lines), 1))))[:, None] * np.diff(lines, axis=1)
        ).reshape(-1, 2)
    )
    taken = np.concatenate([taken, np.hstack([along * scale - 1.5, along * scale + 1.5])])
    for u, name in names:
        text = ax.annotate(name, points[u], (0, 0), textcoords="offset points", fontsize=FONT_SIZE, zorder=4)
        literal([text])
        width, height = _size(text) * scale
        best = np.inf
        for reach in REACHES:
            # The middle of the name lies so that its nearest edge is at this distance from the marker's rim.
            directions = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
            away = directions * (radius[u] + reach + np.where(np.abs(directions) > 0.1, [width / 2, height / 2], 0))
            low = xy[u] + away - [width / 2, height / 2]
            boxes = np.hstack([low, low + np.array([width, height])])
            costs = _overlap(boxes, taken).sum(axis=1) + 4 * _outside(boxes, frame) + 0.05 * reach * height
            k = int(np.argmin(costs))
            if costs[k] < best:
                best, box, chosen = costs[k], boxes[k], reach
        text.set_position(tuple(box[:2] - xy[u]))
        text.set_verticalalignment("bottom")
        if chosen > REACHES[0]:
            _connect(ax, points[u], xy[u], box, scale)
        taken = np.concatenate([taken, box[None]])


def _size(text: "Annotation") -> Vector:
    """Width and height (2,) in pixels."""
    with warnings.catch_warnings():
        # Letters that matplotlib's fonts lack are the reader's fonts' affair: see `to_svg`.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        return np.array(text.get_window_extent().size)


def _overlap(boxes: Vector, others: Vector) -> Vector:
    """Common area (k, l) of each of the boxes (k, 4) with each of the others (l, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.prod(np.maximum(high - low, 0), axis=2)


def _outside(boxes: Vector, frame: Vector) -> Vector:
    """Area (k,) of each of the boxes that is outside the frame."""
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - _overlap(boxes, frame[None])[:, 0]


def _connect(ax: "Axes", point: Vector, xy: Vector, box: Vector, scale: float) -> None:
    """A thin line from the point to the nearest place of the box."""
    end = np.clip(xy, box[:2], box[2:]) - xy
    ax.annotate(
        "",
        (point[0], point[1]),
        (end[0], end[1]),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0},
        zorder=1.2,
    )
