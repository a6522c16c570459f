"""From the words that other tools use to ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from tidemill.board.errors import (
    DatesOutOfOrder,
    ImportTooLarge,
    ImportUnreadable,
    shown,
)
from tidemill.board.imports.cells import day_of, labels_of, points_of
from tidemill.board.imports.models import Backlog, ColumnUse, Draft, RowProblem
from tidemill.board.imports.parsing import (
    DELIMITERS,
    Record,
    decode,
    hinted_delimiter,
    records,
)
from tidemill.board.label_errors import TooManyLabels
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import single_line
from tidemill.board.work_items.models import (
    Priority,
    WorkItemType,
    points_max,
    valid_dates,
    valid_description,
    valid_title,
)
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Workflow
from tidemill.core.errors import InvalidInput

T = TypeVar("T")

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title", "summary", "subject", "name", "task name", "issue title"),
    "item_type": ("item type", "type", "issue type", "work item type", "kind", "tracker"),
    "description": ("description", "body", "details", "notes", "text"),
    "status": ("status", "state", "column", "list"),
    "priority": ("priority", "importance", "severity"),
    "parent": (
        "parent", "parent id", "parent key", "parent title", "parent task", "parent issue",
        "epic link", "epic", "epic name",
    ),
    "assignee": ("assignee", "assignee id", "assigned to", "assignee name", "owner"),
    "points": ("points", "story points", "story point estimate", "estimate", "size"),
    "start_date": ("start date", "start", "planned start"),
    "due_date": ("due date", "due", "deadline", "target date", "end date"),
    "labels": ("labels", "label", "tags", "tag"),
    "external_id": (
        "external id", "id", "key", "issue key", "issue id", "number", "task id", "ref",
    ),
}  # fmt: skip
_TYPES: Final[dict[str, str]] = {
    "epic": "epic", "initiative": "epic",
    "story": "story", "user story": "story", "feature": "story", "requirement": "story",
    "improvement": "story", "enhancement": "story", "new feature": "story",
    "task": "task", "sub task": "task", "subtask": "task", "chore": "task", "support": "task",
    "bug": "bug", "defect": "bug", "issue": "bug", "incident": "bug",
}  # fmt: skip
_STATUSES: Final[dict[str, str]] = {
    "backlog": "backlog", "icebox": "backlog", "triage": "backlog", "draft": "backlog",
    "deferred": "backlog",
    "todo": "todo", "to do": "todo", "open": "todo", "new": "todo", "ready": "todo",
    "accepted": "todo",
    "selected for development": "todo", "reopened": "todo",
    "in progress": "in_progress", "doing": "in_progress", "started": "in_progress",
    "active": "in_progress", "in development": "in_progress",
    "blocked": "blocked", "on hold": "blocked", "waiting": "blocked",
    "review": "review", "in review": "review", "code review": "review", "testing": "review",
    "done": "done", "closed": "done", "resolved": "done", "complete": "done",
    "completed": "done", "fixed": "done", "final": "done",
    "cancelled": "cancelled", "canceled": "cancelled", "wontfix": "cancelled",
    "won't do": "cancelled", "won't fix": "cancelled", "rejected": "cancelled",
    "duplicate": "cancelled", "withdrawn": "cancelled", "superseded": "cancelled",
}  # fmt: skip
_PRIORITIES: Final[dict[str, str]] = {
    "critical": "critical", "highest": "critical", "blocker": "critical", "urgent": "critical",
    "p0": "critical", "immediate": "critical",
    "high": "high", "major": "high", "p1": "high",
    "medium": "medium", "normal": "medium", "p2": "medium", "none": "medium",
    "no priority": "medium",
    "low": "low", "minor": "low", "lowest": "low", "trivial": "low", "p3": "low", "p4": "low",
}  # fmt: skip
_LABELS: Final = {"item_type": "type", "status": "status", "priority": "priority"}
_reference_chars_max: Final = 200
_SEPARATORS: Final = re.compile(r"[\s_\-./]+")


def read_backlog(
    data: bytes, limits: BoardLimits, workflow: Workflow = DEFAULT_WORKFLOW
) -> Backlog:
    """Return the drafts of a CSV file for a project with a workflow.

    Raises `ImportUnreadable` when it has no header with a title, `ImportTooLarge` when it is over
    the limits; what is wrong with single rows is in the drafts.
    """
    if len(data) > limits.import_bytes_max:
        raise ImportTooLarge(
            f"The file has {len(data)} bytes; {limits.import_bytes_max} are the limit. Split it."
        )
    decoded, encoding = decode(data)
    hint, text, first_line = hinted_delimiter(decoded)
    delimiter = hint or max(DELIMITERS, key=lambda char: _fitness(text, char))
    rows = records(text, delimiter, first_line)
    header = next(rows, None)
    if header is None:
        raise ImportUnreadable("The file is empty. Its first line names the columns.")
    columns = columns_of(header.cells)
    fields = {column.field: place for place, column in enumerate(columns) if column.field}
    if "title" not in fields:
        raise ImportUnreadable(
            f"No column holds titles. The columns are: {shown(', '.join(header.cells), 200)}. "
            f"Name one of them title or summary."
        )
    drafts: list[Draft] = []
    reader = _RowReader(columns, fields, limits, workflow)
    for row in rows:
        if any(cell.strip() for cell in row.cells):
            drafts.append(reader.draft(row))
        if len(drafts) > limits.import_rows_max:
            raise ImportTooLarge(f"The file has more than {limits.import_rows_max} rows. Split it.")
    return Backlog(encoding=encoding, delimiter=delimiter, columns=columns, drafts=tuple(drafts))


def columns_of(header: Sequence[str]) -> tuple[ColumnUse, ...]:
    """Return what each column fills; where two could fill one field, the better name wins."""
    names = [_plain(name) for name in header]
    field_at: dict[int, str] = {}
    for field, synonyms in _COLUMNS.items():
        places = (names.index(name) for name in synonyms if name in names)
        place = next((place for place in places if place not in field_at), None)
        if place is not None:
            field_at[place] = field
    # Some tools write a column for each label of an item, all under one name.
    labels = next((names[place] for place, field in field_at.items() if field == "labels"), None)
    if labels is not None:
        field_at |= {place: "labels" for place, name in enumerate(names) if name == labels}
    return tuple(
        ColumnUse(header=shown(name.strip()), field=field_at.get(place))
        for place, name in enumerate(header)
    )


def statuses_of(workflow: Workflow) -> dict[str, str]:
    """Return the status that each word stands for in a workflow.

    Its own keys and names come first. What other tools say stands for the usual status, and where
    the workflow lacks that one, for its first status that means the same.
    """
    found = {}
    for word, usual in _STATUSES.items():
        if usual in workflow.categories:
            found[word] = usual
        elif status := workflow.first_of(DEFAULT_WORKFLOW.categories[usual]):
            found[word] = status
    found |= {_plain(one.name): one.key for one in reversed(workflow.statuses)}
    return found | {_plain(one.key): one.key for one in workflow.statuses}


def _fitness(text: str, delimiter: str) -> tuple[int, int]:
    header = next(records(text, delimiter), Record(1, []))
    used = sum(column.field is not None for column in columns_of(header.cells))
    return used, len(header.cells)


def _plain(text: str) -> str:
    return _SEPARATORS.sub(" ", text).strip().casefold()


class _RowReader:
    """Turns the cells of rows into drafts."""

    def __init__(
        self,
        columns: Sequence[ColumnUse],
        fields: Mapping[str, int],
        limits: BoardLimits,
        workflow: Workflow,
    ) -> None:
        self._headers = [column.header for column in columns]
        self._label_places = [
            place for place, column in enumerate(columns) if column.field == "labels"
        ]
        self._fields = fields
        self._limits = limits
        self._initial = workflow.initial
        self._statuses = statuses_of(workflow)

    def draft(self, row: Record) -> Draft:
        """Return the draft of `row`, with every problem that the row alone shows."""
        problems = self._shape_problems(row)
        limits = self._limits

        def text(field: str, rule: Callable[[str], T | None], expected: str) -> T | None:
            raw = self._raw(row, field)
            if not raw.strip() and field != "title":
                return None
            try:
                return rule(raw)
            except InvalidInput as error:
                wrong = error.message.removeprefix(f"{error.param}: ")
                problems.append(self._problem(field, raw, wrong, expected))
                return None

        def reference(raw: str) -> str:
            return single_line(raw, param="reference", chars_max=_reference_chars_max)

        def choice(field: str, words: Mapping[str, str], default: str) -> str:
            return self._choice(row, field, words, default, problems)

        def day(field: str) -> str | None:
            return text(field, lambda raw: day_of(raw, field), "a day such as 2026-03-31")

        start, due = day("start_date"), day("due_date")
        try:
            valid_dates(start, due)
        except DatesOutOfOrder as error:
            expected = "a day that is not before the start"
            problems.append(self._problem("due_date", due or "", error.message, expected))
        return Draft(
            line=row.line,
            title=text(
                "title",
                lambda raw: valid_title(raw, limits),
                f"1 to {limits.title_chars_max} characters",
            )
            or shown(self._raw(row, "title")),
            description=text(
                "description",
                lambda raw: valid_description(raw, limits),
                f"at most {limits.description_chars_max} characters of plain text",
            ),
            item_type=choice("item_type", _TYPES, WorkItemType.TASK.value),
            status=choice("status", self._statuses, self._initial),
            priority=choice("priority", _PRIORITIES, Priority.MEDIUM.value),
            parent=text("parent", reference, "the id or title of a row, or a key such as TM-1"),
            assignee=text("assignee", reference, "the name or id of a member"),
            external_id=text("external_id", reference, "at most 200 characters"),
            points=text("points", points_of, f"a whole number from 0 to {points_max}"),
            start_date=start,
            due_date=due,
            labels=self._labels(row, problems),
            problems=tuple(problems),
        )

    def _labels(self, row: Record, problems: list[RowProblem]) -> tuple[str, ...]:
        cells = [row.cells[place] for place in self._label_places if place < len(row.cells)]
        limits = self._limits
        try:
            return labels_of(cells, limits)
        except (InvalidInput, TooManyLabels) as error:
            expected = (
                f"at most {limits.labels_per_item_max} names of 1 to "
                f"{limits.label_name_chars_max} characters, parted by commas or semicolons"
            )
            wrong = error.message.removeprefix(f"{error.param}: ")
            problems.append(self._problem("labels", ", ".join(cells), wrong, expected))
            return ()

    def _choice(
        self,
        row: Record,
        field: str,
        words: Mapping[str, str],
        default: str,
        problems: list[RowProblem],
    ) -> str:
        raw = self._raw(row, field)
        word = _plain(raw)
        if not word:
            return default
        if word in words:
            return words[word]
        known = ", ".join(dict.fromkeys(words.values()))
        problems.append(
            self._problem(field, raw, f"there is no such {_LABELS[field]}.", f"one of: {known}")
        )
        return default

    def _shape_problems(self, row: Record) -> list[RowProblem]:
        problems: list[RowProblem] = []
        if row.problem:
            problems.append(
                RowProblem(
                    column=None,
                    value=shown(row.cells[-1]),
                    problem=row.problem,
                    expected='cells with quotes or delimiters as "…", quotes inside doubled: ""',
                )
            )
        surplus = [cell for cell in row.cells[len(self._headers) :] if cell.strip()]
        if surplus:
            problems.append(
                RowProblem(
                    column=None,
                    value=shown(surplus[0]),
                    problem=f"the row has {len(row.cells)} cells.",
                    expected=f"{len(self._headers)} cells, as the header has",
                )
            )
        return problems

    def _raw(self, row: Record, field: str) -> str:
        place = self._fields.get(field)
        return row.cells[place] if place is not None and place < len(row.cells) else ""

    def _problem(self, field: str, value: str, problem: str, expected: str) -> RowProblem:
        place = self._fields.get(field)
        return RowProblem(
            column=self._headers[place] if place is not None else None,
            value=shown(value),
            problem=problem,
            expected=expected,
        )
