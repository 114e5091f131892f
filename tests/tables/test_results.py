import io
import os
import sys

import numpy as np
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet

from cfensemble.tables import check_output, open_results, write_results


def binary(*p):
    """Probabilities of both classes."""
    return np.column_stack([1 - np.array(p), p])


def test_results_are_written_in_full_precision_with_the_threshold_inclusive(tmp_path):
    path = tmp_path / "out.csv"
    write_results(path, ["a", "b", "c,d"], binary(0.1 + 0.2, 0.75, 0.7499), threshold=0.75)
    assert path.read_text() == 'id,probability,label\na,0.30000000000000004,0\nb,0.75,1\n"c,d",0.7499,0\n'


@pytest.mark.parametrize("suffix", [".tsv", ".parquet"])
def test_results_are_written_in_the_format_that_the_name_says(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    write_results(path, [10, 20], binary(0.25, 0.5))
    tab = pa_csv.ParseOptions(delimiter="\t")
    found = parquet.read_table(path) if suffix == ".parquet" else pa_csv.read_csv(path, parse_options=tab)
    assert found.to_pydict() == {"id": [10, 20], "probability": [0.25, 0.5], "label": [0, 1]}


def test_results_of_another_length_than_the_ids_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a row per id and a column per class, \(1, 2\), got \(2, 2\)"):
        write_results(tmp_path / "out.csv", [1], binary(0.1, 0.2))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.txt", "unknown file type '.txt'"),
        ("no/where/out.csv", "its folder does not exist"),
        ("folder.csv", "is a folder"),
        ("there.csv", "exists already"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_beforehand(tmp_path, name, message):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "there.csv").write_text("precious")
    with pytest.raises(ValueError, match=message):
        check_output(tmp_path / name)
    with pytest.raises(ValueError, match=message):
        write_results(tmp_path / name, [1], binary(0.5))
    assert (tmp_path / "there.csv").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["folder.csv", "there.csv"]


def test_an_existing_file_is_replaced_only_by_force(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    write_results(path, [1], binary(0.5), force=True)
    assert path.read_text() == "id,probability,label\n1,0.5,1\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full_disk(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_results(path, [1], binary(0.5), force=True)
    assert os.listdir(tmp_path) == ["out.csv"]
    assert path.read_text() == "old"


def test_a_file_that_appears_while_another_is_written_is_not_overwritten(tmp_path):
    path = tmp_path / "out.csv"

    def write():
        with open_results(path) as results:
            results.write({"id": [1]})
            path.write_text("somebody else's")

    with pytest.raises(ValueError, match="exists already"):
        write()
    assert path.read_text() == "somebody else's"
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_full_disk_is_an_os_error(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_results(path, range(50_000), np.full((50_000, 2), 0.5), force=True)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_written_block_by_block_is_one_table(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    with open_results(path) as results:
        for i in range(3):
            results.write({"id": [f"{i}"], "p": np.array([i / 4])})
            assert not path.exists()
    found = parquet.read_table(path) if suffix == ".parquet" else pa_csv.read_csv(path)
    assert found["p"].to_pylist() == [0, 0.25, 0.5]
    assert list(map(str, found["id"].to_pylist())) == ["0", "1", "2"]


def test_the_labels_are_the_tables_own(tmp_path):
    write_results(tmp_path / "out.csv", [1, 2], binary(0.25, 0.5), ("ham", "spam"))
    assert (tmp_path / "out.csv").read_text() == "id,probability,label\n1,0.25,ham\n2,0.5,spam\n"


def test_more_classes_get_a_column_each(tmp_path):
    P = np.array([[0.25, 0.5, 0.25], [0.0, 0.25, 0.75]])
    write_results(tmp_path / "out.csv", ["x", "y"], P, ("a", "b", "c"))
    assert (tmp_path / "out.csv").read_text() == (
        "id,probability:a,probability:b,probability:c,label\nx,0.25,0.5,0.25,b\ny,0.0,0.25,0.75,c\n"
    )


def test_standard_output_gets_csv(monkeypatch):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    write_results("-", [1], binary(0.5))
    assert out.getvalue() == b"id,probability,label\n1,0.5,1\n"
