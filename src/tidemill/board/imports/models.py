"""What an import is asked for and what it reports."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.board.errors import shown
from tidemill.core.errors import RuleViolation


class ImportMode(StrEnum):
    """What happens when some rows are wrong: nothing at all, or the other rows are imported."""

    ALL_OR_NOTHING = "all_or_nothing"
    VALID_ROWS = "valid_rows"


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    VALID = "valid"
    ALREADY_IMPORTED = "already_imported"
    WRONG = "wrong"
    NOT_IMPORTED = "not_imported"


class ImportStatus(StrEnum):
    """What became of the file."""

    IMPORTED = "imported"
    CHECKED = "checked"
    REJECTED = "rejected"


class RowProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with a row, and what would be right."""

    column: str | None
    value: str | None
    problem: str
    expected: str


class RowReport(Struct, frozen=True, kw_only=True):
    """One row of the file; `line` counts from 1 and includes the header."""

    line: int
    outcome: Outcome
    title: str
    external_id: str | None = None
    id: str | None = None
    key: str | None = None
    problems: tuple[RowProblem, ...] = ()


class ColumnUse(Struct, frozen=True, kw_only=True):
    """A column of the file and the field that it fills; None when it is not used."""

    header: str
    field: str | None


class ImportReport(Struct, frozen=True, kw_only=True):
    """What an import did, or would do, with every row of the file."""

    status: ImportStatus
    mode: ImportMode
    project_id: str
    encoding: str
    delimiter: str
    columns: tuple[ColumnUse, ...]
    rows_total: int
    rows_created: int
    rows_already_imported: int
    rows_wrong: int
    rows: tuple[RowReport, ...]


class Draft(Struct, frozen=True, kw_only=True):
    """A row as values of an item; what could not be read is in `problems`."""

    line: int
    title: str
    item_type: str
    description: str | None
    status: str
    priority: str
    parent: str | None
    assignee: str | None
    external_id: str | None
    points: int | None = None
    start_date: str | None = None
    due_date: str | None = None
    labels: tuple[str, ...] = ()
    problems: tuple[RowProblem, ...] = ()


class Backlog(Struct, frozen=True, kw_only=True):
    """A file as drafts, and how it was read."""

    encoding: str
    delimiter: str
    columns: tuple[ColumnUse, ...]
    drafts: tuple[Draft, ...]

    def header_of(self, field: str) -> str | None:
        """Return the header of the column that fills `field`."""
        return next((column.header for column in self.columns if column.field == field), None)


class ImportRejected(RuleViolation):
    """Rows of the file are wrong, so nothing was imported; `report` lists them all."""

    code = "IMPORT_REJECTED"

    def __init__(self, report: ImportReport) -> None:
        first = next(row for row in report.rows if row.problems)
        problem = first.problems[0]
        where = (
            f"line {first.line}, {shown(problem.column, 40)}"
            if problem.column
            else (f"line {first.line}")
        )
        super().__init__(
            f"{report.rows_wrong} of {report.rows_total} rows are wrong, so nothing was imported. "
            f"The first: {where}: {problem.problem} Correct the rows listed below, or send "
            "mode=valid_rows to import the others."
        )
        self.report = report
