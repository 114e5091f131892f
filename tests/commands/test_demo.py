import os
import tempfile

import numpy as np
import pytest
from typer.testing import CliRunner

from cfensemble.baselines import BASELINES, plain_average
from cfensemble.commands.app import app
from cfensemble.commands.fitting import SEED
from cfensemble.demo import build_demo
from cfensemble.evaluation import score
from cfensemble.tables import read_table


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """What `demo --save` prints, and the folder that it wrote to, which held an earlier demo's table."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo_table.csv").write_text("of an earlier demo")
    return CliRunner().invoke(app, ["demo", "--save", str(folder)]), folder


@pytest.fixture(scope="module")
def built():
    return build_demo(SEED)


def test_the_demo_keeps_its_files_where_it_is_told(saved, built):
    result, folder = saved
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(folder)) == ["demo_figure.png", "demo_results.csv", "demo_table.csv"]
    assert (folder / "demo_figure.png").read_bytes().startswith(b"\x89PNG")
    table = read_table(folder / "demo_table.csv", built.table.label_column, built.table.id_column)
    np.testing.assert_array_equal(table.R, built.table.R)
    np.testing.assert_array_equal(table.labels, built.table.labels)


def test_the_demo_runs_combine(saved, run, tmp_path):
    result, folder = saved
    options = ("--labels", "is_eight", "--id", "image", "--out", "again.csv")
    again = run("combine", folder / "demo_table.csv", *options)
    assert (tmp_path / "again.csv").read_text() == (folder / "demo_results.csv").read_text()
    report, _, _ = again.stdout.partition("Wrote")
    assert report in result.stdout


def test_the_demo_scores_every_method_on_the_hidden_labels(saved, built, rows):
    result, folder = saved
    hidden = np.isnan(built.table.labels)
    ours = np.array([float(row["probability"]) for row in rows(folder / "demo_results.csv")])
    average = plain_average(built.table.R, built.table.labels)
    table = result.stdout.split("rows with hidden labels")[1].replace("*", "")
    lines = [line.split() for line in table.splitlines()]
    for name, p in {"CF-Ensemble": ours, "plain average": average}.items():
        s = score(built.y[hidden], p[hidden])
        assert [*name.split(), f"{s.pr_auc:.4f}", f"{s.log_loss:.4f}", f"{s.brier:.4f}"] in lines
    for name in BASELINES:
        assert name in table


def test_the_demo_leaves_nothing_behind_unless_it_is_told_to(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = run("demo")
    assert result.exit_code == 0, result.output
    assert os.listdir(tmp_path) == []
    assert "--save DIR" in result.stdout


def test_a_demo_folder_that_is_a_file_is_bad_input(run, table, assert_one_line_error):
    assert_one_line_error(run("demo", "--save", table), "table.csv")
