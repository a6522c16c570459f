from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.time_entries.csv import csv_lines


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1"]
)
def test_csv_lines_make_formulas_harmless(cell: str) -> None:
    [row] = csv.reader(io.StringIO(csv_lines([(cell,)]).decode(), newline=""))

    assert row == [f"'{cell}"]


def test_csv_lines_leave_numbers_and_nothing_as_they_are() -> None:
    assert csv_lines([(-5, None, "a-b", "x = y")]) == b"-5,,a-b,x = y\r\n"


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))))
def test_csv_lines_are_read_back_cell_by_cell(rows: list[list[str]]) -> None:
    rows = [row for row in rows if row]
    read = list(csv.reader(io.StringIO(csv_lines(rows).decode(), newline="")))

    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
