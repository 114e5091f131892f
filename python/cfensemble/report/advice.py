"""What would help most next, judged by what was found."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cfensemble.report.analysis import Analysis
from cfensemble.report.captions import classifiers, labels
from cfensemble.report.captions.quality import FEW
from cfensemble.report.contributions import LEAST_CHANGE
from cfensemble.report.scores import AVERAGE
from cfensemble.report.subject import OURS
from cfensemble.report.words import METRICS, change, is_clear, listed, number, percent, plural, points

MUCH_MISSING = 0.05


@dataclass(frozen=True)
class Advice:
    """Something to be done, and why."""

    what: str
    why: str


def advise(analysis: Analysis) -> list[Advice]:
    """List what would help, the most urgent first."""
    found = [*_fit(analysis), *_labels(analysis), *_classifiers(analysis), *_use(analysis)]
    if found:
        return found
    return [Advice("Nothing stands out", "No gap, copy, harmful classifier or lack of labels was found.")]


def _fit(analysis: Analysis) -> Iterator[Advice]:
    if analysis.training.collapse is not None:
        yield Advice("Fit again, with class weights or the solver auto", "The weights have collapsed.")


def _labels(analysis: Analysis) -> Iterator[Advice]:
    subject, curve = analysis.subject, analysis.learning
    if subject.n_labelled == len(subject.labels):
        return
    rare = int(np.argmin(subject.counts))
    if subject.counts[rare] < FEW:
        why = (
            f"{subject.classes[rare]} has {plural(subject.counts[rare], 'label')}; with {FEW} the figures of this page "
        )
        yield Advice(
            f"Label more rows, above all of class {subject.classes[rare]}", f"{why}would begin to be reliable."
        )
    if curve is not None and (curve.pays or subject.counts[rare] >= FEW):
        what = "Label more rows" if curve.pays else "Do not expect much of more labels" if curve.is_flat else ""
        why = f"The last doubling of the labels improved the {METRICS[curve.metric]} by {change(curve.gain)}. "
        if what:
            yield Advice(what, why + labels.verdict(curve))


def _classifiers(analysis: Analysis) -> Iterator[Advice]:
    names, c = analysis.subject.classifiers, analysis.contributions
    if c.harmful and c.without is not None:
        gain = max(-float(c.without[u]) for u in c.harmful)
        why = f"Left-out labels are then predicted better: the log-loss falls by {number(max(gain, LEAST_CHANGE))}."
        yield Advice(f"Try it without {listed([names[u] for u in c.harmful])}", why)
    u = int(np.argmax(np.abs(c.weights) * c.missing))
    if c.missing[u] >= MUCH_MISSING:
        why = (
            f"It carries {classifiers.share_of(c, u)} of the weight, and on {percent(float(c.missing[u]))} of the rows "
        )
        yield Advice(f"Have {names[u]} score the rows that it skipped", f"{why}what it would say is guessed.")
    if c.copies:
        spare = sum(len(group) - 1 for group in c.copies)
        groups = "; ".join(listed([names[u] for u in group]) for group in c.copies[:3])
        what = f"Replace {plural(spare, 'near copy', 'near copies')} by something different"
        yield Advice(what, f"Who errs alike cannot correct each other: {groups}.")


def _use(analysis: Analysis) -> Iterator[Advice]:
    if analysis.calibration is not None and analysis.calibration.is_off:
        why = f"The probabilities are off by {points(analysis.calibration.error)}, more than chance explains."
        yield Advice("Choose thresholds on labelled rows", why)
    if analysis.cv is None or min(analysis.subject.counts) < FEW:
        return
    if not any(is_clear(by_method[OURS]) for by_method in analysis.cv.estimates.values()):
        why = "It needs no labels, and by none of the scores can these labels tell it from the combination."
        yield Advice(f"Keep the {AVERAGE} in mind", why)
