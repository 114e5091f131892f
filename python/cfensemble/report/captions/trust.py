"""Captions: may I trust the probabilities."""

from cfensemble.evaluation import FEW_LABELS
from cfensemble.report.analysis import Analysis
from cfensemble.report.probabilities import Calibration
from cfensemble.report.subject import OURS
from cfensemble.report.words import SPACE, percent, plural, points

_LEANING = {
    "high": "on the whole they are too high",
    "low": "on the whole they are too low",
    "bold": "they differ too much, low ones being too low and high ones too high",
    "timid": "they differ too little, low ones being too high and high ones too low",
}
FEW = 100
"""Labels below which only gross errors of calibration show."""


def calibration(analysis: Analysis) -> str:
    """Say whether the probabilities can be trusted."""
    found, average = analysis.calibration, analysis.calibration_of_average
    if found is None:
        return "Whether the probabilities can be trusted cannot be told without cross-validation."
    groups = (
        f"In {plural(found.n_groups, 'group')} of rows with similar probabilities it is off by {points(found.error)}"
    )
    if average is None:
        text = f"{OURS} gives the class that it finds most probable {percent(found.mean_p)} on average, and is right "
        text += f"in {percent(found.rate)} of the cases. {groups}. {_chance(found)} {verdict(analysis)}"
    else:
        text = f"{OURS} says {percent(found.mean_p)} on average; {percent(found.rate)} of the labelled rows are "
        text += (
            f"positive. {groups}, the plain average by {points(average.error)}. {_chance(found)} {verdict(analysis)}"
        )
    return (
        f"{text} Vertical bars are 95{SPACE}% intervals, and the strip below shows how often each probability is given."
    )


def _chance(found: Calibration) -> str:
    return f"Perfect probabilities would, with this many labels, seem to be off by up to {points(found.by_chance)}."


def verdict(analysis: Analysis) -> str:
    """Say it in a sentence; empty where it cannot be told."""
    if analysis.calibration is None:
        return ""
    if analysis.calibration.is_off:
        return f"The probabilities are further off than chance explains: {_LEANING[analysis.calibration.leaning]}."
    if len(analysis.subject.columns) < FEW or min(analysis.subject.counts) < FEW_LABELS:
        return (
            "Nothing speaks against taking the probabilities at face value, but so few labels hide all but gross flaws."
        )
    return "The probabilities may be taken at face value, as far as these labels can tell."
