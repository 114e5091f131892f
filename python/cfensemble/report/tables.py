"""The report's tables, as rows of text."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cfensemble.comparison import Estimate
from cfensemble.evaluation import HIGHER_IS_BETTER
from cfensemble.report.analysis import Analysis
from cfensemble.report.captions.classifiers import share_of
from cfensemble.report.disputes import N_SHOWN, most_uncertain
from cfensemble.report.scores import CrossValidation
from cfensemble.report.subject import Subject, presentable
from cfensemble.report.words import DASH, METRICS, change, interval, number, percent, versus_average

MAX_ROWS = 60


@dataclass(frozen=True)
class Score:
    """A cell of the table of scores."""

    mean: str
    interval: str
    versus: str
    is_best: bool


def overview_rows(subject: Subject) -> list[tuple[str, str]]:
    """What was combined: names and values."""
    m, n = len(subject.classifiers), len(subject.labels)
    rows = [("rows", f"{n:,}"), ("classifiers", f"{m:,}")]
    rows.append(("labelled rows", f"{subject.n_labelled:,} ({percent(subject.n_labelled / n)})"))
    counts = subject.counts
    if subject.is_multiclass:
        for label, count in list(zip(subject.classes, counts, strict=True))[:MAX_ROWS]:
            rows.append((f"of class {label}", f"{count:,} ({percent(count / max(subject.n_labelled, 1))})"))
    elif subject.n_labelled:
        rows.append((f"positive ({subject.classes[1]})", f"{counts[1]:,} ({percent(counts[1] / subject.n_labelled)})"))
        rows.append(("mean combined probability", percent(float(subject.p.mean()))))
    rows.append(("missing predictions", percent(float(np.isnan(subject.R).mean()))))
    rows.append(("solver", subject.model.solver))
    return rows


def score_rows(cv: CrossValidation) -> tuple[list[str], list[tuple[str, bool, list[Score]]]]:
    """Headers, and by method whether it is the library's, and its scores."""
    metrics = list(cv.estimates)
    best = {
        metric: (max if HIGHER_IS_BETTER[metric] else min)((number(e.mean) for e in by_method.values()), key=float)
        for metric, by_method in cv.estimates.items()
    }

    def cell(metric: str, e: Estimate) -> Score:
        return Score(number(e.mean), interval(e.low, e.high), versus_average(metric, e), number(e.mean) == best[metric])

    rows = [
        (name, name == cv.ours, [cell(metric, cv.estimates[metric][name]) for metric in metrics])
        for name in cv.predictions
    ]
    return [METRICS[metric] for metric in metrics], rows


def classifier_rows(analysis: Analysis) -> list[dict[str, str]]:
    """What each classifier contributes, the largest weight first."""
    c, names = analysis.contributions, analysis.subject.classifiers
    size = np.abs(c.weights)
    rows = []
    for u in np.argsort(-size, kind="stable")[:MAX_ROWS]:
        verdict = "needed" if u in c.needed else "harmful" if u in c.harmful else ""
        if not verdict and any(u in group for group in c.copies):
            verdict = "near copy"
        rows.append(
            {
                "name": names[u],
                "weight": change(float(c.weights[u])),
                "share": share_of(c, u),
                "own": number(c.own[u]) if np.isfinite(c.own[u]) else DASH,
                "interval": interval(*c.intervals[u]) if np.isfinite(c.own[u]) else "",
                "missing": percent(float(c.missing[u])),
                "without": DASH if c.without is None else change(float(c.without[u])),
                "verdict": verdict,
            }
        )
    return rows


def to_label(subject: Subject) -> list[tuple[str, str]]:
    """Rows without a label of which the combination is least certain: names and probabilities."""
    chosen: Any = most_uncertain(subject)[:N_SHOWN]
    return [(presentable(str(subject.ids[i])), number(float(subject.flat_p[i]))) for i in chosen]
