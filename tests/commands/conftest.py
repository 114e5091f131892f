"""Tables that many tests share, and how they run the command line."""

import csv
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from cfensemble.commands.app import app
from cfensemble.tables import PredictionTable, write_table

NAN = np.nan


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **options):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)

    return run


@pytest.fixture
def program(tmp_path):
    """Run the program, or some code, in a process of its own."""

    def program(*arguments, code=("-m", "cfensemble"), **options):
        command = [sys.executable, *code, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(command, cwd=tmp_path, text=True, check=False, **pipes)

    return program


@pytest.fixture
def table(tmp_path):
    """Four classifiers of 120 instances; 12 positive and 24 negative labels."""
    rng = np.random.default_rng(0)
    y = np.repeat([1.0, 0.0], [40, 80])
    R = np.clip(0.3 * y + np.array([[0.5], [0.6], [0.7], [0.8]]) * rng.random((4, 120)), 0, 1)
    R[0, 7] = NAN
    labels = np.where(np.arange(120) % 10 < 3, y, NAN)
    names = ("knn", "[bold]forest", "svm", "tree")
    ids = [f"row{i}" for i in range(120)]
    write_table(tmp_path / "table.csv", PredictionTable(ids, R, labels, names, "key", "t"))
    return tmp_path / "table.csv"


@pytest.fixture
def three_classes(tmp_path):
    """Three classifiers of 90 instances of the classes ant, bee and cat, 12 labels of each."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    scores = np.eye(3)[y].T[None] * np.array([1.0, 2.0, 3.0])[:, None, None] + rng.normal(size=(3, 3, 90))
    R = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    R[1, :, 5] = NAN
    labels = np.where(np.arange(90) < 36, y.astype(float), NAN)
    classes = ("ant", "bee", "cat")
    table = PredictionTable(range(90), R, labels, ("u", "v", "w"), None, "t", classes)
    write_table(tmp_path / "classes.csv", table)
    return tmp_path / "classes.csv"


@pytest.fixture
def rows():
    """Read the rows of a CSV file."""

    def rows(path):
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    return rows


@pytest.fixture
def words():
    """Split the lines of what a command printed into words."""
    return lambda result: [line.split() for line in result.stdout.splitlines()]


@pytest.fixture
def assert_warnings_only():
    def check(stderr):
        for line in stderr.splitlines():
            assert line.startswith("cfensemble: warning: ")

    return check


@pytest.fixture
def assert_one_line_error():
    def check(result, *parts):
        assert result.exit_code == 2, result.output
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("cfensemble: error: ")
        for part in parts:
            assert part in result.stderr
        assert result.stdout == ""

    return check
