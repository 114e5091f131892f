import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.tables import text
from cfensemble.tables.text import TextReader

FIELD = st.text(st.sampled_from('ab,"\n\r\té'), max_size=6)

PIECES = ["1", 'a"b', 'c"', 'd""', '""', '"e"', '"f,"', '"g\nh"', '"i\rj"', '"k""l"', '"m"n', '"o"p"q', '"""r"']
PIECE = st.sampled_from(PIECES)


def read(data, columns):
    reader = TextReader(io.BytesIO(data), "table.csv", ",")
    blocks = list(reader.blocks(columns))
    rows = [row for table, _ in blocks for row in zip(*(table[c].to_pylist() for c in columns), strict=True)]
    lines = [records.line_of(i) for table, records in blocks for i in range(table.num_rows)]
    return rows, lines, len(blocks)


def quoted(fields):
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields)


@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=30), size=st.integers(1, 40))
def test_blocks_of_any_size_hold_the_same_records_on_the_same_lines(rows, size):
    records = [quoted(row) for row in rows]
    data = "\n".join(["x,y", *records]).encode()
    lines, line = [], 2
    for record in records:
        lines.append(line)
        line += 1 + len(io.StringIO(record, newline="").readlines()) - 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK_BYTES", size)
        found, found_lines, _ = read(data, ["x", "y"])
    assert found == rows
    if "\r" not in data.decode():
        assert found_lines == lines


def test_a_long_file_comes_in_blocks_of_bounded_size(monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 1000)
    data = b"x,y\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(5000))
    reader = TextReader(io.BytesIO(data), "table.csv", ",")
    sizes = [len(records.data) for _, records in reader.blocks(["x"])]
    assert len(sizes) > 40
    assert max(sizes) <= 2000


@pytest.mark.parametrize("stray", ['5" pipe,3', '1,"2" or so', 'x"",3', '1,2"'])
def test_a_stray_quote_costs_neither_memory_nor_a_record(monkeypatch, stray):
    monkeypatch.setattr(text, "BLOCK_BYTES", 100)
    data = "\n".join(["x,y", *["1,2"] * 100, stray, *['"a\nb",2'] * 100])
    reader = TextReader(io.BytesIO(data.encode()), "table.csv", ",")
    assert max(len(records.data) for _, records in reader.blocks(["x"])) <= 200
    rows, lines, _ = read(data.encode(), ["x", "y"])
    assert rows[:100] == [("1", "2")] * 100
    assert rows[101:] == [("a\nb", "2")] * 100
    assert lines == [*range(2, 103), *range(103, 303, 2)]


def test_a_stray_quote_in_the_header_is_part_of_a_name():
    reader = TextReader(io.BytesIO(b'5" pipe,y\n1,2\n3,"4"\n'), "table.csv", ",")
    assert reader.column_names == ['5" pipe', "y"]
    assert [table.num_rows for table, _ in reader.blocks(["y"])] == [2]


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
@given(rows=st.lists(st.tuples(PIECE, PIECE), min_size=1, max_size=20), size=st.integers(8, 40))
def test_blocks_end_where_arrow_sees_the_end_of_a_record(newline, rows, size):
    data = "\n".join(["x,y", *map(",".join, rows), ""]).replace("\n", newline).encode()
    whole, _, _ = read(data, ["x", "y"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK_BYTES", size)
        assert read(data, ["x", "y"])[0] == whole


def test_only_the_columns_asked_for_are_kept():
    reader = TextReader(io.BytesIO(b"x,y,z\n1,2,3\n"), "table.csv", ",")
    assert [table.column_names for table, _ in reader.blocks(["z", "x"])] == [["z", "x"]]
