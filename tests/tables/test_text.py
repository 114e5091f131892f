import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.tables import text
from cfensemble.tables.text import TextReader

FIELD = st.text(st.sampled_from('ab,"\n\r\té'), max_size=6)


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


def test_a_stray_quote_costs_memory_but_no_record(monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 100)
    data = b"x,y\n" + b"1,2\n" * 100 + b'5" pipe,3\n' + b"1,2\n" * 100
    rows, lines, _ = read(data, ["x", "y"])
    assert rows == [("1", "2")] * 100 + [('5" pipe', "3")] + [("1", "2")] * 100
    assert lines[:101] == list(range(2, 103))


def test_only_the_columns_asked_for_are_kept():
    reader = TextReader(io.BytesIO(b"x,y,z\n1,2,3\n"), "table.csv", ",")
    assert [table.column_names for table, _ in reader.blocks(["z", "x"])] == [["z", "x"]]
