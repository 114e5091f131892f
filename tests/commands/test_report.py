"""`cfensemble report`."""

import importlib.util
import os

import pytest


def test_a_table_is_fitted_and_reported_on(run, table, tmp_path):
    result = run("report", table, "--labels", "t", "--id", "key", "--out", "report.html")
    assert result.exit_code == 0, result.output
    assert result.stdout == "Wrote the report to report.html.\n"
    assert result.stderr == ""
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>table.csv</h1>" in page
    assert "[bold]forest" in page
    assert "row1" in page


def test_a_saved_model_is_reported_on(run, table, tmp_path):
    run("fit", table, "--labels", "t", "--id", "key", "--model", "model.safetensors", "--classifiers", "knn,svm,tree")
    options = ("--labels", "t", "--id", "key", "--model", "model.safetensors", "--out", "report.html", "--quiet")
    result = run("report", table, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "forest" not in page
    assert "refitted" not in page.lower()  # it was fitted to these very rows


def test_several_classes_and_other_solvers_are_reported_on(run, table, three_classes, tmp_path):
    assert run("report", three_classes, "--labels", "t", "--out", "classes.html").exit_code == 0
    assert "of class bee" in (tmp_path / "classes.html").read_text(encoding="utf-8")
    result = run("report", table, "--labels", "t", "--id", "key", "--solver", "als", "--out", "als.html")
    assert result.exit_code == 0, result.output
    assert "by the solver als" in (tmp_path / "als.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--labels", "t", "--out", "-"], "--out: - is for tables alone; name a file"),
        (["--labels", "t", "--out", "there.html"], "there.html: exists already"),
        (["--labels", "t", "--out", "nowhere/report.html"], "create nowhere first"),
        (["--labels", "t", "--out", "bad.csv", "--force"], "itself, which is read"),
        (["--labels", "z", "--out", "report.html"], "no label column 'z'"),
        (["--labels", "t", "--out", "report.html", "--solver", "best"], "unknown name 'best'"),
        (["--labels", "t", "--out", "report.html", "--model", "no.safetensors"], "cannot be opened"),
        (["--labels", "t", "--out", "report.html", "--model", "bad.csv", "--solver", "als"], "leave one of them out"),
    ],
)
def test_bad_use_is_one_line_and_nothing_is_written(run, tmp_path, options, part, assert_one_line_error):
    (tmp_path / "bad.csv").write_text("a,b,t\n.5,.6,1\n.5,.4,0\n.1,.2,\n")
    (tmp_path / "there.html").write_text("precious")
    assert_one_line_error(run("report", "bad.csv", *options), part)
    assert sorted(os.listdir(tmp_path)) == ["bad.csv", "there.html"]
    assert (tmp_path / "there.html").read_text() == "precious"


def test_without_labels_there_is_nothing_to_report(run, tmp_path, assert_one_line_error):
    (tmp_path / "bad.csv").write_text("a,b,t\n.5,.6,1\n.5,.4,\n.1,.2,\n")
    assert_one_line_error(run("report", "bad.csv", "--labels", "t", "--out", "report.html"), "has no label of class 0")


def test_what_is_not_installed_is_named_before_anything_is_read(run, monkeypatch, assert_one_line_error):
    found = importlib.util.find_spec
    monkeypatch.setattr("cfensemble.report.page.find_spec", lambda name: None if name == "jinja2" else found(name))
    result = run("report", "nowhere.csv", "--labels", "t", "--out", "report.html")
    assert_one_line_error(result, "reports need jinja2: pip install 'cfensemble[report]'")
