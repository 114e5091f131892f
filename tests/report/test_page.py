"""The page as text: complete, escaped, and in need of nothing."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from cfensemble import CFEnsembleClassifier, load
from cfensemble.report import captions, write_report
from cfensemble.report.advice import advise
from cfensemble.report.analysis import analyse
from cfensemble.report.disputes import most_uncertain
from cfensemble.report.page import render
from cfensemble.report.subject import OURS, REFITTED, make_subject, presentable
from cfensemble.report.summary import in_short
from cfensemble.report.svg import embed, on_dark_paper
from cfensemble.report.words import percent

FIGURES = {"missing", "precision-recall", "roc", "calibration", "weights", "map", "disagreement", "learning"}


@pytest.fixture(scope="module")
def page(analysis):
    return render(analysis)


class Page(HTMLParser):
    """The tags of a page, and the text outside of pictures."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def ids(page):
    return [attributes["id"] for _, attributes in Page(page).tags if "id" in attributes]


def test_the_questions_come_in_the_readers_order(page):
    headings = re.findall(r"<h2><span>(\d)</span> (.*?)</h2>", page)
    assert [int(k) for k, _ in headings] == list(range(1, 8))
    assert [question.partition("?")[0].split()[0] for _, question in headings] == [
        "What",
        "How",
        "May",
        "Which",
        "Did",
        "Where",
        "What",
    ]


def test_every_figure_has_a_caption_and_a_text_alternative(page, analysis_of_classes, analysis_by_als):
    of_als = FIGURES | {"losses", "weight-history"}
    of_classes = {"missing", "calibration", "weights", "map", "disagreement", "learning"}
    for text, expected in (
        (page, FIGURES),
        (render(analysis_by_als), of_als),
        (render(analysis_of_classes), of_classes),
    ):
        found = re.findall(r'<figure id="(.*?)"', text)
        assert set(found) == expected
        for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
            root = ET.fromstring(svg)
            assert root.get("role") == "img"
            assert len(root.get("aria-label")) > 10
            assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 3
            caption = re.search(f'<figcaption id="{root.get("aria-describedby")}">(.+?)</figcaption>', text, re.DOTALL)
            assert len(caption[1]) > 20


def test_ids_are_unique_and_links_lead_somewhere(page):
    found = ids(page)
    assert len(found) == len(set(found))
    for target in re.findall(r'(?:href="#|url\(#)([^")]+)', page):
        assert target in found


def test_names_are_escaped_everywhere(page, analysis):
    assert "alert(1)" in page
    tags = Page(page).tags
    assert not [tag for tag, _ in tags if tag in ("script", "iframe", "object", "table>")]
    assert "<table> &" not in page
    shown = "".join(Page(page).text)
    for name in (*analysis.subject.classifiers, "<table> & co"):
        assert name in shown
    svg_text = "".join("".join(ET.fromstring(svg).itertext()) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "$x_1$" in svg_text
    assert "<script>alert(1)</script>" in svg_text


def test_nothing_is_fetched_and_nothing_is_run(page):
    for _, attributes in Page(page).tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href"):
                assert value.startswith(("#", "data:"))
    css = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in css
    assert "@import" not in css
    assert len(page.encode()) < 3e6


def test_the_same_analysis_gives_the_same_page(page, analysis):
    assert render(analysis) == page


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x00b\nc", "a\ufffdb\ufffdc"),
        ("\ud800", "\ufffd"),
        ("\u202eabc", "\ufffdabc"),
        ("a" * 100 + "b" * 100, "a" * 40 + "\u2026" + "b" * 39),
        ("  ", "classifier 3"),
    ],
)
def test_names_that_no_document_may_hold_are_shown_in_part(name, shown):
    assert presentable(name, "classifier 3") == shown


def test_pictures_follow_the_colour_scheme():
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg"><defs><clipPath id="p"/></defs>'
        '<path id="a" style="fill: #ff0000; stroke: #123456; clip-path: url(#p)"/>'
        "<text style=\"font: 10px 'DejaVu Sans', sans-serif; text-anchor: middle\">#ff0000 &lt;b&gt;</text></svg>"
    )
    found = embed(svg, "k", "a red thing")
    assert 'id="k-a"' in found
    assert "fill: var(--c-ff0000); stroke: var(--c-123456); clip-path: url(#k-p)" in found
    assert "font: 10px var(--sans); text-anchor: middle" in found
    assert "#ff0000 &lt;b&gt;" in found
    assert (on_dark_paper("ffffff"), on_dark_paper("000000")) == ("#16191d", "#ededed")
    assert on_dark_paper("08306b") > on_dark_paper("08306b").replace("#", "#0")  # a colour


def test_a_model_reports_on_itself(data, tmp_path):
    P, y = data(n=120, n_labels=40)
    model = CFEnsembleClassifier(n_threads=1).fit(P, y)
    before = model.label_distributions_.copy()
    model.report(P, y, tmp_path / "report.html", title="mine", ids=[f"row {i}" for i in range(120)])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>mine</h1>" in page
    assert "row 1" in page
    assert REFITTED not in page
    np.testing.assert_array_equal(model.label_distributions_, before)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_loaded_model_reports_on_other_rows(data, tmp_path):
    P, y = data(n=120, n_labels=40)
    CFEnsembleClassifier(n_threads=1).fit(P, y).save(tmp_path / "model")
    model = load(tmp_path / "model")
    P_new, y_new = data(n=100, n_labels=50, seed=1)
    model.report(P_new, y_new, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert REFITTED in page
    assert "its figures flatter it" in page


@pytest.mark.parametrize("solver", ["auto", "als"])
def test_a_model_is_judged_by_its_own_probabilities_on_other_rows(data, tmp_path, solver):
    P, y = data(n=120, n_labels=40)
    model = CFEnsembleClassifier(solver, n_threads=1).fit(P, y)
    model.save(tmp_path / "model")
    for loaded in (model, load(tmp_path / "model")):
        assert not make_subject(loaded, P, y).is_new
        other = P.copy()
        other[-1] = 1 - other[-1]
        assert make_subject(loaded, other, y).is_new
    P_new, y_new = data(n=120, n_labels=60, seed=1)
    subject = make_subject(model, P_new, y_new)
    np.testing.assert_array_equal(subject.p, model.predict_proba(P_new)[:, 1])
    found = analyse(subject)
    own = found.cv.predictions[OURS]
    assert np.array_equal(own, np.broadcast_to(subject.p[subject.columns], own.shape))
    assert found.calibration.mean_p == pytest.approx(own.mean())
    assert f"says {percent(own.mean())} on average" in captions.calibration(found)
    assert REFITTED in found.learning.scores


def test_copies_of_the_rows_are_the_same_rows(data, tmp_path):
    P, y = data(n=120, n_labels=40)
    model = CFEnsembleClassifier(n_threads=1).fit(P.astype(np.float32), y)
    other_nan = np.where(np.isnan(P), -np.nan, np.nextafter(P, 1))
    for same in (P, P.astype(np.float32), other_nan):
        assert not make_subject(model, same, y).is_new
    assert make_subject(model, P[:-1], y[:-1]).is_new
    assert "if the model has seen none of these labels" in in_short(analyse(make_subject(model, P[:-1], y[:-1])))[0]
    del model._fitted_to  # as in a pickle of an earlier version
    assert make_subject(model, P, y).is_new
    model.save(tmp_path / "model")


def test_a_constant_ensemble_is_no_better_than_guessing(data):
    _, y = data(n=240, n_labels=200)
    P = np.full((240, 3), 0.3)
    found = analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(P, y), P, y))
    assert advise(found)[0].what == "Find classifiers that know more"


def test_a_model_whose_classifiers_have_changed_is_to_be_fitted_again(data):
    P, y = data(n=240, n_labels=150)
    model = CFEnsembleClassifier(n_threads=1).fit(P, y)
    changed = analyse(make_subject(model, P / 2, y))
    assert changed.calibration.leaning == "low"
    assert "those that the model was fitted to" in captions.combined(changed.subject)
    assert advise(changed)[0].what.startswith("Fit again, with these rows")
    P, y = data(n=240, n_labels=150, seed=1)
    assert not any("Fit again" in item.what for item in advise(analyse(make_subject(model, P, y))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda P, y: (P[:, :5], y), "P has 5 classifiers"),
        (lambda P, y: (P, y[:-1]), r"y has shape \(239,\)"),
        (lambda P, y: (P, np.where(y == 1, 7, y)), r"y\[0\] is 7, which is no class of the model: 0, 1"),
        (lambda P, y: (P + 1, y), "probabilities lie in"),
    ],
)
def test_other_data_are_refused_and_nothing_is_written(data, tmp_path, change, message):
    P, y = data()
    model = CFEnsembleClassifier(n_threads=1).fit(P, y)
    with pytest.raises(ValueError, match=message):
        write_report(tmp_path / "report.html", model, *change(P, y))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("m", [1, 2])
def test_one_or_two_classifiers_will_do(data, tmp_path, m):
    P, y = data(n=90, n_labels=60)
    P = np.nan_to_num(P[:, :m], nan=0.5)
    model = CFEnsembleClassifier(n_threads=1).fit(P, y)
    model.report(P, y, tmp_path / "report.html")
    assert OURS in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_of_many_classifiers_only_the_weightiest_are_listed_and_none_is_left_out(subject, monkeypatch):
    monkeypatch.setattr("cfensemble.report.contributions.MAX_DROPPED", 5)
    monkeypatch.setattr("cfensemble.report.captions.classifiers.MAX_DROPPED", 5)
    monkeypatch.setattr("cfensemble.report.tables.MAX_ROWS", 4)
    page = render(analyse(subject))
    assert "With 6 classifiers none was left out" in page
    assert "Only the 4 largest weights are listed" in page


def test_several_classes_that_are_all_predicted_right_have_no_calibration_curve(classes):
    _, y = classes()
    rng = np.random.default_rng(0)
    truth = np.arange(120) % 3
    P = np.stack([0.1 + 0.7 * np.eye(3)[truth]] * 3, axis=1) + 0.01 * rng.random((120, 3, 3))
    P /= P.sum(axis=2, keepdims=True)
    page = render(analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(P, y), P, y)))
    assert 'id="calibration"' not in page
    assert "is right in 100" in page


def test_without_any_label_nothing_is_claimed(data, tmp_path):
    P, y = data(n=120, n_labels=40)
    CFEnsembleClassifier(n_threads=1).fit(P, y).report(P, np.full(120, -1), tmp_path / "report.html")
    assert "too few labels" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_inverted_ensemble_is_no_collapse_and_noise_is_no_find(data):
    P, y = data(n=240, n_labels=200)
    found = analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(1 - P, y), 1 - P, y))
    assert found.training.collapse is None
    assert "the other way round" in captions.training(found)
    noise = np.random.default_rng(0).random(P.shape)
    found = analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(noise, y), noise, y))
    assert "not shown to be better than guessing" in in_short(found)[0]
    assert "not shown to be better than guessing" in captions.quality(found.cv, found.subject)
    assert advise(found)[0].what == "Find classifiers that know more"


def test_predictions_of_the_other_class_come_first(data):
    P, y = data(n=240, n_labels=150)
    words = np.array(["no", "yes"], object)[(y == 0).astype(int)]  # as probabilities of "no"
    words[y == -1] = None
    model = CFEnsembleClassifier(n_threads=1, unlabeled=None).fit(P, words)
    found = analyse(make_subject(model, P, words))
    assert in_short(found)[0].startswith("The classifiers rank class yes last")
    assert "probabilities of class yes" in advise(found)[0].what


def test_rows_are_numbered_from_0_unless_they_have_names(data):
    P, y = data(n=120, n_labels=40)
    model = CFEnsembleClassifier(n_threads=1).fit(P, y)
    assert make_subject(model, P, y).row_heading == "row, from 0"
    assert make_subject(model, P, y, ids=range(1, 121)).row_heading == "row"


def test_rows_to_label_are_uncertain_and_predicted(subject, analysis_of_classes):
    R, p = subject.R.copy(), np.full(len(subject.labels), 0.99)
    R[:, 200], p[[200, 210, 220]] = np.nan, [0.5, 0.6, 0.45]
    assert most_uncertain(replace(subject, R=R, p=p)).tolist() == [220, 210]
    of_classes = analysis_of_classes.subject
    first = most_uncertain(of_classes)[0]
    assert of_classes.p.max(axis=0)[first] == of_classes.p.max(axis=0)[np.isnan(of_classes.labels)].min()


def test_classifiers_that_agree_everywhere_dispute_nothing(data):
    P, y = data()
    P = np.repeat(np.nan_to_num(P[:, 4:5], nan=0.5), 3, axis=1)
    found = analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(P, y), P, y))
    assert found.disputes.shown == []
    assert captions.disagreement(found) == "The classifiers agree on every row."
