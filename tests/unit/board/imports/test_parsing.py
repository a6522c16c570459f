from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.parsing import DELIMITERS, decode, hinted_delimiter, records

_cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.text(
    'a",;\t|\r\n ', max_size=8
)
_row = st.lists(_cell, min_size=1, max_size=5).filter(lambda row: row != [""])
_delimiter = st.sampled_from(DELIMITERS)


@given(st.lists(_row, max_size=8), _delimiter, st.sampled_from(["\r\n", "\n", "\r"]))
def test_records_reads_back_what_a_writer_wrote(
    rows: list[list[str]], delimiter: str, newline: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(
        rows
    )

    read = list(records(text.getvalue(), delimiter))

    assert [record.cells for record in read] == rows
    assert all(record.problem is None for record in read)


@given(st.text('ab",\n\r', max_size=40))
def test_records_loses_no_line_of_a_malformed_file(text: str) -> None:
    """Every visible character is in some cell, and lines only rise."""
    read = list(records(text, ","))

    lines = [record.line for record in read]
    assert lines == sorted(set(lines))
    letters = "".join(char for char in text if char in "ab")
    cells = "".join(cell for record in read for cell in record.cells)
    assert "".join(char for char in cells if char in "ab") == letters


@given(st.text('ab",\n', max_size=40))
def test_records_agrees_with_the_standard_library_on_well_formed_files(text: str) -> None:
    try:
        expected = [row for row in csv.reader(io.StringIO(text), strict=True) if row != []]
    except csv.Error:
        return
    read = list(records(text, ","))
    if any(record.problem for record in read):
        return
    assert [record.cells for record in read] == [row for row in expected if row != [""]]


def test_records_counts_lines_inside_quotes() -> None:
    read = list(records('a,b\n"1\r\n2\r\n3",x\ny,z\n', ","))

    assert [(record.line, record.cells) for record in read] == [
        (1, ["a", "b"]),
        (2, ["1\r\n2\r\n3", "x"]),
        (5, ["y", "z"]),
    ]


def test_records_tells_where_a_quote_is_never_closed_and_goes_on() -> None:
    read = list(records('a\n"open, and\nb\n', ","))

    assert [record.line for record in read] == [1, 2, 3]
    assert read[1].problem is not None
    assert "never closed" in read[1].problem
    assert read[2].cells == ["b"]


def test_records_tells_of_text_after_a_closing_quote() -> None:
    (record,) = records('"a"b,c', ",")

    assert record.cells == ["ab", "c"]
    assert record.problem is not None


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("title\nÄpfel".encode(), "utf-8"),
        ("title\nÄpfel".encode("utf-8-sig"), "utf-8"),
        ("title\nÄpfel".encode("utf-16"), "utf-16"),
        ("title\nÄpfel".encode("cp1252"), "cp1252"),
    ],
)
def test_decode_knows(data: bytes, encoding: str) -> None:
    assert decode(data) == ("title\nÄpfel", encoding)


@pytest.mark.parametrize(
    "data", [b"\x00\x01\x02", b"\x81\xff", b"\xef\xbb\xbf\xff", b"PK\x03\x04\0"]
)
def test_decode_refuses_what_is_no_text(data: bytes) -> None:
    with pytest.raises(ImportUnreadable):
        decode(data)


def test_hinted_delimiter_knows_the_line_of_spreadsheets() -> None:
    assert hinted_delimiter("sep=;\r\na;b") == (";", "a;b", 2)
    assert hinted_delimiter("sep=x\na") == (None, "sep=x\na", 1)
