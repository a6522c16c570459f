"""What an import is asked for and what it reports."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.board.comments.models import Text
from tidemill.board.errors import shown
from tidemill.core.errors import RuleViolation


class ImportMode(StrEnum):
    """What happens when some rows are wrong: nothing at all, or the other rows are imported."""

    ALL_OR_NOTHING = "all_or_nothing"
    VALID_ROWS = "valid_rows"


class SourceFormat(StrEnum):
    """Which tool wrote the file; `csv` is any table with a header."""

    CSV = "csv"
    JIRA = "jira"
    GITHUB = "github"
    TRELLO = "trello"
    PLANE = "plane"
    REDMINE = "redmine"
    VIKUNJA = "vikunja"
    TIDEMILL = "tidemill"


class ImportMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the names and words of the file mean, ahead of the tables that imports know.

    `columns` gives a column the field that it fills, null for none; `people` gives a name of the
    file the name or id of a member, null for nobody.
    """

    columns: dict[str, str | None] = {}
    types: dict[str, str] = {}
    statuses: dict[str, str] = {}
    priorities: dict[str, str] = {}
    people: dict[str, str | None] = {}


class Reading(Struct, frozen=True, kw_only=True):
    """How a file is to be read.

    `source` stands before the ids of the file, so that those of two tools are never taken for one.
    """

    format: SourceFormat = SourceFormat.CSV
    source: str | None = None
    mapping: ImportMapping = ImportMapping()

    @property
    def prefix(self) -> str:
        """Return what stands before each id of the file."""
        if self.source is not None:
            return f"{self.source}:"
        return "" if self.format is SourceFormat.CSV else f"{self.format}:"


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
    """One row of the file.

    In CSV `line` counts lines from 1 and includes the header. In JSON it counts entries from 1, and
    `path` says where the entry stands.
    """

    line: int
    path: str | None = None
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
    # None in JSON, which has none.
    delimiter: str | None
    columns: tuple[ColumnUse, ...]
    rows_total: int
    rows_created: int
    rows_already_imported: int
    rows_wrong: int
    rows: tuple[RowReport, ...]
    comments_created: int = 0
    dependencies_created: int = 0
    # Rows that have no id of their own, and how many of their titles items had before the import:
    # one that is repeated makes such rows again.
    rows_without_id: int = 0
    titles_there_already: int = 0
    # What the file has and the import does not bring, in sentences.
    left_out: tuple[str, ...] = ()


class Link(Struct, frozen=True):
    """A dependency of a row: what it does to the row that has the id `other`, or suffers from it.

    `has_row_first` says whether the row itself blocks, relates to or duplicates the other one.
    """

    dependency_type: str
    other: str
    has_row_first: bool


class Remark(Struct, frozen=True):
    """A comment of a row: who wrote it and when, as the file says it."""

    text: str
    author: str | None = None
    at: str | None = None


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
    path: str | None = None
    alias: str | None = None
    estimate_seconds: int | None = None
    is_archived: bool = False
    comments: tuple[Text, ...] = ()
    links: tuple[Link, ...] = ()
    # Of custom fields: their keys, and what the cells say.
    custom: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Return where the row stands in its file."""
        return self.path or f"line {self.line}"


class Backlog(Struct, frozen=True, kw_only=True):
    """A file as drafts, and how it was read."""

    encoding: str
    delimiter: str | None
    columns: tuple[ColumnUse, ...]
    drafts: tuple[Draft, ...]
    prefix: str = ""
    left_out: tuple[str, ...] = ()

    def header_of(self, field: str) -> str | None:
        """Return the header of the column that fills `field`."""
        return next((column.header for column in self.columns if column.field == field), None)


class ImportRejected(RuleViolation):
    """Rows of the file are wrong, so nothing was imported; `report` lists them all."""

    code = "IMPORT_REJECTED"

    def __init__(self, report: ImportReport) -> None:
        first = next(row for row in report.rows if row.problems)
        problem = first.problems[0]
        where = first.path or f"line {first.line}"
        if problem.column:
            where = f"{where}, {shown(problem.column, 40)}"
        super().__init__(
            f"{report.rows_wrong} of {report.rows_total} rows are wrong, so nothing was imported. "
            f"The first: {where}: {problem.problem} Correct the rows listed below, or send "
            "mode=valid_rows to import the others."
        )
        self.report = report
