"""Captions say what was found: they change with it."""

from dataclasses import replace

import numpy as np
import pytest

from cfensemble import CFEnsembleClassifier
from cfensemble.comparison import Estimate
from cfensemble.report import captions
from cfensemble.report.advice import advise
from cfensemble.report.analysis import analyse
from cfensemble.report.captions.trust import verdict
from cfensemble.report.probabilities import Calibration
from cfensemble.report.scores import AVERAGE
from cfensemble.report.subject import OURS, make_subject
from cfensemble.report.summary import in_short
from cfensemble.report.words import change, listed, number, percent, plural


def with_estimate(cv, estimate):
    by_method = cv.estimates[cv.metric] | {OURS: estimate}
    return replace(cv, estimates=cv.estimates | {cv.metric: by_method})


def test_words():
    assert [percent(x).replace("\N{NO-BREAK SPACE}", " ") for x in (0, 1e-9, 0.1234, 1)] == [
        "0 %",
        "less than 0.1 %",
        "12.3 %",
        "100 %",
    ]
    assert change(-0.0001) == "0.000"
    assert change(-0.01) == "\N{MINUS SIGN}0.010"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert plural(1, "copy", "copies").endswith("copy")
    assert plural(1234, "copy", "copies").startswith("1,234")


def test_quality_is_called_better_only_beyond_chance(subject, analysis):
    cv = analysis.cv
    sure = captions.quality(with_estimate(cv, Estimate(0.9, 0.85, 0.95, 0.1, 0.001)), subject)
    assert "reaches a PR-AUC of 0.900 (95\N{NO-BREAK SPACE}% interval 0.850 to 0.950)" in sure
    assert "+0.100 is more than chance explains" in sure
    unsure = captions.quality(with_estimate(cv, Estimate(0.9, 0.5, 1.0, 0.1, 0.4)), subject)
    assert "+0.100 may be chance" in unsure
    assert number(cv.estimates[cv.metric][AVERAGE].mean) in unsure
    ahead = replace(cv, lead=Estimate(-0.1, -0.2, -0.05, -0.1, 0.01), best_baseline="median")
    assert "median" in captions.quality(ahead, subject)
    assert "is ahead of it" in captions.quality(ahead, subject)


def test_what_is_the_same_in_every_fold_is_no_proof(subject, analysis):
    same = with_estimate(analysis.cv, Estimate(1.0, None, None, 0.1, None))
    text = captions.quality(same, subject)
    assert "reaches a PR-AUC of 1.000 (the same in every fold), the plain" in text
    assert "+0.100 is the same in every fold, of which there is no test." in text
    assert "the same difference in every fold" in in_short(replace(analysis, cv=same))[0]
    equal = with_estimate(analysis.cv, Estimate(0.9, 0.8, 1.0, 0.0, 1.0))
    assert "They do not differ." in captions.quality(equal, subject)
    assert "no difference" in in_short(replace(analysis, cv=equal))[0]
    lead = replace(analysis.cv, lead=Estimate(0.1, None, None, 0.1, None), best_baseline="median")
    assert "cannot be told apart from it (the same in every fold" in captions.quality(lead, subject)
    curve = replace(analysis.learning, gain=0.1, low=None, high=None)
    assert "improved by 0.100. More labels may pay" in captions.learning(curve)
    assert not curve.pays
    assert not curve.is_flat


def test_few_labels_are_said_to_be_rough(subject, analysis):
    few = replace(subject, labels=np.where(np.cumsum(subject.labels == 1) <= 3, subject.labels, np.nan))
    assert "which are rough" in captions.quality(analysis.cv, few)
    assert "which are rough" not in captions.quality(analysis.cv, subject)
    assert "rarest class" in in_short(replace(analysis, subject=few))[0]
    assert "above all of class 1" in advise(replace(analysis, subject=few))[0].what


def test_trust_depends_on_the_error(analysis):
    off = replace(analysis, calibration=Calibration(0.5, 0.3, 0.2, 0.1, 10, "high"))
    fine = replace(analysis, calibration=Calibration(0.3, 0.3, 0.05, 0.1, 10, "high"))
    assert "further off than chance explains" in captions.calibration(off)
    assert "20.0 percentage points" in captions.calibration(off)
    assert "face value" in verdict(fine)
    assert any("thresholds" in item.what for item in advise(off))
    assert not any("thresholds" in item.what for item in advise(fine))


def test_few_labels_of_a_class_hide_flaws_as_few_rows_do(analysis):
    fine = replace(analysis, calibration=Calibration(0.3, 0.3, 0.05, 0.1, 10, "high"))
    many = replace(fine, subject=replace(fine.subject, columns=np.arange(200)))
    assert "face value, as far as these labels can tell" in verdict(many)
    few = np.where(np.cumsum(many.subject.labels == 1) <= 5, many.subject.labels, np.nan)
    assert "hide all but gross flaws" in verdict(replace(many, subject=replace(many.subject, labels=few)))


def test_copies_and_harm_are_named(analysis):
    names = analysis.subject.classifiers
    assert f"correlate by 0.99 or more: {names[2]} and {names[3]}" in captions.redundancy(analysis)
    c = analysis.contributions
    without = np.zeros(6)
    without[0] = -0.1
    bad = replace(analysis, contributions=replace(c, copies=[], without=without, without_error=np.full(6, 0.01)))
    assert f"predicted better without {names[0]}" in captions.redundancy(bad)
    assert "No two classifiers are near copies" in captions.redundancy(bad)
    assert any(names[0] in item.what for item in advise(bad))
    assert names[0] in in_short(bad)[-1]


def test_lines_in_the_map_are_explained_where_there_are_some():
    assert "Lines in the map" in captions.links(np.array([[1.0, 0.5, 0.0], [1.0, 0.5, 1.0]]))
    assert captions.links(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])) == captions.links(np.ones((1, 3))) == ""


def test_the_average_is_recommended_only_where_no_score_tells_it_apart(analysis):
    cv = analysis.cv
    alike = {m: {name: replace(e, p_value=0.5) for name, e in found.items()} for m, found in cv.estimates.items()}
    assert any("plain average" in item.what for item in advise(replace(analysis, cv=replace(cv, estimates=alike))))
    apart = alike | {"brier": alike["brier"] | {OURS: Estimate(0.1, 0.05, 0.15, -0.1, 0.01)}}
    assert not any("plain average" in item.what for item in advise(replace(analysis, cv=replace(cv, estimates=apart))))


def test_collapse_is_said_plainly(analysis, analysis_by_als):
    bad = replace(analysis_by_als, training=replace(analysis_by_als.training, collapse="the weights have vanished"))
    assert "no use: the weights have vanished" in captions.training(bad)
    assert "have not collapsed" in captions.training(analysis_by_als)
    assert advise(bad)[0].what.startswith("Fit again")
    assert "collapse" not in captions.training(analysis)  # the combiner cannot


def test_what_labels_bring_depends_on_the_interval(analysis):
    curve = analysis.learning
    pays = replace(curve, gain=0.05, low=0.02, high=0.08, stop=None)
    flat = replace(curve, gain=0.0, low=-0.001, high=0.001, stop=16)
    open_ = replace(curve, gain=0.02, low=-0.1, high=0.1, stop=None)
    assert "More labels pay" in captions.learning(pays)
    assert "the PR-AUC improved by 0.050 (95\N{NO-BREAK SPACE}% interval +0.020 to +0.080)" in captions.learning(pays)
    assert "after the first 16" in captions.learning(flat)
    assert "no more than chance" in captions.learning(open_)
    assert "the PR-AUC worsened by 0.050" in captions.learning(replace(curve, gain=-0.05))
    assert "the PR-AUC did not change" in captions.learning(replace(curve, gain=-0.0001))
    assert "too few labels" in captions.learning(None)


def test_more_labels_are_recommended_as_far_as_they_promised_something(analysis):
    many = replace(analysis, subject=replace(analysis.subject, labels=np.resize([0.0, 1.0, np.nan], 240)))
    curve = replace(analysis.learning, gain=0.05, low=0.02, high=0.08, stop=None)

    def advised(**found):
        return [item.what for item in advise(replace(many, learning=replace(curve, **found)))]

    assert "Label more rows" in advised()
    assert "Label more rows if labels are cheap" in advised(low=-0.02, high=0.12)
    assert "Do not expect much of more labels" in advised(gain=0.0, low=-0.001, high=0.001)
    assert not any("label" in what for what in advised(gain=-0.01, low=-0.02, high=0.12))


def test_gaps_are_to_be_filled_where_the_classifier_is_needed(analysis, analysis_by_als):
    names = analysis.subject.classifiers
    missing, none = np.array([0.1, 0.2, 0.5, 0.0, 0.0, 0.0]), np.zeros(6)
    c = replace(analysis.contributions, missing=missing, copies=[], without=none, without_error=none)

    def advised(analysis, **found):
        found = advise(replace(analysis, contributions=replace(c, **found)))
        return [item.what for item in found if "score all rows" in item.what]

    assert advised(analysis) == []
    assert advised(analysis, without=np.array([0.1, 0.1, 0.0, 0.5, 0.0, 0.0])) == [f"Have {names[1]} score all rows"]
    weights = np.array([1.0, 1.0, 1.0, 3.0, 0.1, 0.1])
    by_weight = {"without": None, "without_error": None, "weights": weights}
    by_als = analysis_by_als.subject.classifiers
    assert advised(analysis_by_als, **by_weight) == [f"Have {by_als[2]} score all rows"]
    assert advised(analysis_by_als, **by_weight, copies=[[2, 3]]) == [f"Have {by_als[1]} score all rows"]


def test_gaps_are_attributed(subject):
    assert f"{subject.classifiers[5]} stands out" in captions.missing(subject)
    complete = replace(subject, R=np.nan_to_num(subject.R))
    assert captions.missing(complete) == "No prediction is missing."
    empty = subject.R.copy()
    empty[:, 0] = np.nan
    assert "has no prediction at all" in captions.missing(replace(subject, R=empty)).replace("\N{NO-BREAK SPACE}", " ")


def test_frequency_of_the_positive_class_is_compared_with_the_labels(subject):
    assert "agree." in captions.combined(subject)
    assert "do not agree" in captions.combined(replace(subject, p=np.full(len(subject.labels), 0.9)))


def test_every_curve_of_a_trainer_has_a_caption(analysis_by_als):
    assert "The loss went from" in captions.losses(analysis_by_als)
    assert "moved most" in captions.weight_paths(analysis_by_als)
    assert "The fit" in captions.training(analysis_by_als)


def test_with_one_label_of_a_class_nothing_is_claimed(data):
    P, y = data()
    y[np.flatnonzero(y == 1)[1:]] = -1
    found = analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(P, y), P, y))
    assert found.cv is found.calibration is found.learning is None
    assert captions.quality(None, found.subject).endswith("and class 1 has 1.")
    assert "too few labels to tell" in in_short(found)[0]
    assert advise(found)[0].what == "Label more rows, above all of class 1"


@pytest.mark.parametrize("ratio", [0.5, 3.0])
def test_disagreement_is_a_warning_only_where_it_is(analysis, ratio):
    d = replace(analysis.disputes, spread_if_right=0.1, spread_if_wrong=0.1 * ratio)
    text = captions.disagreement(replace(analysis, disputes=d))
    assert ("warns little" in text) == (ratio < 1)
    assert f"{ratio:.1f} times as disputed" in text
