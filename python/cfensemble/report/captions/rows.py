"""Captions: where do classifiers disagree."""

import numpy as np

from cfensemble.report.analysis import Analysis
from cfensemble.report.disputes import LEAST_SPREAD
from cfensemble.report.words import number, percent, plural

TELLING = 1.3
"""Disagreement is called a warning where wrong rows are this many times as disputed as right ones."""


def disagreement(analysis: Analysis) -> str:
    """Say where the classifiers disagree."""
    d, n = analysis.disputes, len(analysis.subject.labels)
    known = d.spread[np.isfinite(d.spread)]
    if not known.size:
        return "No row has predictions of two classifiers."
    if not analysis.disputes.shown and float(known.max()) < LEAST_SPREAD:
        return "The classifiers agree on every row."
    text = (
        f"The predictions of a row have a standard deviation of {number(float(np.median(known)))} in the median, and "
        f"of more than {number(float(np.quantile(known, 0.95)))} in one row of twenty. Against most of the classifiers "
        f"the combination decides in {plural(d.overruled, 'row')} ({percent(d.overruled / n)})."
    )
    if np.isfinite(d.spread_if_right) and np.isfinite(d.spread_if_wrong):
        ratio = d.spread_if_wrong / max(d.spread_if_right, 1e-9)
        text += f" Disagreement warns {'' if ratio > TELLING else 'little'}".rstrip()
        text += f": rows that cross-validation got wrong are {ratio:.1f} times as disputed as those it got right."
    return text
