"""What would help most next, judged by what was found."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cfensemble.evaluation import FEW_LABELS
from cfensemble.report.analysis import Analysis
from cfensemble.report.captions import classifiers, labels
from cfensemble.report.captions.quality import may_be_guessing
from cfensemble.report.contributions import LEAST_CHANGE
from cfensemble.report.learning import LEAST_GAIN, LearningCurve
from cfensemble.report.scores import AVERAGE
from cfensemble.report.subject import OURS, REFITTED
from cfensemble.report.words import METRICS, is_clear, is_constant, listed, number, percent, plural, points

MUCH_MISSING = 0.05


@dataclass(frozen=True)
class Advice:
    """Something to be done, and why."""

    what: str
    why: str


def advise(analysis: Analysis) -> list[Advice]:
    """List what would help, the most urgent first."""
    first = [*_fit(analysis), *_labels(analysis), *_without(analysis), *_gaps(analysis), *_copies(analysis)]
    found = [*first, *_more_labels(analysis), *_use(analysis)]
    if found:
        return found
    why = "No classifier was found to harm, to copy another or to lack where it is needed, and "
    if analysis.contributions.without is None:
        why = "No classifier was found to copy another; whether one harms was not examined, and "
    why += "it is not known that more labels would pay."
    return [Advice("Nothing stands out", why)]


def _fit(analysis: Analysis) -> Iterator[Advice]:
    if analysis.ranks_backwards:
        negative, positive = analysis.subject.classes
        why = (
            f"On the labelled rows the mean prediction ranks class {positive}, which counts as the positive one, being "
            f"the last in sorted order, below class {negative}."
        )
        yield Advice(f"Make sure that the predictions are probabilities of class {positive}", why)
    if analysis.training.collapse is not None:
        what = "Fit again, with prior='reliability' and nonnegative=True, or with the solver auto"
        yield Advice(what, "The weights have collapsed.")
    if analysis.cv is not None and analysis.subject.is_new:
        refitted = analysis.cv.compare("log_loss", REFITTED, OURS)
        if is_clear(refitted) and refitted.mean < 0:
            why = f"What is fitted to labels of these rows has a log-loss that is lower by {number(-refitted.mean)}."
            yield Advice("Fit again, with these rows and their labels", why)
    if analysis.cv is not None and may_be_guessing(analysis.cv):
        level = number(analysis.cv.guessing)
        why = f"The combination is not shown to be better than guessing, which has {level}."
        yield Advice("Find classifiers that know more", why)


def _labels(analysis: Analysis) -> Iterator[Advice]:
    subject, curve = analysis.subject, analysis.learning
    if subject.n_labelled == len(subject.labels):
        return
    rare = int(np.argmin(subject.counts))
    if subject.counts[rare] < FEW_LABELS:
        what = f"Label more rows, above all of class {subject.classes[rare]}"
        why = f"It has {plural(subject.counts[rare], 'label')}; with {FEW_LABELS} the figures of this page would begin "
        yield Advice(what, f"{why}to be reliable. Look for it where it has a high probability.")
    elif curve is not None and curve.pays:
        yield Advice("Label more rows", f"{_doubling(curve)} {labels.verdict(curve)}")


def _more_labels(analysis: Analysis) -> Iterator[Advice]:
    """What to think of more labels where they do not clearly pay."""
    subject, curve = analysis.subject, analysis.learning
    if curve is None or curve.pays or subject.n_labelled == len(subject.labels) or min(subject.counts) < FEW_LABELS:
        return
    if curve.is_flat:
        yield Advice("Do not expect much of more labels", f"{_doubling(curve)} {labels.verdict(curve)}")
    elif curve.gain >= LEAST_GAIN:
        yield Advice("Label more rows if labels are cheap", f"{_doubling(curve)} {labels.verdict(curve)}")


def _doubling(curve: LearningCurve) -> str:
    return f"With the last doubling of the labels the {METRICS[curve.metric]} {labels.improved(curve)}."


def _without(analysis: Analysis) -> Iterator[Advice]:
    names, c = analysis.subject.classifiers, analysis.contributions
    if c.harmful and c.without is not None:
        gain = max(-float(c.without[u]) for u in c.harmful)
        why = f"Left-out labels are then predicted better: the log-loss falls by {number(max(gain, LEAST_CHANGE))}."
        yield Advice(f"Try it without {listed([names[u] for u in c.harmful])}", why)


def _gaps(analysis: Analysis) -> Iterator[Advice]:
    """Which classifier's gaps cost most: of those that are needed, or else, if that is not known, that weigh most."""
    names, c = analysis.subject.classifiers, analysis.contributions
    gaps = np.where((c.missing >= MUCH_MISSING) & (c.missing < 1), c.missing, 0)
    if c.without is None:
        gaps[[u for group in c.copies for u in group]] = 0  # another one says the same
        worth = np.abs(c.weights) * gaps
    else:
        worth = np.zeros(len(gaps))
        worth[c.needed] = (c.without * gaps / (1 - gaps))[c.needed]  # a row that it scores gains without / (1 - gaps)
    u = int(np.argmax(worth))
    if worth[u] > 0:
        why = f"It skipped {percent(float(c.missing[u]))} of them, "
        if c.without is None:
            why += f"and carries {classifiers.share_of(c, u)} of the weight."
        else:
            why += f"and without it the log-loss of left-out labels rises by {number(float(c.without[u]))}."
        yield Advice(f"Have {names[u]} score all rows", why)


def _copies(analysis: Analysis) -> Iterator[Advice]:
    names, c = analysis.subject.classifiers, analysis.contributions
    if c.copies:
        spare = sum(len(group) - 1 for group in c.copies)
        groups = "; ".join(listed([names[u] for u in group]) for group in c.copies[:3])
        what = f"Replace {plural(spare, 'near copy', 'near copies')} by something different"
        yield Advice(what, f"Who errs alike cannot correct each other: {groups}.")


def _use(analysis: Analysis) -> Iterator[Advice]:
    if analysis.calibration is not None and analysis.calibration.is_off:
        why = f"The probabilities are off by {points(analysis.calibration.error)}, more than chance explains."
        yield Advice("Choose thresholds on labelled rows", why)
    if analysis.cv is None or min(analysis.subject.counts) < FEW_LABELS:
        return
    ours = [by_method[OURS] for by_method in analysis.cv.estimates.values()]
    if not any(is_clear(e) or is_constant(e) for e in ours):
        why = "It needs no labels, and by none of the scores can these labels tell it from the combination."
        yield Advice(f"Keep the {AVERAGE} in mind", why)
