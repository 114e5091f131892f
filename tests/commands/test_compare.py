import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from cfensemble.baselines import BASELINES
from cfensemble.combining import combiner, multiclass
from cfensemble.commands import compare, terminal
from cfensemble.commands.fitting import SEED, as_method, fit_combiner
from cfensemble.comparison import Comparison, Estimate
from cfensemble.comparison import compare as compare_methods
from cfensemble.evaluation import hide_folds
from cfensemble.tables import read_table


@pytest.fixture
def without_torch(monkeypatch):
    found = compare.find_spec
    monkeypatch.setattr(compare, "find_spec", lambda name: None if name == "torch" else found(name))


def test_compare_estimates_every_solver_and_every_baseline(run, table, without_torch):
    result = run("compare", table, "--labels", "t", "--id", "key", "--repeats", 2, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["left_out"] == {"torch": "which needs PyTorch (pip install 'cfensemble[torch]')"}
    assert (found["n_labelled"], found["n_folds"], found["n_repeats"]) == (36, 5, 2)
    data = read_table(table, "t", "key")
    methods = {f"CF-Ensemble {solver}": as_method(solver) for solver in ("auto", "als", "joint")}
    expected = compare_methods(methods, BASELINES, data.R, data.labels, 2, SEED)
    assert set(found["estimates"]) == {"pr_auc", "log_loss", "brier"}
    for metric, by_method in expected.estimates.items():
        assert list(found["estimates"][metric]) == list(by_method)
        for name, estimate in by_method.items():
            assert found["estimates"][metric][name]["mean"] == estimate.mean
            assert found["estimates"][metric][name]["p_value"] == estimate.p_value
    assert found["best_baseline"] == expected.best_baseline
    assert set(found["seconds"]) == set(methods) | set(BASELINES)


@pytest.mark.parametrize("data", ["table", "three_classes"])
def test_the_factor_model_is_fitted_once_for_all_folds(request, monkeypatch, data):
    fits = []
    table = read_table(request.getfixturevalue(data), "t", "key" if data == "table" else None)
    module = combiner if data == "table" else multiclass
    fit = module.fit_factor_model
    monkeypatch.setattr(module, "fit_factor_model", lambda *a, **b: fits.append(1) or fit(*a, **b))
    method = as_method("auto")
    for _, masked in hide_folds(table.labels, 3):
        np.testing.assert_array_equal(method(table.R, masked), fit_combiner("auto", table.R, masked).predict())
    assert len(fits) == 1 + 3


def test_compare_prints_a_table_for_each_metric(run, table, without_torch):
    result = run("compare", table, "--labels", "t", "--id", "key", "--repeats", 1, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    for part in ("PR-AUC: 1 x 5-fold", "log-loss: 1 x", "Brier: 1 x", "95% interval", "Time of a fit", *BASELINES):
        assert part in result.stdout
    said = " ".join(result.stdout.split())
    for part in (
        "which favours it a little. p is corrected for the number of methods (Holm)",
        "Means over folds: not comparable with the PR-AUC of all rows at once, and noisy",
        "what a method learns without labels, it may learn in the first",
    ):
        assert part in said
    assert "Left out: torch, which needs PyTorch" in result.stdout


def test_scores_without_spread_are_shown_without_interval_and_test(capsys):
    estimates = {"a": Estimate(1.0, None, None, 0.5, None), "b": Estimate(0.5, 0.4, 0.6)}
    found = Comparison(10, 5, 1, {"brier": estimates}, {"brier": "b"}, {"a": 0.1, "b": 0.1})
    Console(width=120).print(terminal.estimates(found)[0])
    shown = capsys.readouterr().out
    assert re.search(r"a +1.0000 +- +\+0.5000 +-", shown)
    assert "No interval and no test where all folds say the same" in " ".join(shown.split())
    Console(width=120).print(terminal.estimates(replace(found, estimates={"brier": {"b": estimates["b"]}}))[0])
    assert "No interval" not in capsys.readouterr().out


def test_torch_takes_part_where_it_is_installed(run, table):
    assert "torch" in sys.modules
    solvers, left_out = compare._solvers(read_table(table, "t", "key"))
    assert list(solvers.values()) == ["auto", "als", "joint", "torch"]
    assert left_out == {}


@pytest.mark.parametrize(
    ("labels", "part"),
    [("1,0,0,0,0", "1 of class 1"), ("1,1,1,,", "0 of class 0"), (",,,,", "no labels")],
)
def test_too_few_labels_are_one_line(run, tmp_path, labels, part, assert_one_line_error):
    lines = "".join(f"0.{i},0.5,{label}\n" for i, label in enumerate(labels.split(",")))
    (tmp_path / "few.csv").write_text("a,b,t\n" + lines)
    assert_one_line_error(
        run("compare", "few.csv", "--labels", "t"),
        f"few.csv: label column 't' has {part}; cross-validation needs at least two labelled rows of each class",
    )


def test_quiet_leaves_the_document_alone(run, table, without_torch, assert_one_line_error):
    arguments = ("compare", table, "--labels", "t", "--id", "key", "--repeats", 1, "--quiet")
    assert_one_line_error(run(*arguments), "--quiet without --json leaves nothing to do")
    assert json.loads(run(*arguments, "--json").stdout)["table"]["name"] == "table.csv"
