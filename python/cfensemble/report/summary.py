"""The page in a few sentences, for whoever reads no further."""

from cfensemble.evaluation import FEW_LABELS
from cfensemble.report.analysis import Analysis
from cfensemble.report.captions import trust
from cfensemble.report.captions.quality import may_be_guessing
from cfensemble.report.scores import AVERAGE
from cfensemble.report.subject import OURS
from cfensemble.report.words import METRICS, is_clear, is_constant, listed, number, plural


def in_short(analysis: Analysis) -> list[str]:
    """Sum up what was found."""
    return [
        sentence
        for sentence in (_direction(analysis), _quality(analysis), trust.verdict(analysis), _classifiers(analysis))
        if sentence
    ]


def _direction(analysis: Analysis) -> str:
    if not analysis.ranks_backwards:
        return ""
    return (
        f"The classifiers rank class {analysis.subject.classes[1]} last: are the predictions those of the other class?"
    )


def _quality(analysis: Analysis) -> str:
    cv, counts = analysis.cv, analysis.subject.counts
    if cv is None:
        return "There are too few labels to tell how good the combination is."
    found, metric = cv.estimates[cv.metric], METRICS[cv.metric]
    ours, average = found[OURS], found[AVERAGE]
    text = f"{OURS} has {metric} {number(ours.mean)}, the plain average {number(average.mean)}: "
    if ours.difference is not None and not float(number(ours.difference)):
        text += "no difference"
    elif is_constant(ours):
        text += "the same difference in every fold"
    elif not is_clear(ours):
        text += "a difference that may be chance"
    else:
        text += "better beyond chance" if ours.mean > average.mean else "worse beyond chance"
    if may_be_guessing(cv):
        text += f", and not shown to be better than guessing, which has {number(cv.guessing)}"
    if analysis.subject.is_new:
        text += ", if the model has seen none of these labels"
    return (
        f"{text}, with only {plural(min(counts), 'label')} of the rarest class."
        if min(counts) < FEW_LABELS
        else f"{text}."
    )


def _classifiers(analysis: Analysis) -> str:
    c, names, t = analysis.contributions, analysis.subject.classifiers, analysis.training
    settled = "Training behaved." if t.converged else "Training stopped at its limit of iterations."
    collapsed = settled if t.collapse is None else "Training collapsed: do not use this model."
    if len(names) == 1:
        return collapsed
    if c.harmful:
        return f"{collapsed} The combination would do better without {listed([names[u] for u in c.harmful])}."
    unknown = "Whether a classifier is harmful was not examined"
    harmless = unknown if c.without is None else "No classifier was found to be harmful"
    if c.copies:
        spare = sum(len(group) - 1 for group in c.copies)
        return f"{collapsed} {harmless}; {plural(spare, 'is a near copy', 'are near copies')} of another."
    return f"{collapsed} {harmless}; none is a near copy of another."
