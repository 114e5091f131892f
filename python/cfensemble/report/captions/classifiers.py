"""Captions: which classifiers carry it, which are redundant or harmful."""

import numpy as np

from cfensemble._typing import Vector
from cfensemble.plots.factor_map import COPY
from cfensemble.report.analysis import Analysis
from cfensemble.report.contributions import MAX_DROPPED, NEAR_COPY, Contributions
from cfensemble.report.subject import Subject
from cfensemble.report.words import change, listed, number, percent, plural, with_article

AGAINST = 0.02
"""Negative weights are mentioned from this share of the largest weight's size on."""


def weights(analysis: Analysis) -> str:
    """Say which classifiers carry the combination."""
    c, names = analysis.contributions, analysis.subject.classifiers
    size = np.abs(c.weights)
    order = np.argsort(-size, kind="stable")
    if not size.any():
        return "No classifier has any weight."
    if len(names) == 1:
        return f"{names[0]} is the only classifier: it is recalibrated, and nothing is combined."
    half = int(np.searchsorted(np.cumsum(size[order]) / size.sum(), 0.5)) + 1
    carried = plural(half, "classifier carries", "classifiers carry")
    text = f"{carried} half of the weight of all {len(names):,}: {listed([names[u] for u in order[:half]])}."
    if np.isfinite(c.own).any():
        text += _best_by_itself(c, names, "accuracy" if analysis.subject.is_multiclass else "PR-AUC")
    against = [names[u] for u in order if c.weights[u] < -AGAINST * size.max()]
    if against:
        text += f" Read against what they say: {listed(against)}."
    return text


def what_weights_are(subject: Subject) -> str:
    """Say what a weight means."""
    if subject.model.solver == "auto":
        move = "how far the combined log-odds move when the classifier's move by their standard deviation"
        return f"Weight: {move}, and its share of all weights."
    return "Weight: what the combined log-odds gain per unit of the classifier's reconstruction, and its share."


def _best_by_itself(c: Contributions, names: tuple[str, ...], metric: str) -> str:
    best = int(np.nanargmax(c.own))
    text = f" By itself {names[best]} is best, with {with_article(metric)} of {number(c.own[best])}"
    rivals = int(np.sum(c.intervals[:, 1] >= c.own[best])) - 1
    if rivals > 0:
        return (
            f"{text}; {plural(rivals, 'other has an interval', 'others have intervals')} that reaches as high.".replace(
                "intervals that reaches", "intervals that reach"
            )
        )
    return f"{text}, beyond the interval of any other."


def redundancy(analysis: Analysis) -> str:
    """Say which classifiers are copies, and which the combination would do without."""
    c, names = analysis.contributions, analysis.subject.classifiers
    if len(names) == 1:
        return ""
    if c.copies:
        groups = "; ".join(listed([names[u] for u in group]) for group in c.copies[:5])
        text = f"Near copies, whose predictions correlate by {NEAR_COPY} or more: {groups}. One of each would do."
    else:
        text = f"No two classifiers are near copies: no predictions correlate by {NEAR_COPY} or more."
    if c.without is None:
        if len(names) > MAX_DROPPED:
            text += f" With {len(names):,} classifiers none was left out to see what it contributes."
        return text
    if c.needed:
        most = c.needed[0]
        text += (
            f" Left-out labels are predicted worse without {listed([names[u] for u in c.needed])}; the log-loss rises "
        )
        text += f"by {number(float(c.without[most]))} without {names[most]}."
    else:
        text += (
            " None is shown to be needed: without any single one left-out labels are predicted no worse, beyond chance."
        )
    if c.harmful:
        text += f" They are predicted better without {listed([names[u] for u in c.harmful])}."
        return text
    worst = int(np.argmin(c.without))
    by = float(number(c.without[worst]))
    if by >= 0:
        return f"{text} None is harmful."
    worst_of_all = f"without {names[worst]} the log-loss changes by {change(by)}, which may be chance"
    return f"{text} None is shown to be harmful: {worst_of_all}."


def links(factors: Vector) -> str:
    """Say what lines in the map of the factors (d, m) mean, if there are some."""
    length = np.linalg.norm(factors, axis=0)
    unit = factors[:, length > 0] / length[length > 0]
    if len(factors) < 2 or np.sum(unit.T @ unit > COPY) <= unit.shape[1]:
        return ""
    return " Lines in the map link classifiers that differ by noise alone, though it may be much of what they say."


def share_of(c: Contributions, u: int) -> str:
    """Write a classifier's share of the weight."""
    return percent(float(np.abs(c.weights[u]) / max(np.abs(c.weights).sum(), 1e-300)))
