from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.exports.calendar import END, beginning, events
from tidemill.board.work_items.models import WorkItem
from tidemill.core.clock import Instant


def _item(**fields: Any) -> WorkItem:
    given_fields = {
        "id": WorkItemId("0192f0c1-7d3e-7000-8000-000000000001"),
        "project_id": ProjectId("0192f0c1-7d3e-7000-8000-000000000000"),
        "project_key": "TM",
        "project_archived_at": None,
        "number": 7,
        "item_type": "task",
        "title": "Sail",
        "description": None,
        "status": "todo",
        "priority": "medium",
        "parent_id": None,
        "assignee_id": None,
        "assignee_name": None,
        "assignee_avatar": None,
        "external_id": None,
        "job": None,
        "version": 3,
        "created_at": Instant(1_772_000_000_000_000),
        "created_by": "ada",
        "updated_at": Instant(1_772_000_001_000_000),
        "updated_by": "ada",
        "due_date": "2026-02-28",
        "status_category": "unstarted",
        **fields,
    }
    return WorkItem(**given_fields)


def test_events_are_whole_days_of_what_is_due() -> None:
    told = events([_item(due_date=None), _item(title="Paint; hull, and \\ keel", status="done")])

    assert told.decode().split("\r\n") == [
        "BEGIN:VEVENT",
        "UID:0192f0c1-7d3e-7000-8000-000000000001@tidemill",
        "DTSTAMP:20260225T061321Z",
        "CREATED:20260225T061320Z",
        "LAST-MODIFIED:20260225T061321Z",
        "SEQUENCE:3",
        "DTSTART;VALUE=DATE:20260228",
        "DTEND;VALUE=DATE:20260301",
        "SUMMARY:TM-7 Paint\\; hull\\, and \\\\ keel",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "",
    ]


def test_events_end_where_days_end() -> None:
    told = events([_item(due_date="9999-12-31", status_category="cancelled")])

    assert b"DTEND" not in told
    assert b"STATUS:CANCELLED" in told


def test_events_write_each_year_with_four_digits() -> None:
    told = events([_item(due_date="0026-02-28")])

    assert b"DTSTART;VALUE=DATE:00260228\r\nDTEND;VALUE=DATE:00260301" in told


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_events_fold_lines_so_that_they_read_the_same(text: str) -> None:
    told = beginning("Harbour") + events([_item(title="x", description=text)]) + END

    lines = told.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"\n" not in told.replace(b"\r\n", b"")
    for line in lines:
        line.decode()
    whole = told.replace(b"\r\n ", b"").decode()
    begun = whole.split("\r\n")
    assert begun[0] == "BEGIN:VCALENDAR"
    assert {line.split(":")[0].split(";")[0] for line in begun if line} <= {
        *("BEGIN", "VERSION", "PRODID", "CALSCALE", "METHOD", "X-WR-CALNAME", "UID", "DTSTAMP"),
        *("CREATED", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION"),
        *("STATUS", "TRANSP", "END"),
    }
