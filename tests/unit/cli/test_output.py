from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.cli.output import (
    Column,
    choose_json,
    emit_event,
    emit_rows,
    moment,
    printable,
    remember_more,
    reset,
    table,
)


def test_table_aligns_columns_and_cuts_what_is_long_in_a_window() -> None:
    rows = [{"key": "TM-1", "title": "x" * 100}, {"key": "TM-10", "title": "short"}]

    lines = table(rows, [("KEY", "key"), ("TITLE", "title")], 80).splitlines()

    assert lines[0] == "KEY    TITLE"
    assert lines[1].endswith("…")
    assert lines[2] == "TM-10  short"


def test_table_without_a_window_cuts_nothing() -> None:
    text = "one of story, task, bug, " * 10

    told = table([{"line": 2, "expected": text}], [("LINE", "line"), ("EXPECTED", "expected")])

    assert told.splitlines()[1] == f"2     {text.strip()}"


def test_table_shows_lists_flags_and_nothing() -> None:
    row = {"scopes": ["read", "jobs:run"], "live": True, "none": None}
    columns: list[Column] = [("A", "scopes"), ("B", "live"), ("C", "none"), ("D", len)]

    assert table([row], columns).splitlines()[1].split() == ["read,", "jobs:run", "yes", "3"]


def test_moment_reads_both_forms_of_instants() -> None:
    assert moment("2026-01-02T03:04:05.000000Z") == moment(1767323045)
    assert moment(None) == ""


def test_moment_says_by_whose_clock_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    instant = "2026-11-23T05:00:00Z"

    assert moment(instant) == "2026-11-23 05:00:00 UTC"
    assert moment(instant, "Europe/Berlin") == "2026-11-23 06:00:00 Europe/Berlin"
    assert moment(instant, "Nowhere/AtAll") == "2026-11-23 05:00:00 UTC"

    monkeypatch.setenv("TZ", "XYZ-05:30")
    time.tzset()
    try:
        assert moment(instant) == "2026-11-23 10:30:00 +0530"
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text())
def test_printable_leaves_no_control_characters(text: str) -> None:
    assert all(c.isprintable() or c in "\n\t" for c in printable(text))


def test_emit_event_as_json_drives_no_terminal_and_says_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = {"text": "a\x1b[2J\x9b2J\x7fü"}
    choose_json(True)
    try:
        emit_event(event, "")
    finally:
        reset()

    printed = capsys.readouterr().out
    assert all(c.isprintable() for c in printed.rstrip("\n"))
    assert json.loads(printed) == event


def test_table_goes_on_in_further_lines_where_the_window_is_too_narrow() -> None:
    rows = [{"id": "a" * 8, "state": "queued", "path": "x/y"}, {"id": "b" * 8, "state": "failed"}]
    columns: list[Column] = [("ID", "id"), ("STATE", "state"), ("PATH", "path")]

    assert table(rows, columns, 20).splitlines() == [
        "ID        STATE",
        "    PATH",
        "aaaaaaaa  queued",
        "    x/y",
        "bbbbbbbb  failed",
    ]
    assert len(table(rows, columns, 22).splitlines()) == 3


def test_emit_rows_says_that_a_list_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"key": "TM-1"}, {"key": "TM-2"}]
    reset()

    emit_rows(rows, [("KEY", "key")], "None.")
    whole = capsys.readouterr().err
    remember_more()
    emit_rows(rows, [("KEY", "key")], "None.")

    assert not whole
    assert "more than these 2" in capsys.readouterr().err
    reset()
