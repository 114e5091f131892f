import json
import os
import warnings
from dataclasses import asdict, replace

import numpy as np
import pytest

from cfensemble.baselines import BASELINES, MULTICLASS_BASELINES
from cfensemble.combining.multiclass import MulticlassCombiner
from cfensemble.commands import fitting
from cfensemble.commands.fitting import SEED
from cfensemble.data import EnsembleData
from cfensemble.evaluation import cross_validate
from cfensemble.solvers import MAX_ITERATIONS, SOLVERS, make_trainer
from cfensemble.tables import PredictionTable, read_table, write_table

NAN = np.nan


def fit(R, labels, solver="auto"):
    trainer = make_trainer(solver, np.asarray(labels), SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return trainer.fit(EnsembleData(R, labels))


def fitted_probabilities(R, labels):
    return fit(R, labels).predict()


def test_combine_prints_what_it_found_and_measured(run, table, words):
    result = run("combine", table, "--labels", "t", "--id", "key")
    assert result.exit_code == 0, result.output
    lines = words(result)
    assert ["rows", "120"] in lines
    assert ["classifiers", "4"] in lines
    assert ["labelled", "36", "(30.0%)"] in lines
    assert ["positive", "rate", "33.3%"] in lines
    assert ["missing", "share", "0.2%"] in lines
    assert "5-fold cross-validation on the 36 labelled rows" in result.stdout
    for name in ("CF-Ensemble", *BASELINES, "knn", "[bold]forest", "svm", "tree"):
        assert name in result.stdout


def test_combine_prints_the_cross_validated_figures_and_stars_the_best_of_each(run, table, words):
    data = read_table(table, "t", "key")
    methods = {**BASELINES, "CF-Ensemble": fitted_probabilities}
    scores = {name: cross_validate(method, data.R, data.labels, SEED) for name, method in methods.items()}
    best = {
        "pr_auc": max(f"{s.pr_auc:.4f}" for s in scores.values()),
        "log_loss": min(f"{s.log_loss:.4f}" for s in scores.values()),
        "brier": min(f"{s.brier:.4f}" for s in scores.values()),
    }
    lines = words(run("combine", table, "--labels", "t", "--id", "key"))
    for name, s in scores.items():
        expected = name.split()
        for metric, winner in best.items():
            figure = f"{getattr(s, metric):.4f}"
            expected += ["*", figure] if figure == winner else [figure]
        assert expected in lines


def test_combine_lists_the_weights_by_their_share(run, table, words):
    data = read_table(table, "t", "key")
    w = fit(data.R, data.labels).get_aggregator_weights()
    order = np.argsort(-np.abs(w))
    expected = [[data.classifiers[u], f"{w[u]:+.4f}", f"{abs(w[u]) / np.abs(w).sum():.1%}"] for u in order]
    lines = words(run("combine", table, "--labels", "t", "--id", "key"))
    start = lines.index(expected[0])
    assert lines[start : start + 4] == expected


@pytest.mark.parametrize("solver", SOLVERS)
def test_combine_writes_the_fitted_probability_of_every_row(run, table, tmp_path, solver, rows):
    out = tmp_path / "out.csv"
    result = run("combine", table, "--labels", "t", "--id", "key", "--solver", solver, "--out", out)
    assert result.exit_code == 0, result.output
    written = rows(out)
    data = read_table(table, "t", "key")
    assert [row["id"] for row in written] == list(data.ids)
    expected = fit(data.R, data.labels, solver).predict()
    np.testing.assert_array_equal([float(row["probability"]) for row in written], expected)
    assert [row["label"] for row in written] == [str(int(p >= 0.5)) for p in expected]


@pytest.mark.parametrize("solver", MAX_ITERATIONS)
@pytest.mark.parametrize("label", [1, NAN])
def test_without_labels_of_both_classes_a_trainer_gives_the_plain_average(
    run, table, tmp_path, solver, label, rows, assert_warnings_only
):
    data = read_table(table, "t", "key")
    labels = np.where(data.labels == 1, label, NAN)
    write_table(tmp_path / "one.csv", replace(data, labels=labels))
    result = run("combine", "one.csv", "--labels", "t", "--id", "key", "--solver", solver, "--out", "out.csv")
    assert result.exit_code == 0, result.output
    assert (
        "lacks labels of both classes, so no weights can be learned; the result is the plain average" in result.stderr
    )
    assert_warnings_only(result.stderr)
    p = np.array([float(row["probability"]) for row in rows(tmp_path / "out.csv")])
    assert np.abs(p - np.nanmean(data.R, axis=0)).mean() < 0.05


@pytest.mark.parametrize("label", [1, NAN])
def test_without_labels_of_both_classes_the_combiner_relies_on_agreement(
    run, table, tmp_path, label, rows, assert_warnings_only
):
    data = read_table(table, "t", "key")
    labels = np.where(data.labels == 1, label, NAN)
    write_table(tmp_path / "one.csv", replace(data, labels=labels))
    result = run("combine", "one.csv", "--labels", "t", "--id", "key", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    assert "no weights can be learned; the result is what the classifiers' agreement suggests" in result.stderr
    assert_warnings_only(result.stderr)
    p = [float(row["probability"]) for row in rows(tmp_path / "out.csv")]
    np.testing.assert_array_equal(p, fitted_probabilities(data.R, labels))


def test_the_threshold_decides_the_label_and_rows_are_numbered_without_ids(run, tmp_path, rows):
    (tmp_path / "small.csv").write_text("a,b,t\n0.9,0.8,1\n0.7,0.9,1\n0.2,0.1,0\n0.1,0.3,0\n0.4,0.6,\n")
    for threshold in (0, 1):
        out = tmp_path / f"out{threshold}.csv"
        result = run("combine", "small.csv", "--labels", "t", "--threshold", threshold, "--out", out)
        assert result.exit_code == 0, result.output
        assert [row["id"] for row in rows(out)] == ["1", "2", "3", "4", "5"]
        assert {row["label"] for row in rows(out)} == {str(1 - threshold)}


def test_combine_reads_and_writes_parquet(run, table, tmp_path):
    write_table(tmp_path / "table.parquet", read_table(table, "t", "key"))
    for suffix in (".csv", ".parquet"):
        result = run("combine", f"table{suffix}", "--labels", "t", "--id", "key", "--out", f"out{suffix}")
        assert result.exit_code == 0, result.output
    as_csv = read_table(tmp_path / "out.csv", "label", "id")
    as_parquet = read_table(tmp_path / "out.parquet", "label", "id")
    np.testing.assert_array_equal(as_csv.R, as_parquet.R)
    assert as_csv.ids == as_parquet.ids


def test_combine_without_out_writes_nothing(run, table, tmp_path):
    assert run("combine", table, "--labels", "t", "--id", "key").exit_code == 0
    assert os.listdir(tmp_path) == ["table.csv"]


def test_nothing_but_warnings_goes_to_stderr(run, table, assert_warnings_only):
    assert_warnings_only(run("combine", table, "--labels", "t", "--id", "key").stderr)


@pytest.mark.parametrize("labels", [[1, 0, 0, 0, NAN], [0, 0, 0, 0, NAN], [NAN] * 5])
def test_with_too_few_labels_nothing_is_estimated_but_every_row_gets_its_probability(
    run, tmp_path, labels, rows, assert_warnings_only
):
    R = np.array([[0.9, 0.2, 0.1, 0.3, 0.6], [0.8, 0.3, 0.1, 0.2, 0.5]])
    write_table(tmp_path / "few.csv", PredictionTable(range(5), R, np.array(labels), ("a", "b"), None, "t"))
    result = run("combine", "few.csv", "--labels", "t", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("not estimated") == 3 * (1 + len(BASELINES))
    assert "Cross-validation needs two labelled rows of each class" in result.stdout
    assert len(rows(tmp_path / "out.csv")) == 5
    assert_warnings_only(result.stderr)


def test_without_labels_the_user_is_warned_and_the_positive_rate_is_not_known(run, tmp_path, words):
    (tmp_path / "none.csv").write_text("a,b,t\n0.9,0.8,\n0.2,0.1,\n0.4,0.6,\n")
    result = run("combine", "none.csv", "--labels", "t")
    assert result.stderr.startswith("cfensemble: warning: none.csv: label column 't' lacks labels")
    assert result.stderr.count("\n") == 1
    assert ["positive", "rate", "not", "known"] in words(result)


def test_rows_without_predictions_are_counted_in_the_tables_own_numbers(run, tmp_path):
    rows = ["a,b,t", "0.9,0.8,1", "0.8,0.9,1", ",,", "0.2,0.1,0", "0.1,0.2,0", ",,"]
    (tmp_path / "gaps.csv").write_text("\n".join(rows) + "\n")
    result = run("combine", "gaps.csv", "--labels", "t", "--out", "out.csv")
    assert "gaps.csv: 2 rows have no prediction, row 3 the first; they get the base rate" in result.stderr
    assert run("fit", "gaps.csv", "--labels", "t", "--model", "m").exit_code == 0
    result = run("predict", "gaps.csv", "--model", "m", "--out", "again.csv")
    assert "gaps.csv: 2 rows have no prediction, row 3 the first" in result.stderr


@pytest.mark.parametrize("command", ["combine", "fit", "compare", "report"])
def test_labels_the_other_way_round_are_noticed(run, tmp_path, command):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    P = np.clip(0.5 + 0.3 * (2 * y[:, None] - 1) + rng.normal(0, 0.1, (60, 2)), 0, 1)
    lines = [f"{p:.3f},{q:.3f},{'Yes' if t else 'no'}" for (p, q), t in zip(P, y, strict=True)]
    (tmp_path / "turned.csv").write_text("\n".join(["a,b,t", *lines]) + "\n")
    more = {"fit": ["--model", "m"], "report": ["--out", "r.html"], "compare": ["--repeats", "1"]}.get(command, [])
    result = run(command, "turned.csv", "--labels", "t", *more)
    assert result.exit_code == 0
    assert "ranks rows of class 'no', taken for the positive one because it is the last in sorted" in result.stderr
    assert "rename the labels" in result.stderr


def test_a_column_of_labels_is_noticed(run, tmp_path):
    rows = ["a,b,t", "0.9,1,1", "0.8,1,1", "0.3,,", "0.2,0,0", "0.1,0,0"]
    (tmp_path / "leak.csv").write_text("\n".join(rows) + "\n")
    assert "column 'b' holds the labels themselves" in run("combine", "leak.csv", "--labels", "t").stderr


@pytest.mark.parametrize("command", ["combine", "compare"])
def test_figures_of_few_labels_are_said_to_vary(run, table, command):
    result = run(command, table, "--labels", "t", "--id", "key")
    data = read_table(table, "t", "key")
    few = min(data.label_counts().values()) < 20
    assert ("figures vary widely" in " ".join(result.stdout.split())) == few


def test_a_warning_of_every_fold_is_shown_once(run, table, assert_warnings_only):
    data = read_table(table, "t", "key")
    R = np.vstack([data.R, np.full(120, NAN)])
    write_table(table, PredictionTable(data.ids, R, data.labels, (*data.classifiers, "empty"), "key", "t"), force=True)
    result = run("combine", table, "--labels", "t", "--id", "key")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("no predictions of 'empty'") == 1
    assert_warnings_only(result.stderr)


# ------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("text", "options", "parts"),
    [
        ("a,t\n0.5,1\n", ["--labels", "y"], ["bad.csv: no label column 'y'", "'a', 't'"]),
        ("a,t\n0.5,1\n", ["--labels", "t", "--id", "k"], ["bad.csv: no id column 'k'"]),
        ("a,t\n0.5,1\nhigh,0\n", ["--labels", "t"], ["bad.csv", "'a', row 2 (line 3): holds 'high'"]),
        ("a,t\n0.5,1\n0.5,0\n1.01,0\n", ["--labels", "t"], ["bad.csv", "'a', row 3 (line 4): holds 1.01", "[0, 1]"]),
        ("a,t\n-inf,1\n", ["--labels", "t"], ["bad.csv", "'a', row 1 (line 2): holds -inf"]),
        ("a,t\n0.5,1\n0.5,1.5\n", ["--labels", "t"], ["bad.csv", "'t', row 2 (line 3): holds 1.5"]),
        ("a,t\n", ["--labels", "t"], ["bad.csv: the table has no rows"]),
        ("a,t\n,1\n,0\n", ["--labels", "t"], ["bad.csv: holds no prediction", "blank"]),
        ("t\n1\n", ["--labels", "t"], ["bad.csv: no classifier columns"]),
        ("a,a,t\n0,0,0\n", ["--labels", "t"], ["bad.csv: column 'a' occurs 2 times"]),
        ("", ["--labels", "t"], ["bad.csv: cannot be read as csv"]),
        ("a,t\n0.5,1\n", ["--labels", "t", "--solver", "sgd"], ["'sgd'", "auto, als, joint, torch"]),
        ("a,t\n0.5,1\n", ["--labels", "t", "--threshold", "1.5"], ["--threshold: 1.5", "[0, 1]"]),
        ("a,t\n0.5,1\n", ["--labels", "t", "--threshold", "nan"], ["--threshold: nan", "[0, 1]"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_nothing_is_written(
    run, tmp_path, text, options, parts, assert_one_line_error
):
    (tmp_path / "bad.csv").write_text(text)
    assert_one_line_error(run("combine", "bad.csv", *options, "--out", "out.csv"), *parts)
    assert os.listdir(tmp_path) == ["bad.csv"]


@pytest.mark.parametrize("name", ["table.xls", "nowhere.csv", "nowhere.parquet", "x" * 300 + ".csv"])
def test_a_table_that_cannot_be_read_is_bad_input(run, name, assert_one_line_error):
    assert_one_line_error(run("combine", name, "--labels", "t"), name)


@pytest.mark.parametrize(
    ("out", "part"),
    [
        ("out.txt", "unknown file type '.txt'"),
        ("nowhere/out.csv", "create nowhere first"),
        ("", "the name of a file is empty; name a file"),
        (f"{'x' * 300}.csv", "cannot be written (File name too long); name another file"),
        ("there.csv", "--force"),
    ],
)
def test_an_impossible_output_is_refused_before_anything_is_read(
    run, tmp_path, monkeypatch, out, part, assert_one_line_error
):
    (tmp_path / "there.csv").write_text("precious")
    monkeypatch.setattr(fitting, "read_table", lambda *_: pytest.fail("the table was read"))
    assert_one_line_error(run("combine", "table.csv", "--labels", "t", "--out", out), out, part)
    assert (tmp_path / "there.csv").read_text() == "precious"


def test_force_replaces_an_existing_output_but_not_the_table_itself(run, table, tmp_path, rows, assert_one_line_error):
    (tmp_path / "out.csv").write_text("old")
    arguments = ("combine", table, "--labels", "t", "--id", "key", "--force", "--out")
    assert run(*arguments, "out.csv").exit_code == 0
    assert len(rows(tmp_path / "out.csv")) == 120
    before = table.read_text()
    assert_one_line_error(run(*arguments, "table.csv"), "itself, which is read")
    assert table.read_text() == before


@pytest.mark.parametrize("arguments", [["combine", "table.csv"], ["combine", "--labels", "t"], ["mix"]])
def test_bad_usage_exits_with_2(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_failing_disk_is_one_line_and_exit_code_1(run, table, monkeypatch, tmp_path):
    def full_disk(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    result = run("combine", table, "--labels", "t", "--id", "key", "--out", "out.csv")
    assert result.exit_code == 1
    assert result.stderr.endswith("cfensemble: error: out.csv: No space left on device\n")
    assert os.listdir(tmp_path) == ["table.csv"]


# ------------------------------------------------------------------------------------- where words and results go


def test_json_is_one_document_with_all_that_the_tables_say(run, table):
    data = read_table(table, "t", "key")
    result = run("combine", table, "--labels", "t", "--id", "key", "--solver", "als", "--json", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["table"] == {
        "name": "table.csv",
        "rows": 120,
        "classifiers": list(data.classifiers),
        "classes": [0, 1],
        "labelled": {"0": 24, "1": 12},
        "missing_share": 1 / 480,
    }
    model = fit(data.R, data.labels, "als")
    assert found["weights"] == dict(zip(data.classifiers, model.get_aggregator_weights().tolist(), strict=True))
    assert found["solver"] == {"name": "als", "converged": model.converged_, "iterations": model.n_iter_}
    expected = {name: asdict(cross_validate(method, data.R, data.labels, SEED)) for name, method in BASELINES.items()}
    methods = found["cross_validation"]["methods"]
    assert {name: methods[name] for name in BASELINES} == expected
    assert found["cross_validation"]["folds"] == 5
    assert found["out"] == "out.csv"


def test_quiet_says_nothing_and_measures_nothing(run, table, tmp_path, monkeypatch):
    monkeypatch.setattr("cfensemble.evaluation.cross_validate", lambda *_: pytest.fail("measured"))
    result = run("combine", table, "--labels", "t", "--id", "key", "--out", "out.csv", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "out.csv").exists()


def test_results_on_standard_output_move_everything_else_to_stderr(run, table, tmp_path):
    run("combine", table, "--labels", "t", "--id", "key", "--out", "out.csv")
    result = run("combine", "-", "--labels", "t", "--id", "key", "--out", "-", input=table.read_text())
    assert result.exit_code == 0, result.output
    assert result.stdout == (tmp_path / "out.csv").read_text()
    assert "logistic stacking" in result.stderr
    assert "Wrote 120 rows to standard output." in result.stderr


def test_the_labels_written_are_the_tables_own(run, table, tmp_path, rows):
    data = replace(read_table(table, "t", "key"), classes=("ham", "spam"))
    write_table(tmp_path / "spam.csv", data)
    assert run("combine", "spam.csv", "--labels", "t", "--id", "key", "--out", "out.csv", "--quiet").exit_code == 0
    p = fitted_probabilities(data.R, data.labels)
    assert [row["label"] for row in rows(tmp_path / "out.csv")] == ["spam" if x >= 0.5 else "ham" for x in p]


def test_chosen_classifiers_alone_are_combined(run, table, tmp_path, rows):
    data = read_table(table, "t", "key")
    options = ("--labels", "t", "--id", "key", "--out", "out.csv", "--quiet", "--classifiers", "tree, knn")
    assert run("combine", table, *options).exit_code == 0
    expected = fitted_probabilities(data.R[[3, 0]], data.labels)
    np.testing.assert_array_equal([float(row["probability"]) for row in rows(tmp_path / "out.csv")], expected)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--classifiers", "knn,oak"], "no classifier column 'oak'"),
        (["--classifiers", "knn,,tree"], "--classifiers: 'knn,,tree' has an empty name"),
        (["--json", "--out", "-"], "both need standard output"),
        (["--quiet"], "leaves nothing to do"),
    ],
)
def test_options_that_make_no_sense_are_refused(run, table, options, part, assert_one_line_error):
    assert_one_line_error(run("combine", table, "--labels", "t", "--id", "key", *options), part)


def test_debug_shows_where_an_error_came_from(run, table):
    result = run("combine", table, "--labels", "nope", "--debug")
    assert result.exit_code == 2
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("cfensemble: error: ")


def test_a_bug_is_one_line_and_exit_code_1(run, table, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of\nluck")

    monkeypatch.setattr(fitting, "fit_combiner", broken)
    result = run("combine", table, "--labels", "t", "--id", "key")
    assert result.exit_code == 1
    assert result.stderr == "cfensemble: error: RuntimeError: out of luck; --debug shows where\n"


# --------------------------------------------------------------------------------------------------- several classes


def test_several_classes_are_combined(run, three_classes, tmp_path, rows, words):
    data = read_table(three_classes, "t")
    result = run("combine", "classes.csv", "--labels", "t", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    P = MulticlassCombiner().fit(data.R, data.labels).predict()
    written = rows(tmp_path / "out.csv")
    for row, p in zip(written, P.T, strict=True):
        assert [float(row[f"probability:{label}"]) for label in data.classes] == p.tolist()
        assert row["label"] == data.classes[p.argmax()]
    assert ["of", "class", "bee", "12", "(33.3%)"] in words(result)
    for name in ("accuracy", "CF-Ensemble", *MULTICLASS_BASELINES):
        assert name in result.stdout


def test_several_classes_are_compared(run, three_classes):
    result = run("compare", three_classes, "--labels", "t", "--repeats", 1, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found["estimates"]) == {"accuracy", "log_loss", "brier"}
    assert set(found["seconds"]) == {"CF-Ensemble auto", *MULTICLASS_BASELINES}
    assert set(found["left_out"]) == {"als", "joint", "torch"}


def test_only_the_combiner_takes_several_classes(run, three_classes, assert_one_line_error):
    assert_one_line_error(
        run("combine", "classes.csv", "--labels", "t", "--solver", "als"),
        "--solver: als combines two classes, and classes.csv has 3; use auto",
    )


def test_only_combine_goes_without_a_label_of_a_class(run, three_classes, rows, tmp_path, assert_one_line_error):
    three_classes.write_text(three_classes.read_text().replace(",bee\n", ",\n"))
    result = run("combine", "classes.csv", "--labels", "t", "--out", "out.csv")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("\n") == 1
    assert "classes.csv: label column 't' has no label of class 'bee'" in result.stderr
    assert "bee" in {row["label"] for row in rows(tmp_path / "out.csv")}
    result = run("fit", "classes.csv", "--labels", "t", "--model", "model.safetensors")
    assert_one_line_error(result, "has no label of class 'bee'")


def test_without_any_label_several_classes_are_combined_by_agreement(run, three_classes, assert_warnings_only):
    lines = three_classes.read_text().splitlines()
    three_classes.write_text("\n".join([lines[0], *(line.rpartition(",")[0] + "," for line in lines[1:])]) + "\n")
    result = run("combine", "classes.csv", "--labels", "t")
    assert result.exit_code == 0, result.output
    assert "has no labels, so no weights can be learned" in result.stderr
    assert result.stderr.count("\n") == 1
    assert_warnings_only(result.stderr)
