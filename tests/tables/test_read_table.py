import io
import re
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cfensemble.tables import PredictionTable, read_table, sources, text, write_table

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
        (GOOD, "t", None, "classifier column 'name', row 2 (line 3): holds 'b'; it must hold numbers"),
        ("a,t\n0.5,1\n0.1,0\nNA,0\n high,1\n", "t", None, "classifier column 'a', row 4 (line 5): holds 'high'"),
        ("a,t\n2020-01-31,1\n", "t", None, "classifier column 'a', row 1 (line 2): holds '2020-01-31'"),
        (
            "a,t\n0.5,1\n1.5,0\n-1,0\n",
            "t",
            None,
            "classifier column 'a', row 2 (line 3): holds 1.5; probabilities lie in [0, 1]",
        ),
        ("a,t\n0.5,1\n-0.001,0\n", "t", None, "classifier column 'a', row 2 (line 3): holds -0.001"),
        ("a,t\n0.5,1\n0.5,\ninf,0\n", "t", None, "classifier column 'a', row 3 (line 4): holds inf"),
        (
            "a,t\n0.5,1\n0.5,0.5\n",
            "t",
            None,
            "label column 't', row 2 (line 3): holds 0.5; labels are whole numbers or",
        ),
        (
            "a,t\n0.5,yes\n0.5,\n0.5,1\n",
            "t",
            None,
            "label column 't', row 3 (line 4): holds 1, which is numbers, after 'yes', which is text",
        ),
        (
            "a,b,t\n0,0,x\n0,0,y\n0,0,z\n",
            "t",
            None,
            "label column 't': holds 3 different labels ('x', 'y', 'z'); more than two need a column `model:class`",
        ),
        (
            "m:x,m:y,m:z,note,t\n0,0,1,0,x\n0,0,1,0,y\n0,0,1,0,z\n",
            "t",
            None,
            "label column 't': holds 3 different labels ('x', 'y', 'z'); more than two need a column `model:class` for "
            "each class of each classifier, but 'note' is not so named: rename it, drop it, or list the others with "
            "--classifiers; leave blank what is unknown",
        ),
        ("a,t,\n0.5,1,\n0.5,0,\n", "t", None, "column 3 has no name; name it, drop it (does each line end with a"),
        ("a,b,t\n,,1\n,NA,0\n", "t", None, "holds no prediction, all classifier columns are blank"),
        ("a,t\n0.5,spam\n0.1,spam\n", "t", None, "label column 't': holds 'spam' and nothing else; label rows of both"),
        (f"a,t\n0.5,1\n0.5,{'9' * 400}\n", "t", None, "label column 't', row 2 (line 3): holds '999"),
        ("a,t\n", "t", None, "the table has no rows"),
        ("t\n1\n", "t", None, "no classifier columns"),
        ("k,t\n1,1\n", "t", "k", "no classifier columns"),
        ("a,b,a,t\n0,0,0,0\n", "t", None, "column 'a' occurs 2 times"),
        ("k,a,t\nx,0,0\n,0,1\n", "t", "k", "id column 'k', row 2 (line 3): blank"),
        ("k,a,t\nx,0,0\ny,0,\nx,0,1\n", "t", "k", "id column 'k', row 3 (line 4): 'x' is the id of row 1 as well"),
        ("", "t", None, "cannot be read as csv (it is empty)"),
        ("a,t\n0.5,0\n0.5\n", "t", None, "row 2 (line 3) has 1 fields where the header has 2"),
        (b"a\xff,t\n0.5,1\n", "t", None, "line 1 is not UTF-8; save it in that encoding"),
        (b"a,t\n0.5,1\n0.5,\xe4\n", "t", None, "line 3 is not UTF-8; save it in that encoding"),
        ("a;t\n0.5;1\n", "t", None, "no label column 't'; the columns are 'a;t': fields seem to be separated by ';'"),
        (
            'k,a,t\n\n"one\ntwo",0,0\n\nthree,2,1\n',
            "t",
            "k",
            "classifier column 'a', row 2 (line 6): holds 2.0; probabilities lie in [0, 1]",
        ),
    ],
)
def test_a_faulty_table_is_refused_with_the_place_and_the_cure(write, text, labels, ids, message):
    path = write(text)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        read_table(path, labels, ids)


def test_an_open_quote_in_the_header_is_told_shortly(write):
    with pytest.raises(ValueError, match=r"\.\.\.': a name goes over several lines; see whether a quote") as caught:
        read_table(write('a,t,"b\n' + "0.5,1,0.5\n" * 1000), "y")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("table.xlsx", "unknown file type '.xlsx'; save it as one of .csv, .tsv, .parquet"),
        ("table", "unknown file type ''"),
        ("table.parquet", "table.parquet: cannot be read as parquet .*; it may be damaged or cut short"),
    ],
)
def test_other_files_are_refused(write, name, message):
    with pytest.raises(ValueError, match=message):
        read_table(write(GOOD, name), "t")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.csv: cannot be opened \(No such file"):
        read_table(tmp_path / "nowhere.csv", "t")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_a_parquet_file_that_is_cut_short_is_refused(tmp_path, share):
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table({"a": np.random.default_rng(0).random(2000), "t": np.arange(2000) % 2}), path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"table.parquet: cannot be read as parquet \(.*\); it may be damaged or cut"):
        read_table(path, "t")


def test_a_parquet_file_with_a_damaged_page_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table({"a": np.random.default_rng(0).random(2000), "t": np.arange(2000) % 2}), path)
    data = bytearray(path.read_bytes())
    data[20:2000] = bytes(1980)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"table.parquet: "):
        read_table(path, "t")


@pytest.mark.parametrize(
    ("written", "classes", "codes"),
    [
        (["spam", "ham", ""], ("ham", "spam"), [1, 0, NAN]),
        (["1.0", "0.0", "NA"], (0, 1), [1, 0, NAN]),
        (["2", "10", "2"], (2, 10), [0, 1, 0]),
        (["-1", "1", ""], (-1, 1), [0, 1, NAN]),
        (["true", "false", "null"], ("false", "true"), [1, 0, NAN]),
        (["007", "008", ""], ("007", "008"), [0, 1, NAN]),
        (["1", "1", ""], (0, 1), [1, 1, NAN]),
        (["", "", ""], (0, 1), [NAN, NAN, NAN]),
    ],
)
def test_labels_may_be_any_two_values_and_the_last_is_positive(write, written, classes, codes):
    table = read_table(write("a,t,b\n" + "".join(f"0.5,{label},\n" for label in written)), "t")
    assert table.classes == classes
    np.testing.assert_array_equal(table.labels, codes)


@pytest.mark.parametrize(
    ("column", "classes"),
    [
        (pa.array([True, None, False]), (False, True)),
        (pa.array([1.0, NAN, 0.0]), (0, 1)),
        (pa.array(["b", None, "a"]).dictionary_encode(), ("a", "b")),
        (pa.array([5, None, 3], pa.uint8()), (3, 5)),
    ],
)
def test_labels_of_a_parquet_file_keep_their_type(tmp_path, column, classes):
    parquet.write_table(pa.table({"a": [0.1, 0.2, 0.3], "t": column}), tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet", "t")
    assert table.classes == classes
    assert [type(label) for label in table.classes] == [type(label) for label in classes]
    np.testing.assert_array_equal(table.labels, [1, NAN, 0])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([[1], [0]]), "holds list"),
        (pa.array([1, 0], pa.int32()).cast(pa.date32()), "labels are whole numbers or text"),
        (pa.array([0.5, 1.0]), "row 1: holds 0.5; labels are whole numbers"),
    ],
)
def test_labels_of_other_types_are_refused(tmp_path, column, message):
    parquet.write_table(pa.table({"a": [0.1, 0.2], "t": column}), tmp_path / "table.parquet")
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "table.parquet", "t")


def test_the_classifiers_can_be_chosen_and_other_columns_may_then_hold_anything(write):
    table = read_table(write("a,note,t,b,c\n0.5,hello,1,0.25,0.75\n"), "t", classifiers=["c", "a"])
    assert table.classifiers == ("c", "a")
    np.testing.assert_array_equal(table.R, [[0.75], [0.5]])


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["a", "z"], "no classifier column 'z'; the columns are 'a', 'b'"),
        (["a", "t"], "no classifier column 't'"),
        (["a", "b", "a"], "classifier 'a' is chosen twice"),
    ],
)
def test_a_choice_of_other_classifiers_is_refused(write, chosen, message):
    with pytest.raises(ValueError, match=message):
        read_table(write("a,t,b\n0.5,1,0.5\n"), "t", classifiers=chosen)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_other_line_ends_and_a_byte_order_mark_are_read(write, ending, mark):
    assert_is_good(read_table(write(mark + GOOD.replace("\n", ending).encode()), "t", "name"))


def test_standard_input_is_read_as_csv(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert_is_good(read_table("-", "t", "name"))


def test_messages_about_standard_input_say_so(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,t\n2,1\n")))
    with pytest.raises(ValueError, match=r"standard input: classifier column 'a', row 1 \(line 2\): holds 2.0"):
        read_table("-", "t")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_progress_is_told_as_the_share_that_has_been_read(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(text, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(sources, "BLOCK_ROWS", 100)
    path = tmp_path / f"table{suffix}"
    R = np.random.default_rng(0).random((2, 1000)).round(3)
    write_table(path, PredictionTable(range(1000), R, np.arange(1000) % 2, ("a", "b"), None, "t"))
    shares = []
    read_table(path, "t", on_progress=shares.append)
    assert len(shares) >= 10
    np.testing.assert_allclose(np.diff(shares[:-1]), 1 / len(shares), rtol=0.2)  # but for the last block
    assert shares[-1] == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.decimal128(20)])
def test_whole_labels_are_kept_to_the_last_digit(tmp_path, kind):
    labels = [9007199254740993, 9007199254740992, None]
    parquet.write_table(pa.table({"a": [0.1, 0.2, 0.3], "t": pa.array(labels).cast(kind)}), tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet", "t")
    assert table.classes == (9007199254740992, 9007199254740993)
    np.testing.assert_array_equal(table.labels, [1, 0, NAN])


def test_the_place_of_a_label_is_looked_up_only_to_be_told(write, monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 200)
    looked_up = []
    place = sources.Block.place
    monkeypatch.setattr(sources.Block, "place", lambda block, i: looked_up.append(i) or place(block, i))
    path = write("a:x,a:y,t\n" + "0.5,0.5,x\n0.5,0.5,y\n" * 100)
    assert read_table(path, "t").label_counts() == {"x": 100, "y": 100}
    assert looked_up == []
    path.write_text(path.read_text() + "0.5,0.5,z\n")
    with pytest.raises(ValueError, match=r"row 201 \(line 202\): holds 'z', which is no class of the columns"):
        read_table(path, "t")


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
