"""Captions: what would more labels bring."""

from cfensemble.report.learning import LEAST_GAIN, LearningCurve
from cfensemble.report.words import METRICS, SPACE, change, number


def learning(curve: LearningCurve | None) -> str:
    """Say whether more labels pay."""
    if curve is None:
        return "There are too few labels to see what fewer would have given, and so what more would give."
    a, b = curve.n_labels[-2:]
    text = f"From {a:,} to {b:,} labels the {METRICS[curve.metric]} {improved(curve)}"
    if curve.low is not None and curve.high is not None:
        text += f" (95{SPACE}% interval {change(curve.low)} to {change(curve.high)})"
    text += f". {verdict(curve)}"
    return text + f" Bands are 95{SPACE}% intervals of the means over the folds, as if the folds had nothing in common."


def improved(curve: LearningCurve) -> str:
    """Say by how much the last doubling improved the score, if it did."""
    by = number(abs(curve.gain))
    if not float(by):
        return "did not change"
    return f"improved by {by}" if curve.gain > 0 else f"worsened by {by}"


def verdict(curve: LearningCurve) -> str:
    """Say it in a sentence."""
    size = curve.n_labels[-1]
    if curve.pays:
        return f"More labels pay: the last doubling, to {size:,}, still gained."
    if curve.is_flat and curve.stop is not None:
        return f"More labels have stopped paying: those after the first {curve.stop:,} gained less than {LEAST_GAIN}."
    if curve.is_flat:
        return "More labels would hardly pay."
    if curve.gain > 0:
        return "More labels may pay, but the last ones gained no more than chance would."
    return "Whether more labels would pay is lost in chance."
