"""Captions: what was combined."""

import numpy as np

from cfensemble.report.contributions import wilson
from cfensemble.report.subject import Subject
from cfensemble.report.words import listed, percent, plural

UNEVEN = 1.5
"""A classifier whose share of gaps is this many times the mean's is named."""


def combined(subject: Subject) -> str:
    """Say what was combined."""
    n, known = len(subject.labels), subject.n_labelled
    text = f"{plural(len(subject.classifiers), 'classifier')} scored {plural(n, 'row')}; "
    text += f"{known:,} of them ({percent(known / n)}) have a label. "
    counts = subject.counts
    if subject.is_multiclass:
        rarest = int(np.argmin(counts))
        text += f"There are {len(counts)} classes; the one with fewest labels is {subject.classes[rarest]}, with "
        return text + f"{counts[rarest]:,}."
    if not known:
        return text + "How frequent the positive class is, is not known."
    low, high = wilson(counts[1], known)
    share = percent(counts[1] / known)
    text += f"Of the labels {counts[1]:,} ({share}) are of class {subject.classes[1]}, the positive one. "
    if known == n:
        return text
    text += f"If the labelled rows were drawn at random, between {percent(low)} and {percent(high)} of all rows are, "
    mean = float(subject.p.mean())
    text += f"and the combined probabilities, {percent(mean)} on average, "
    if low <= mean <= high:
        return f"{text}agree."
    others = "those that the model was fitted to" if subject.is_new else "the others"
    return f"{text}do not agree: labelled rows may differ from {others}."


def missing(subject: Subject) -> str:
    """Say what is missing."""
    gaps = np.isnan(subject.R[:, 0] if subject.is_multiclass else subject.R)
    if not gaps.any():
        return "No prediction is missing."
    share, of = float(gaps.mean()), gaps.mean(axis=1)
    text = (
        f"{percent(share)} of the predictions are missing, and {percent(float(gaps.any(axis=0).mean()))} of the rows "
    )
    text += "lack at least one."
    much = np.flatnonzero(of > UNEVEN * share)
    much = much[np.argsort(-of[much], kind="stable")]
    if much.size:
        names = listed([subject.classifiers[u] for u in much], 3)
        text += f" {names} {'stand' if much.size > 1 else 'stands'} out: "
        text += f"{percent(of[much[0]])} of the rows have no prediction of {subject.classifiers[much[0]]}."
    else:
        text += f" No classifier stands out: the one with most gaps skipped {percent(float(of.max()))} of the rows."
    empty = int(gaps.all(axis=0).sum())
    if empty:
        text += f" {plural(empty, 'row has', 'rows have')} no prediction at all, and the base rate as probability."
    return text
