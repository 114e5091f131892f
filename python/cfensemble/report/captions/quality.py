"""Captions: how good is it, and compared with what."""

import numpy as np

from cfensemble.comparison import Estimate
from cfensemble.evaluation import FEW_LABELS
from cfensemble.report.scores import AVERAGE, CrossValidation
from cfensemble.report.subject import OURS, Subject
from cfensemble.report.words import (
    METRICS,
    SPACE,
    change,
    in_brackets,
    is_clear,
    is_constant,
    number,
    p_value,
    percent,
    plural,
    with_article,
)

RECALL = 0.8


def quality(cv: CrossValidation | None, subject: Subject) -> str:
    """Say how good the combination is, and compared with what."""
    if cv is None:
        rarest = int(np.argmin(subject.counts))
        return (
            "How good the combination is cannot be told: cross-validation needs two labels of each class, and "
            f"class {subject.classes[rarest]} has {subject.counts[rarest]}."
        )
    found, name = cv.estimates[cv.metric], METRICS[cv.metric]
    ours = found[OURS]
    text = f"{OURS} reaches {with_article(name)} of {number(ours.mean)} {in_brackets(ours.low, ours.high)}, "
    text += f"the plain average {number(found[AVERAGE].mean)}. "
    return f"{text}{_difference(ours, len(cv.y))}{_best_baseline(cv)}{_guessing(cv)}{_rough(subject)}"


def _difference(ours: Estimate, n_labels: int) -> str:
    assert ours.difference is not None
    if not float(number(ours.difference)):
        return "They do not differ."
    text = f"The difference of {change(ours.difference)} "
    if is_constant(ours):
        return f"{text}is {p_value(None)}."
    if is_clear(ours):
        return f"{text}is more than chance explains ({p_value(ours.p_value)})."
    return f"{text}may be chance ({p_value(ours.p_value)}): {plural(n_labels, 'label')} cannot tell the two apart."


def may_be_guessing(cv: CrossValidation) -> bool:
    """Whether it is not shown that the method knows anything."""
    ours = cv.estimates[cv.metric][OURS]
    return (ours.mean if ours.low is None else ours.low) <= cv.guessing + 1e-9


def _guessing(cv: CrossValidation) -> str:
    if not may_be_guessing(cv):
        return ""
    return f" {OURS} is not shown to be better than guessing, which has {number(cv.guessing)}."


def _best_baseline(cv: CrossValidation) -> str:
    if cv.best_baseline == AVERAGE:
        return " Of the other methods none has a better mean than the plain average."
    best = f"{cv.best_baseline}, at {number(cv.estimates[cv.metric][cv.best_baseline].mean)},"
    if not is_clear(cv.lead):
        return f" The best of the other methods, {best} cannot be told apart from it ({p_value(cv.lead.p_value)})."
    if cv.lead.mean > 0:
        return f" The best of the other methods, {best} is behind it as well ({p_value(cv.lead.p_value)})."
    return f" The best of the other methods, {best} is ahead of it ({p_value(cv.lead.p_value)})."


def _rough(subject: Subject) -> str:
    rare = min(subject.counts)
    if rare >= FEW_LABELS:
        return ""
    return f" Only {plural(rare, 'label')} of the rarest class stand behind these figures, which are rough."


def how_measured(cv: CrossValidation, subject: Subject) -> str:
    """Say what the figures mean."""
    text = f"Cross-validation in {len(cv.folds[0])} folds, repeated {len(cv.folds)} times" if len(cv.folds) > 1 else ""
    text = text or f"Cross-validation in {len(cv.folds[0])} folds"
    text += f", of {plural(len(cv.y), 'labelled row')}"
    if len(cv.y) < subject.n_labelled:
        text += f" drawn at random from {subject.n_labelled:,}, to save time"
    text += (
        ": each row's label is hidden from the fit that predicts it, its predictions are not. First line: mean over "
        f"the folds. Second: its 95{SPACE}% interval, which allows for folds that share training data (Nadeau and "
        "Bengio). Third: difference to the plain average."
    )
    if subject.model.solver != "auto":
        text += f" The fits, by the solver {subject.model.solver}, saw these rows and at most 1,000 without a label."
    return text


def curves_pr(cv: CrossValidation) -> str:
    """Say what the precision-recall curves show."""
    from sklearn.metrics import precision_recall_curve

    at: dict[str, str] = {}
    for name in (OURS, AVERAGE):
        curves = [precision_recall_curve(cv.y, p) for p in cv.predictions[name]]
        at[name] = percent(float(np.mean([precision[recall >= RECALL].max() for precision, recall, _ in curves])))
    return (
        f"Whoever flags rows until {100 * RECALL:.0f}{SPACE}% of the positives are found will, with {OURS}, be right "
        f"in {at[OURS]} of the cases; with the plain average, in {at[AVERAGE]}; by chance, in "
        f"{percent(float(cv.y.mean()))}. The folds are pooled here; the table has means "
        "over folds, which are higher where a fold has few positives."
    )


def curves_roc(cv: CrossValidation) -> str:
    """Say what the ROC curves show."""
    from sklearn.metrics import roc_auc_score

    area = {name: np.mean([roc_auc_score(cv.y, p) for p in cv.predictions[name]]) for name in (OURS, AVERAGE)}
    text = (
        f"{OURS} ranks a positive row above a negative one with probability {number(area[OURS])}, the plain average "
        f"with {number(area[AVERAGE])}."
    )
    rate = float(cv.y.mean())
    if min(rate, 1 - rate) < 0.2:
        text += f" With {percent(rate)} positives, the precision-recall curve tells more of the rows that are flagged."
    return text
