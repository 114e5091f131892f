"""The README's examples run as they stand."""

import re
import shlex
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from cfensemble.commands.app import app
from cfensemble.tables import PredictionTable, write_table

README = Path(__file__).parents[1] / "README.md"


def test_the_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    names = {}
    for block in blocks:
        exec(block, names)  # a warning would be an error
    assert names["p"].shape == (1000, 2)
    np.testing.assert_allclose(names["p_new"], names["p"][:5], atol=1e-12)
    assert np.mean(names["p"].argmax(axis=1) == names["truth"]) > 0.95
    assert names["stack"].transduction_.shape == (569,)


def test_the_shell_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    R = np.clip(0.4 * y + 0.6 * rng.random((4, 200)), 0, 1)
    R[rng.random(R.shape) < 0.1] = np.nan
    labels = np.where(np.arange(200) < 60, y.astype(float), np.nan)
    ids = [f"row {i}" for i in range(200)]
    table = PredictionTable(ids, R, labels, ("knn", "forest", "svm", "tree"), "id", "y")
    write_table("predictions.csv", table)
    write_table("new.parquet", table)
    section = README.read_text(encoding="utf-8").partition("## From the shell")[2].partition("\n## ")[0]
    block = re.search(r"```console\n(.*?)```", section, flags=re.DOTALL)[1]
    commands = [line.removeprefix("$ cfensemble ") for line in block.splitlines()]
    assert {command.split()[0] for command in commands} == {"combine", "compare", "fit", "predict"}
    for command in commands:
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == 0, result.output
    for written in ("combined.csv", "predicted.csv"):
        lines = Path(written).read_text().splitlines()
        assert lines[0] == "id,probability,label"
        assert [line.partition(",")[0] for line in lines[1:]] == ids
