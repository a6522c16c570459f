from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.errors import ImportTooLarge, ImportUnreadable
from tidemill.board.imports.columns import columns_of
from tidemill.board.imports.mapping import read_backlog
from tidemill.board.imports.models import Backlog
from tidemill.board.limits import BoardLimits

_LIMITS = BoardLimits()


def _read(text: str) -> Backlog:
    return read_backlog(text.encode(), _LIMITS)


def test_columns_of_knows_the_names_of_other_tools() -> None:
    header = ["Issue key", "Issue Type", "Summary", "Status", "Priority", "Epic Link", "Sprint"]

    assert [column.field for column in columns_of(header)] == [
        "external_id",
        "item_type",
        "title",
        "status",
        "priority",
        "parent",
        None,
    ]


def test_columns_of_gives_a_field_to_one_column_only() -> None:
    fields = [column.field for column in columns_of(["Summary", "Title", "Title"])]

    assert fields == [None, "title", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_read_backlog_finds_the_delimiter(delimiter: str) -> None:
    text = delimiter.join(["title", "type", "a, b"]) + "\n" + delimiter.join(["Sail", "bug", "x"])
    if delimiter == ",":
        text = text.replace("a, b", '"a, b"')

    backlog = _read(text)

    assert backlog.delimiter == delimiter
    assert (backlog.drafts[0].title, backlog.drafts[0].item_type) == ("Sail", "bug")


def test_read_backlog_fills_what_is_empty() -> None:
    (draft,) = _read("title,type,status,priority,parent\nSail,,,,\n").drafts

    assert (draft.item_type, draft.status, draft.priority) == ("task", "backlog", "medium")
    assert draft.parent is None
    assert draft.problems == ()


def test_read_backlog_translates_words() -> None:
    (draft,) = _read(
        "Summary,Issue Type,Status,Priority\nSail,User Story,In Progress,Highest\n"
    ).drafts

    assert (draft.item_type, draft.status, draft.priority) == ("story", "in_progress", "critical")


def test_read_backlog_lists_every_problem_of_every_row() -> None:
    backlog = _read('title,type,status\n,whale,sunk\nSail,task,done,surplus\n"open,\n')

    first, second, third = backlog.drafts
    assert [problem.column for problem in first.problems] == ["title", "type", "status"]
    assert "one of: epic, story, task, bug" in first.problems[1].expected
    assert [problem.value for problem in second.problems] == ["surplus"]
    assert (third.line, len(third.problems)) == (4, 1)


def test_read_backlog_skips_blank_lines_and_keeps_line_numbers() -> None:
    backlog = _read("title\n\n , \nSail\n")

    assert [(draft.line, draft.title) for draft in backlog.drafts] == [(4, "Sail")]


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n"])
def test_read_backlog_refuses_a_file_without_titles(text: str) -> None:
    with pytest.raises(ImportUnreadable):
        _read(text)


def test_read_backlog_keeps_its_limits() -> None:
    with pytest.raises(ImportTooLarge, match="more than 2 rows"):
        read_backlog(b"title\na\nb\nc\n", BoardLimits(import_rows_max=2))
    with pytest.raises(ImportTooLarge, match="9 bytes"):
        read_backlog(b"title\na\nb", BoardLimits(import_bytes_max=8))


@given(st.binary(max_size=200))
def test_read_backlog_never_breaks(data: bytes) -> None:
    """Whatever comes, the answer is a backlog or a named refusal."""
    try:
        backlog = read_backlog(b"title,type\n" + data, _LIMITS)
    except ImportUnreadable:
        return
    for draft in backlog.drafts:
        assert draft.title or draft.problems
