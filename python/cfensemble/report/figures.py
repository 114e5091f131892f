"""The report's figures: each with its caption, and the same in words for those who do not see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from cfensemble import plots
from cfensemble.plots.models import fitted_factors
from cfensemble.report import captions
from cfensemble.report.analysis import Analysis, calibrated
from cfensemble.report.scores import AVERAGE
from cfensemble.report.subject import OURS
from cfensemble.report.svg import embed
from cfensemble.report.words import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 5.2, 3.8
"""In inches: small, so that letters remain legible on a telephone."""
MAX_CLASSIFIERS = 30


@dataclass(frozen=True)
class Figure:
    """A picture, what it shows, and what was found."""

    key: str
    svg: Markup
    caption: str


def draw(analysis: Analysis) -> dict[str, Figure]:
    """Draw all that can be drawn, by key."""
    subject, cv, c = analysis.subject, analysis.cv, analysis.contributions
    names, R = subject.classifiers, subject.flat
    m = len(names)
    found: dict[str, Figure] = {}

    def add(
        key: str,
        label: str,
        caption: str,
        picture: "Callable[[Axes], object]",
        height: float = HEIGHT,
        width: float = WIDTH,
    ) -> None:
        found[key] = Figure(key, embed(_picture(picture, height, width), key, label), caption)

    if np.isnan(R).any():
        add(
            "missing",
            "Shares of missing predictions by classifier, and the most frequent patterns",
            captions.missing(subject),
            lambda ax: plots.missing_pattern(R, names, ax),
            height=max(HEIGHT, 1.8 + 0.19 * min(m, MAX_CLASSIFIERS)),
            width=6.4,
        )
    if cv is not None and not subject.is_multiclass:
        shown = dict.fromkeys((OURS, AVERAGE, cv.best_baseline))
        predictions: Any = {name: cv.predictions[name] for name in shown}
        add(
            "precision-recall",
            "Precision against recall of the combination, the plain average and the best other method",
            captions.curves_pr(cv),
            lambda ax: plots.precision_recall(cv.y, predictions, ax),
        )
        add(
            "roc",
            "ROC curves of the combination, the plain average and the best other method",
            captions.curves_roc(cv),
            lambda ax: plots.roc(cv.y, predictions, ax),
        )
    y, given = (np.zeros(0), {}) if cv is None else calibrated(subject, cv)

    def calibration(ax: "Axes") -> None:
        plots.calibration(y, given, ax)
        if subject.is_multiclass:
            ax.set_ylabel("Share that is right")

    if np.unique(y).size == 2:  # of several classes, every row may have been right
        add(
            "calibration",
            "Share of rows that are as predicted, against the predicted probability",
            captions.calibration(analysis),
            calibration,
        )

    def weights(ax: "Axes") -> None:
        if not np.isfinite(c.own).any():
            plots.classifier_weights(c.weights, names, ax=ax)
            return
        plots.classifier_weights(c.weights, names, c.own, c.intervals, ax)
        if subject.is_multiclass:
            ax.child_axes[0].set_xlabel("Own accuracy")

    add(
        "weights",
        "Weight of each classifier, and how good it is by itself",
        captions.weights(analysis),
        weights,
        height=max(HEIGHT, 1.5 + 0.24 * min(m, MAX_CLASSIFIERS)),
    )
    if m > 2:
        factors = fitted_factors(subject.model)
        add(
            "map",
            "Map of the classifiers: those that predict alike lie close together",
            f"{captions.redundancy(analysis)}{captions.links(factors)}",
            lambda ax: plots.classifier_map(factors, names, np.abs(c.weights), ax),
            height=4.4,
        )
    history = analysis.training.history
    if history is not None:
        add(
            "losses",
            "Loss over the iterations",
            captions.losses(analysis),
            lambda ax: plots.loss_curves(history, ax),
        )
        add(
            "weight-history",
            "Each classifier's weight over the iterations",
            captions.weight_paths(analysis),
            lambda ax: plots.weight_history(history, ax, names),
        )
    if m > 1 and np.isfinite(analysis.disputes.spread).any():
        add(
            "disagreement",
            "Standard deviation of the classifiers' predictions against the combined probability",
            captions.disagreement(analysis),
            lambda ax: plots.disagreement(R, subject.flat_p, ax),
        )
    curve = analysis.learning
    if curve is not None:
        (_, scores), *rest = curve.scores.items()
        others: Any = dict(rest)
        add(
            "learning",
            f"{METRICS[curve.metric]} against the number of labels",
            captions.learning(curve),
            lambda ax: plots.learning_curve(
                curve.n_labels,
                scores,
                others,
                curve.stop if curve.is_flat else None,
                ax,
                metric=METRICS[curve.metric].replace("log", "Log"),
            ),
        )
    return found


def _picture(draw: "Callable[[Axes], object]", height: float, width: float) -> str:
    from matplotlib.figure import Figure as Canvas

    with plots.style():
        canvas = Canvas(figsize=(width, height), layout="constrained")
        draw(canvas.add_subplot())
    return plots.to_svg(canvas)
