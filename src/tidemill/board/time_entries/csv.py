"""Lines of CSV that spreadsheets show as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from tidemill.board.time_tracking.models import TimeEntry
from tidemill.core.clock import rfc3339, rfc3339_or_none

CSV: Final = "text/csv; charset=utf-8"
ENTRY_COLUMNS: Final = (
    "id", "project", "work_item", "title", "user_id", "user", "started_at", "ended_at", "date",
    "duration_seconds", "description", "source", "job_id",
)  # fmt: skip
# What a spreadsheet takes for a formula, in full width, too; it skips blanks before it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Cell = str | int | None


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return `rows` as lines; what could be a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def entry_row(entry: TimeEntry) -> Sequence[Cell]:
    """Return the cells of an entry, in the order of `ENTRY_COLUMNS`; instants are UTC."""
    clocked = entry.on_day is None
    return (
        entry.id,
        entry.project_key,
        entry.item_key,
        entry.item_title,
        entry.user_id,
        entry.user_name,
        rfc3339(entry.started_at) if clocked else None,
        rfc3339_or_none(entry.ended_at) if clocked else None,
        entry.date,
        entry.span.seconds,
        entry.description,
        entry.source,
        entry.job_id,
    )


def _harmless(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return cell
