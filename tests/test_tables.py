import os
import re

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet

from cfensemble.tables import PredictionTable, check_output, read_table, write_results, write_table

NAN = np.nan
GOOD = "name,forest,t,svm\n007,0.5,1,0.25\nb,,,1\nNA,0,0,\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def assert_is_good(table):
    assert table.classifiers == ("forest", "svm")
    np.testing.assert_array_equal(table.R, [[0.5, NAN, 0], [0.25, 1, NAN]])
    np.testing.assert_array_equal(table.labels, [1, NAN, 0])
    assert (table.R.dtype, table.labels.dtype) == (np.float64, np.float64)


def test_a_csv_file_is_read_with_blanks_as_missing_and_ids_as_they_are_written(write):
    table = read_table(write(GOOD), "t", "name")
    assert_is_good(table)
    assert list(table.ids) == ["007", "b", "NA"]
    assert (table.label_column, table.id_column) == ("t", "name")


def test_rows_are_numbered_from_one_without_an_id_column(write):
    table = read_table(write("a,t\n0.1,\n0.2,1\n"), "t")
    assert list(table.ids) == [1, 2]
    assert table.id_column is None


def test_a_tsv_file_is_read(write):
    assert_is_good(read_table(write(GOOD.replace(",", "\t"), "table.TSV"), "t", "name"))


@pytest.mark.parametrize("label_type", [pa.int8(), pa.float32(), pa.bool_(), pa.string()])
def test_a_parquet_file_is_read_whatever_numbers_it_holds(tmp_path, label_type):
    path = tmp_path / "table.parquet"
    columns = {
        "name": pa.array([7, 8, 9]),
        "forest": pa.array([0.5, NAN, 0], pa.float32()),
        "t": pa.array([1, None, 0]).cast(label_type),
        "svm": pa.array(["0.25", " 1 ", "NA"]),
    }
    parquet.write_table(pa.table(columns), path)
    table = read_table(path, "t", "name")
    assert_is_good(table)
    assert table.ids == [7, 8, 9]


def test_columns_without_any_value_are_legal(write):
    table = read_table(write("a,b,t\n0.1,,\n0.2,,\n"), "t")
    assert np.isnan(table.R[1]).all()
    assert np.isnan(table.labels).all()


@pytest.mark.parametrize(
    ("text", "labels", "ids", "message"),
    [
        (GOOD, "y", "name", "no label column 'y'; the columns are 'name', 'forest', 't', 'svm'"),
        (GOOD, "t", "key", "no id column 'key'; the columns are 'name', 'forest', 't', 'svm'"),
        (GOOD, "t", "t", "column 't' cannot hold both labels and ids"),
        (GOOD, "t", None, "classifier column 'name', row 2: holds 'b'; it must hold numbers"),
        ("a,t\n0.5,1\n0.1,0\nNA,0\n high,1\n", "t", None, "classifier column 'a', row 4: holds ' high'"),
        ("a,t\n2020-01-31,1\n", "t", None, "classifier column 'a', row 1: holds '2020-01-31'"),
        (
            "a,t\n0.5,1\n1.5,0\n-1,0\n",
            "t",
            None,
            r"classifier column 'a', row 2: holds 1.5; probabilities lie in [0, 1]",
        ),
        ("a,t\n0.5,1\n-0.001,0\n", "t", None, "classifier column 'a', row 2: holds -0.001"),
        ("a,t\n0.5,1\n0.5,\ninf,0\n", "t", None, "classifier column 'a', row 3: holds inf"),
        (
            "a,t\n0.5,1\n0.5,2\n",
            "t",
            None,
            "label column 't', row 2: holds 2.0; recode labels: 1 is positive, 0 negative, blank unknown",
        ),
        ("a,t\n0.5,1\n0.5,0.5\n", "t", None, "label column 't', row 2: holds 0.5"),
        ("a,t\n0.5,yes\n", "t", None, "label column 't', row 1: holds 'yes'; it must hold 0, 1 or blank"),
        ("a,t\n", "t", None, "the table has no rows"),
        ("t\n1\n", "t", None, "no classifier columns"),
        ("k,t\n1,1\n", "t", "k", "no classifier columns"),
        ("a,b,a,t\n0,0,0,0\n", "t", None, "column 'a' occurs 2 times"),
        ("k,a,t\nx,0,0\n,0,1\n", "t", "k", "id column 'k', row 2: blank"),
        ("", "t", None, "cannot be read as csv (Empty CSV file)"),
        ("a,t\n0.5\n", "t", None, "cannot be read as csv"),
        (b"a\xff,t\n0.5,1\n", "t", None, "is not UTF-8; save it in that encoding"),
        ("a;t\n0.5;1\n", "t", None, "no label column 't'; the columns are 'a;t': fields seem to be separated by ';'"),
    ],
)
def test_a_faulty_table_is_refused_with_the_place_and_the_cure(write, text, labels, ids, message):
    path = write(text)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        read_table(path, labels, ids)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("table.xlsx", "unknown file type '.xlsx'; use one of .csv, .tsv, .parquet"),
        ("table", "unknown file type ''"),
        ("table.parquet", "cannot be read as parquet"),
    ],
)
def test_other_files_are_refused(write, name, message):
    with pytest.raises(ValueError, match=message):
        read_table(write(GOOD, name), "t")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.csv: cannot be opened \(No such file"):
        read_table(tmp_path / "nowhere.csv", "t")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("id_column", [None, "name, quoted"])
def test_a_written_table_reads_back_as_it_was(tmp_path, suffix, id_column):
    path = tmp_path / f"table{suffix}"
    R = np.random.default_rng(0).random((2, 3))
    R[0, 1] = NAN
    ids = range(1, 4) if id_column is None else ["007", 'say "b"', "c\td,e"]
    table = PredictionTable(ids, R, np.array([1, NAN, 0]), ("a", "b\n2"), id_column, "t")
    write_table(path, table)
    again = read_table(path, "t", id_column)
    np.testing.assert_array_equal(again.R, R)
    np.testing.assert_array_equal(again.labels, table.labels)
    assert list(again.ids) == list(ids)
    assert again.classifiers == table.classifiers


def test_results_are_written_in_full_precision_with_the_threshold_inclusive(tmp_path):
    path = tmp_path / "out.csv"
    write_results(path, ["a", "b", "c,d"], np.array([0.1 + 0.2, 0.75, 0.7499]), threshold=0.75)
    assert path.read_text() == 'id,probability,label\na,0.30000000000000004,0\nb,0.75,1\n"c,d",0.7499,0\n'


@pytest.mark.parametrize("suffix", [".tsv", ".parquet"])
def test_results_are_written_in_the_format_that_the_name_says(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    write_results(path, [10, 20], np.array([0.25, 0.5]))
    tab = pa_csv.ParseOptions(delimiter="\t")
    found = parquet.read_table(path) if suffix == ".parquet" else pa_csv.read_csv(path, parse_options=tab)
    assert found.to_pydict() == {"id": [10, 20], "probability": [0.25, 0.5], "label": [0, 1]}


def test_results_of_another_length_than_the_ids_are_refused(tmp_path):
    with pytest.raises(ValueError, match="equal length, got 1 and 2"):
        write_results(tmp_path / "out.csv", [1], np.array([0.1, 0.2]))


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
        write_results(tmp_path / name, [1], np.array([0.5]))
    assert (tmp_path / "there.csv").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["folder.csv", "there.csv"]


def test_an_existing_file_is_replaced_only_by_force(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    write_results(path, [1], np.array([0.5]), force=True)
    assert path.read_text() == "id,probability,label\n1,0.5,1\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full_disk(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_results(path, [1], np.array([0.5]), force=True)
    assert os.listdir(tmp_path) == ["out.csv"]
    assert path.read_text() == "old"


def test_a_file_that_appears_while_another_is_written_is_not_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    monkeypatch.setattr(os, "fsync", lambda fd: path.write_text("somebody else's"))
    with pytest.raises(ValueError, match="exists already"):
        write_results(path, [1], np.array([0.5]))
    assert path.read_text() == "somebody else's"
    assert os.listdir(tmp_path) == ["out.csv"]
