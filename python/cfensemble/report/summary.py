"""The page in a few sentences, for whoever reads no further."""

from cfensemble.report.analysis import Analysis
from cfensemble.report.captions import trust
from cfensemble.report.captions.quality import FEW
from cfensemble.report.scores import AVERAGE
from cfensemble.report.subject import OURS
from cfensemble.report.words import METRICS, is_clear, listed, number, plural


def in_short(analysis: Analysis) -> list[str]:
    """Sum up what was found."""
    return [sentence for sentence in (_quality(analysis), trust.verdict(analysis), _classifiers(analysis)) if sentence]


def _quality(analysis: Analysis) -> str:
    cv, counts = analysis.cv, analysis.subject.counts
    if cv is None:
        return "There are too few labels to tell how good the combination is."
    found, metric = cv.estimates[cv.metric], METRICS[cv.metric]
    ours, average = found[OURS], found[AVERAGE]
    text = f"{OURS} has {metric} {number(ours.mean)}, the plain average {number(average.mean)}: "
    if not is_clear(ours):
        text += "a difference that may be chance"
    else:
        text += "better beyond chance" if ours.mean > average.mean else "worse beyond chance"
    return f"{text}, with only {plural(min(counts), 'label')} of the rarest class." if min(counts) < FEW else f"{text}."


def _classifiers(analysis: Analysis) -> str:
    c, names, t = analysis.contributions, analysis.subject.classifiers, analysis.training
    collapsed = "Training collapsed: do not use this model." if t.collapse is not None else "Training behaved."
    if c.harmful:
        return f"{collapsed} The combination would do better without {listed([names[u] for u in c.harmful])}."
    if c.copies:
        spare = sum(len(group) - 1 for group in c.copies)
        return f"{collapsed} No classifier is harmful, {plural(spare, 'is a near copy', 'are near copies')} of another."
    return f"{collapsed} No classifier was found to be harmful or a near copy of another."
