import json
import os

import numpy as np
import pytest

import cfensemble
from cfensemble import Combiner, EnsembleData
from cfensemble.commands.fitting import as_features
from cfensemble.tables import read_table

NAN = np.nan


@pytest.mark.parametrize("solver", ["auto", "als", "joint", "torch"])
def test_what_is_fitted_is_what_combine_combines_with(run, table, tmp_path, rows, solver):
    options = ("--labels", "t", "--solver", solver, "--id", "key", "--quiet")
    assert run("fit", table, *options, "--model", "model.safetensors").exit_code == 0
    model = cfensemble.load(tmp_path / "model.safetensors")
    assert model.feature_names_in_.tolist() == ["knn", "[bold]forest", "svm", "tree"]
    run("combine", table, *options, "--out", "combined.csv")
    combined = [float(row["probability"]) for row in rows(tmp_path / "combined.csv")]
    np.testing.assert_allclose(model.label_distributions_[:, 1], combined, rtol=1e-6)


def test_predict_does_what_the_model_in_the_file_does(run, table, tmp_path, rows):
    assert run("fit", table, "--labels", "t", "--id", "key", "--quiet", "--model", "model.safetensors").exit_code == 0
    result = run("predict", table, "--id", "key", "--model", "model.safetensors", "--out", "out.csv", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    data = read_table(table, "t", "key")
    p = cfensemble.load(tmp_path / "model.safetensors").predict_proba(as_features(data.classifiers, data.R))[:, 1]
    np.testing.assert_array_equal([float(row["probability"]) for row in rows(tmp_path / "out.csv")], p)
    assert [row["id"] for row in rows(tmp_path / "out.csv")] == list(data.ids)


def test_fit_says_what_it_did(run, table):
    result = run("fit", table, "--labels", "t", "--id", "key", "--model", "model.safetensors")
    assert result.exit_code == 0, result.output
    for part in (
        "labelled",
        "How much each classifier counts",
        "[bold]forest",
        "Saved the model to model.safetensors.",
    ):
        assert part in result.stdout


def test_json_is_one_document(run, table):
    result = run("fit", table, "--labels", "t", "--id", "key", "--model", "model.safetensors", "--json")
    found = json.loads(result.stdout)
    data = read_table(table, "t", "key")
    w = Combiner().fit(EnsembleData(data.R, data.labels)).get_aggregator_weights()
    assert found["weights"] == pytest.approx(dict(zip(data.classifiers, w.tolist(), strict=True)))
    assert found["model"] == "model.safetensors"
    assert found["table"]["name"] == "table.csv"
    assert found["solver"]["name"] == "auto"
    assert sum(found["solver"]["view_shares"].values()) == pytest.approx(1)


def test_several_classes_are_fitted_and_predicted(run, three_classes, tmp_path, rows):
    assert run("fit", three_classes, "--labels", "t", "--model", "model.safetensors").exit_code == 0
    result = run("predict", three_classes, "--model", "model.safetensors", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    found = rows(tmp_path / "out.csv")
    assert list(found[0]) == ["id", "probability:ant", "probability:bee", "probability:cat", "label"]
    truth = ["ant", "bee", "cat"] * 30
    assert np.mean([row["label"] == label for row, label in zip(found, truth, strict=True)]) > 0.7


def test_labels_that_look_like_the_estimators_marker_are_labels(run, tmp_path, rows):
    (tmp_path / "signs.csv").write_text("a,b,t\n.9,.8,1\n.7,.9,1\n.2,.1,-1\n.1,.3,-1\n.4,.6,\n")
    assert run("fit", "signs.csv", "--labels", "t", "--model", "model.safetensors").exit_code == 0
    run("predict", "signs.csv", "--model", "model.safetensors", "--out", "out.csv")
    assert [row["label"] for row in rows(tmp_path / "out.csv")][:4] == ["1", "1", "-1", "-1"]


@pytest.mark.parametrize(
    ("text", "options", "part"),
    [
        ("a,b,t\n.5,.5,\n.5,.5,\n", [], "label column 't' has no labels; label rows of each class"),
        ("a,b,t\n.5,.5,1\n.5,.5,\n", [], "label column 't' has no label of class 0"),
        ("a,b,t\n.5,.5,x\n.5,.5,\n", [], "label column 't': holds 'x' and nothing else"),
        ("a,b,t\n.5,2,1\n.5,.5,0\n", [], "classifier column 'b', row 1 (line 2): holds 2.0"),
        ("a,b,t\n.5,.5,1\n.5,.5,0\n", ["--solver", "best"], "unknown name 'best'"),
        ("a,b,t\n.5,.5,1\n.5,.5,0\n", ["--model", "there.safetensors"], "there.safetensors: exists already"),
        ("a,b,t\n.5,.5,1\n.5,.5,0\n", ["--model", "nowhere/model"], "create nowhere first"),
        ("a,b,t\n.5,.5,1\n.5,.5,0\n", ["--model", "-"], "--model: - is for tables alone; name a file"),
        ("a,b,t\n,,1\n,,0\n", [], "bad.csv: holds no prediction"),
        ("a,b,t\n.5,.5,1\n.5,.5,0\n", ["--model", "bad.csv", "--force"], "itself, which is read"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(run, tmp_path, text, options, part, assert_one_line_error):
    (tmp_path / "bad.csv").write_text(text)
    (tmp_path / "there.safetensors").write_text("precious")
    assert_one_line_error(run("fit", "bad.csv", "--labels", "t", "--model", "model.safetensors", *options), part)
    assert sorted(os.listdir(tmp_path)) == ["bad.csv", "there.safetensors"]
    assert (tmp_path / "there.safetensors").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(100)])
def test_a_file_that_is_no_model_is_bad_input(run, table, tmp_path, content, assert_one_line_error):
    (tmp_path / "model.safetensors").write_bytes(content)
    result = run("predict", table, "--model", "model.safetensors", "--out", "out.csv")
    assert_one_line_error(result, "model.safetensors: ")


def test_other_models_are_not_applied_to_tables(run, table, tmp_path, assert_one_line_error):
    data = read_table(table, "t", "key")
    Combiner().fit(EnsembleData(data.R, data.labels)).save(tmp_path / "model.safetensors")
    result = run("predict", table, "--model", "model.safetensors", "--out", "out.csv")
    assert_one_line_error(result, "holds a Combiner; only a CFEnsembleClassifier predicts tables")


def test_a_model_without_names_is_not_applied_to_tables(run, table, tmp_path, assert_one_line_error):
    model = cfensemble.CFEnsembleClassifier().fit([[0.9, 0.8], [0.1, 0.3]], [1, 0])
    model.save(tmp_path / "model.safetensors")
    result = run("predict", table, "--model", "model.safetensors", "--out", "out.csv")
    assert_one_line_error(result, "was fitted without column names")
