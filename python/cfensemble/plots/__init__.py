"""Pictures of ensembles, of fits and of what comes out of them.

Every function takes arrays or a fitted model and, optionally, the matplotlib Axes to draw on, and returns these Axes.
Nothing is shown and no setting of matplotlib is changed. matplotlib is imported when the first picture is drawn.
"""

from cfensemble.plots.curves import precision_recall, roc
from cfensemble.plots.disputes import disagreement
from cfensemble.plots.factor_map import classifier_map, factors
from cfensemble.plots.history_lines import loss_curves, weight_history
from cfensemble.plots.label_counts import learning_curve
from cfensemble.plots.missing import missing_pattern
from cfensemble.plots.reliability import calibration
from cfensemble.plots.style import STYLE, style
from cfensemble.plots.svg import to_svg
from cfensemble.plots.weight_bars import classifier_weights, weights

__all__ = [
    "STYLE",
    "calibration",
    "classifier_map",
    "classifier_weights",
    "disagreement",
    "factors",
    "learning_curve",
    "loss_curves",
    "missing_pattern",
    "precision_recall",
    "roc",
    "style",
    "to_svg",
    "weight_history",
    "weights",
]
