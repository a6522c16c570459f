"""What an import of a whole project is asked for, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from tidemill.board.errors import shown
from tidemill.board.imports.models import RowProblem
from tidemill.core.errors import RuleViolation


class ProjectImportStatus(StrEnum):
    """What became of the document."""

    IMPORTED = "imported"
    CHECKED = "checked"
    ALREADY_IMPORTED = "already_imported"
    REJECTED = "rejected"


class ProjectImportOptions(Struct, frozen=True, kw_only=True):
    """Under which key the project shall be made, that of the document by default."""

    key: str | None = None
    dry_run: bool = False


class WrongPart(Struct, frozen=True, kw_only=True):
    """A part of the document that is wrong: where it stands, and all that is wrong with it."""

    path: str
    key: str | None
    problems: tuple[RowProblem, ...]


class Counts(Struct, frozen=True, kw_only=True):
    """How much of each there is."""

    items: int = 0
    sprints: int = 0
    comments: int = 0
    time_entries: int = 0
    attachments: int = 0
    dependencies: int = 0


class ProjectImportReport(Struct, frozen=True, kw_only=True):
    """What an import of a project did, or would do.

    `people_matched` are members here, by their e-mail addresses; `people_named` are no members, and
    are shown by these names. `left_out` says in sentences what does not come along.
    """

    status: ProjectImportStatus
    project_id: str | None
    project_key: str
    counts: Counts
    people_matched: int
    people_named: tuple[str, ...]
    parts_wrong: int
    wrong: tuple[WrongPart, ...] = ()
    left_out: tuple[str, ...] = ()


class ProjectImportRejected(RuleViolation):
    """Parts of the document are wrong, so nothing was imported; `report` lists them."""

    code = "PROJECT_IMPORT_REJECTED"

    def __init__(self, report: ProjectImportReport) -> None:
        first = report.wrong[0]
        problem = first.problems[0]
        where = first.path if problem.column is None else f"{first.path}.{shown(problem.column)}"
        super().__init__(
            f"{report.parts_wrong} parts of the document are wrong, so nothing was imported. "
            f"The first: {where}: {problem.problem} Correct the parts listed below."
        )
        self.report = report


class Known(Struct, frozen=True):
    """Somebody whom the document names, as this tenant knows or will show them."""

    id: str
    name: str
    is_member: bool


def named(people: Sequence[Known]) -> tuple[str, ...]:
    """Return the names of those who are no members here."""
    return tuple(sorted({one.name for one in people if not one.is_member}))
