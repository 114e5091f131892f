import io
import os
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet

from cfensemble.commands import fitting
from cfensemble.tables import sources, text

NAN = np.nan


class Average:
    """A model whose prediction is the plain average, which remembers how many rows it was given at a time."""

    def __init__(self, names=("a", "b"), classes=(0, 1)):
        self.feature_names_in_ = np.array(names, object)
        self.classes_ = np.array(classes)
        self.sizes = []

    def predict_proba(self, P):
        if isinstance(P, dict):
            assert list(P) == self.feature_names_in_.tolist()
            p = np.mean(list(P.values()), axis=0)
        else:
            assert P.column_names == self.feature_names_in_.tolist()
            positive = np.mean([column.to_numpy() for column in P.columns], axis=0)
            p = np.column_stack([1 - positive, positive])
        self.sizes.append(len(p))
        return p


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Have this model in the file model.safetensors."""
    (tmp_path / "model.safetensors").write_bytes(b"")

    def use(model):
        monkeypatch.setattr(fitting, "load_classifier", lambda file: model)
        return model

    return use


MODEL = ("--model", "model.safetensors")


def test_predict_writes_id_probability_and_label_of_every_row(run, use, tmp_path):
    use(Average(classes=("ham", "spam")))
    (tmp_path / "new.csv").write_text("b,note,k,a\n0.5,x,007,0.25\n1,y,8,0.5\n")
    result = run("predict", "new.csv", *MODEL, "--out", "out.csv", "--id", "k")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out.csv").read_text() == "id,probability,label\n007,0.375,ham\n8,0.75,spam\n"
    assert result.stdout == "Wrote 2 rows to out.csv.\n"


def test_the_threshold_decides_the_label(run, use, tmp_path):
    use(Average())
    (tmp_path / "new.csv").write_text("a,b\n0.5,0.25\n0.25,0.25\n")
    run("predict", "new.csv", *MODEL, "--out", "out.csv", "--threshold", "0.375")
    assert (tmp_path / "out.csv").read_text() == "id,probability,label\n1,0.375,1\n2,0.25,0\n"


def test_more_classes_get_a_column_each(run, use, tmp_path):
    use(Average(classes=("x", "y", "z")))
    (tmp_path / "new.csv").write_text("a:z,a:y,a:x,b:x,b:y,b:z\n.5,.25,.25,.75,.25,0\n")
    assert run("predict", "new.csv", *MODEL, "--out", "out.csv").exit_code == 0
    expected = "id,probability:x,probability:y,probability:z,label\n1,0.5,0.25,0.25,x\n"
    assert (tmp_path / "out.csv").read_text() == expected


def test_two_classes_may_have_a_column_each(run, use, tmp_path):
    use(Average(classes=("no", "yes")))
    (tmp_path / "new.csv").write_text("a:yes,a:no,b:no,b:yes\n.25,.75,.25,.75\n")
    assert run("predict", "new.csv", *MODEL, "--out", "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text() == "id,probability,label\n1,0.5,yes\n"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_long_table_is_predicted_block_by_block(run, use, tmp_path, monkeypatch, suffix):
    model = use(Average())
    monkeypatch.setattr(text, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(sources, "BLOCK_ROWS", 100)
    p = np.arange(3000) / 3000
    new = pa.table({"a": p, "k": np.arange(3000), "b": p})
    if suffix == ".parquet":
        parquet.write_table(new, tmp_path / "new.parquet", row_group_size=700)
    else:
        lines = "".join(f"{x},{k},{x}\n" for k, x in enumerate(p.tolist()))
        (tmp_path / "new.csv").write_text("a,k,b\n" + lines)
    result = run("predict", f"new{suffix}", *MODEL, "--out", "out.parquet", "--id", "k")
    assert result.exit_code == 0, result.output
    assert sum(model.sizes) == 3000
    assert max(model.sizes) <= 200
    written = parquet.read_table(tmp_path / "out.parquet")
    np.testing.assert_array_equal(written["probability"], p)
    assert [int(k) for k in written["id"].to_pylist()] == list(range(3000))


# A process starts with the peak of the one that started it, so that one is needed in between that is small.
PEAK = """
import resource, subprocess, sys
program = (
    "from cfensemble.tables import sources, text; sources.BLOCK_ROWS, text.BLOCK_BYTES = 1 << 13, 1 << 18; "
    "from cfensemble.cli import main; main()"
)
subprocess.run([sys.executable, "-c", program, *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_memory_does_not_grow_with_the_table(program, run, tmp_path, suffix):
    rng = np.random.default_rng(0)

    def write(name, P, **columns):
        table = pa.table({f"m{u}": p for u, p in enumerate(P)} | columns)
        if name.endswith(".csv"):
            pa_csv.write_csv(table, tmp_path / name)
        else:
            parquet.write_table(table, tmp_path / name, row_group_size=1 << 13, use_dictionary=False)
        return (tmp_path / name).stat().st_size

    def peak(name):
        result = program(name, *MODEL, "--out", "out.parquet", "--force", "--quiet", code=("-c", PEAK, "predict"))
        assert result.returncode == 0, result.stderr
        return int(result.stdout) * (1 if sys.platform == "darwin" else 1024)

    y = np.arange(200) % 2
    write("labelled.parquet", 0.3 * y + 0.7 * rng.random((10, 200)), y=y)
    fitting = ("--labels", "y", "--solver", "als", "--quiet")
    assert run("fit", "labelled.parquet", *fitting, *MODEL).exit_code == 0
    small, large = (write(f"{n}{suffix}", rng.random((10, n))) for n in (20_000, 300_000))
    assert peak(f"300000{suffix}") - peak(f"20000{suffix}") < (large - small) / 3


def test_standard_input_is_predicted_to_standard_output(run, use):
    use(Average())
    result = run("predict", "-", *MODEL, "--out", "-", input="a,b\n0.5,0.25\n")
    assert (result.exit_code, result.stdout) == (0, "id,probability,label\n1,0.375,0\n")
    assert result.stderr == "Wrote 1 rows to standard output.\n"
    assert run("predict", "-", *MODEL, "--out", "-", "--quiet", input="a,b\n0.5,0.25\n").stderr == ""


@pytest.mark.parametrize(
    ("table", "options", "parts"),
    [
        ("a,c,d\n1,1,1\n", [], ["new.csv: lacks columns of model.safetensors: 'b'; not in the model: 'c', 'd'"]),
        ("c\n1\n", [], ["lacks columns of model.safetensors: 'a', 'b'; not in the model: 'c'"]),
        ("a,b\n1,1\n", ["--id", "k"], ["new.csv: no id column 'k'"]),
        ("a,b\n", [], ["new.csv: the table has no rows"]),
        ("a,b\n1,1\n1,2\n", [], ["new.csv: classifier column 'b', row 2 (line 3): holds 2.0"]),
        ("a,b\n1,1\n1,2\n", ["--threshold", "7"], ["--threshold: 7.0"]),
        ("a,b\n1,1\n1,2\n", ["--out", "new.csv", "--force"], ["itself, which is read"]),
        ("a,b\n1,1\n1,2\n", ["--out", "there.csv"], ["there.csv: exists already", "--force"]),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(run, use, tmp_path, table, options, parts, assert_one_line_error):
    use(Average())
    (tmp_path / "new.csv").write_text(table)
    (tmp_path / "there.csv").write_text("precious")
    before = sorted(os.listdir(tmp_path))
    assert_one_line_error(run("predict", "new.csv", *MODEL, "--out", "out.csv", *options), *parts)
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "there.csv").read_text() == "precious"


def test_a_fault_in_a_late_block_names_its_row_and_line_and_leaves_no_output(
    run, use, tmp_path, monkeypatch, assert_one_line_error
):
    use(Average())
    monkeypatch.setattr(text, "BLOCK_BYTES", 100)
    (tmp_path / "new.csv").write_text("a,b\n" + "0.5,0.5\n" * 500 + "0.5,high\n")
    result = run("predict", "new.csv", *MODEL, "--out", "out.csv")
    assert_one_line_error(result, "classifier column 'b', row 501 (line 502): holds 'high'")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("out", ["out.csv", "-"])
def test_a_failed_read_names_the_input(run, use, tmp_path, monkeypatch, out):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if data := super().read(size):
                return data
            raise OSError(5, "Input/output error")

    use(Average())
    monkeypatch.setattr(text, "BLOCK_BYTES", 10_000)
    stdin = SimpleNamespace(buffer=Failing(b"a,b\n" + b"0.5,0.5\n" * 5000))
    monkeypatch.setattr(sources, "sys", SimpleNamespace(stdin=stdin))
    result = run("predict", "-", *MODEL, "--out", out)
    assert result.exit_code == 2
    message = "standard input: cannot be read as text (Input/output error); it may be damaged or cut short"
    assert result.stderr == f"cfensemble: error: {message}\n"
    assert not (tmp_path / "out.csv").exists()


def test_pipes_are_written_to_without_force(run, table, tmp_path):
    reading, writing = os.pipe()
    fitting = ("fit", table, "--labels", "t", "--id", "key", "--solver", "als", "--quiet")
    assert run(*fitting, *MODEL).exit_code == 0
    with open(reading, "rb") as end:
        assert run(*fitting, "--model", f"/dev/fd/{writing}").exit_code == 0
        os.close(writing)
        assert len(end.read()) == (tmp_path / "model.safetensors").stat().st_size
    reading, writing = os.pipe()
    (tmp_path / "out.csv").symlink_to(f"/dev/fd/{writing}")
    with open(reading, "rb") as end:
        assert run("predict", table, *MODEL, "--out", "out.csv", "--id", "key", "--quiet").exit_code == 0
        os.close(writing)
        assert end.read().count(b"\n") == 121


def test_a_model_that_is_not_there_is_bad_input(run, tmp_path, assert_one_line_error):
    (tmp_path / "new.csv").write_text("a,b\n1,1\n")
    result = run("predict", "new.csv", "--model", "nowhere.safetensors", "--out", "out.csv")
    assert_one_line_error(result, "nowhere.safetensors: cannot be opened")
