"""From the cells of a row to the values of an item, or to what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from tidemill.board import markdown
from tidemill.board.comments.models import Text
from tidemill.board.errors import DatesOutOfOrder, shown
from tidemill.board.imports.cells import (
    day_of,
    hours_of,
    labels_of,
    points_of,
    remark_of,
    remark_text,
    seconds_of,
    yes_of,
)
from tidemill.board.imports.columns import custom_key
from tidemill.board.imports.models import ColumnUse, Draft, Link, RowProblem
from tidemill.board.imports.sources.contract import Row
from tidemill.board.imports.words import plain
from tidemill.board.item_kinds.models import WorkItemType
from tidemill.board.label_errors import TooManyLabels
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import single_line
from tidemill.board.work_items.models import (
    Priority,
    estimate_seconds_max,
    points_max,
    valid_dates,
    valid_description,
    valid_title,
)
from tidemill.core.errors import InvalidInput

T = TypeVar("T")

_LABELS: Final = {"item_type": "type", "status": "status", "priority": "priority"}
_LINKS: Final = {
    "blocks": ("blocks", True),
    "blocked_by": ("blocks", False),
    "relates_to": ("relates_to", True),
    "duplicates": ("duplicates", True),
    "duplicated_by": ("duplicates", False),
}
_reference_chars_max: Final = 200
comments_per_row_max: Final = 500


class Words(Struct, frozen=True, kw_only=True):
    """What the words of a file mean; `people` has names in lower case, None for nobody."""

    types: Mapping[str, str]
    statuses: Mapping[str, str]
    priorities: Mapping[str, str]
    people: Mapping[str, str | None]
    initial: str


class RowReader:
    """Turns the cells of rows into drafts."""

    def __init__(
        self, columns: Sequence[ColumnUse], words: Words, limits: BoardLimits, prefix: str
    ) -> None:
        self._headers = [column.header for column in columns]
        self._places: dict[str, list[int]] = {}
        for place, column in enumerate(columns):
            if column.field:
                self._places.setdefault(column.field, []).append(place)
        self._words = words
        self._limits = limits
        self._prefix = prefix

    def draft(self, row: Row) -> Draft:
        """Return the draft of `row`, with every problem that the row alone shows."""
        problems = self._shape_problems(row)
        limits, words = self._limits, self._words

        def text(field: str, rule: Callable[[str], T | None], expected: str) -> T | None:
            return self._value(row, field, (rule, expected), problems)

        def reference(raw: str) -> str:
            return single_line(raw, param="reference", chars_max=_reference_chars_max)

        def own_id(raw: str) -> str:
            return reference(self._prefix + raw.strip())

        def day(field: str) -> str | None:
            return text(field, lambda raw: day_of(raw, field), "a day such as 2026-03-31")

        start, due = day("start_date"), day("due_date")
        try:
            valid_dates(start, due)
        except DatesOutOfOrder as error:
            expected = "a day that is not before the start"
            problems.append(self._problem("due_date", due or "", error.message, expected))
        title = text(
            "title",
            lambda raw: valid_title(raw, limits),
            f"1 to {limits.title_chars_max} characters",
        )
        assignee = text("assignee", reference, "the name or id of a member")
        return Draft(
            line=row.line,
            path=row.path,
            title=title or shown(self._raw(row, "title")),
            description=text(
                "description",
                lambda raw: valid_description(raw, limits),
                f"at most {limits.description_chars_max} characters of plain text",
            ),
            item_type=self._choice(
                row, "item_type", (words.types, WorkItemType.TASK.value), problems
            ),
            status=self._choice(row, "status", (words.statuses, words.initial), problems),
            priority=self._choice(
                row, "priority", (words.priorities, Priority.MEDIUM.value), problems
            ),
            parent=text("parent", reference, "the id or title of a row, or a key such as TM-1"),
            assignee=words.people.get(assignee.casefold(), assignee) if assignee else None,
            external_id=text("external_id", own_id, "at most 200 characters"),
            alias=text("alias", own_id, "at most 200 characters"),
            points=text("points", points_of, f"a whole number from 0 to {points_max}"),
            estimate_seconds=self._estimate(text),
            is_archived=text("archived", yes_of, "yes or no") or False,
            start_date=start,
            due_date=due,
            labels=self._labels(row, problems),
            comments=self._comments(row, problems),
            links=self._links(row),
            custom=self._custom(row),
            problems=tuple(problems),
        )

    def _value(
        self,
        row: Row,
        field: str,
        wanted: tuple[Callable[[str], T | None], str],
        problems: list[RowProblem],
    ) -> T | None:
        rule, expected = wanted
        raw = self._raw(row, field)
        if not raw.strip() and field != "title":
            return None
        try:
            return rule(raw)
        except InvalidInput as error:
            wrong = error.message.removeprefix(f"{error.param}: ")
            problems.append(self._problem(field, raw, wrong, expected))
            return None

    def _estimate(
        self, text: Callable[[str, Callable[[str], int | None], str], int | None]
    ) -> int | None:
        hours_max = estimate_seconds_max // 3600
        hours = text("estimate_hours", hours_of, f"hours such as 1.5, at most {hours_max}")
        seconds = text("estimate_seconds", seconds_of, f"at most {estimate_seconds_max} seconds")
        return seconds if hours is None else hours

    def _labels(self, row: Row, problems: list[RowProblem]) -> tuple[str, ...]:
        cells = self._all(row, "labels")
        limits = self._limits
        try:
            return labels_of(cells, limits, whole=row.labels)
        except (InvalidInput, TooManyLabels) as error:
            expected = (
                f"at most {limits.labels_per_item_max} names of 1 to "
                f"{limits.label_name_chars_max} characters, parted by commas or semicolons"
            )
            wrong = error.message.removeprefix(f"{error.param}: ")
            value = ", ".join([*cells, *row.labels])
            problems.append(self._problem("labels", value, wrong, expected))
            return ()

    def _comments(self, row: Row, problems: list[RowProblem]) -> tuple[Text, ...]:
        remarks = [*map(remark_of, self._all(row, "comments")), *row.comments]
        limits = self._limits
        if len(remarks) > comments_per_row_max:
            wrong = f"it has {len(remarks)} comments."
            expected = f"at most {comments_per_row_max} comments"
            problems.append(self._problem("comments", "", wrong, expected))
            return ()
        found: list[Text] = []
        for remark in remarks:
            try:
                found.append(_rendered(remark_text(remark, limits)))
            except InvalidInput as error:
                wrong = f"a comment: {error.message.removeprefix(f'{error.param}: ')}"
                expected = f"comments of 1 to {limits.comment_chars_max} characters"
                problems.append(self._problem("comments", remark.text, wrong, expected))
        return tuple(found)

    def _links(self, row: Row) -> tuple[Link, ...]:
        found = [
            Link(kind, word.strip(), has_row_first)
            for field, (kind, has_row_first) in _LINKS.items()
            for cell in self._all(row, field)
            for word in cell.split(",")
            if word.strip()
        ]
        # Both ends of a link tell of it.
        return tuple(dict.fromkeys([*found, *row.links]))

    def _custom(self, row: Row) -> tuple[tuple[str, str], ...]:
        cells = ((custom_key(field), self._raw(row, field)) for field in self._places)
        return tuple((key, cell.strip()) for key, cell in cells if key and cell.strip())

    def _choice(
        self,
        row: Row,
        field: str,
        choice: tuple[Mapping[str, str], str],
        problems: list[RowProblem],
    ) -> str:
        words, default = choice
        raw = self._raw(row, field)
        word = plain(raw)
        if not word:
            return default
        if word in words:
            return words[word]
        hint = plain(self._raw(row, f"{field}_hint"))
        if hint in words:
            return words[hint]
        known = ", ".join(dict.fromkeys(words.values()))
        problems.append(
            self._problem(field, raw, f"there is no such {_LABELS[field]}.", f"one of: {known}")
        )
        return default

    def _shape_problems(self, row: Row) -> list[RowProblem]:
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

    def _all(self, row: Row, field: str) -> list[str]:
        places = self._places.get(field, ())
        return [row.cells[place] for place in places if place < len(row.cells)]

    def _raw(self, row: Row, field: str) -> str:
        return next((cell for cell in self._all(row, field) if cell.strip()), "")

    def _problem(self, field: str, value: str, problem: str, expected: str) -> RowProblem:
        places = self._places.get(field)
        return RowProblem(
            column=self._headers[places[0]] if places else None,
            value=shown(value),
            problem=problem,
            expected=expected,
        )


def _rendered(content: str) -> Text:
    # Nobody is told of a mention that was made elsewhere, long ago.
    html = markdown.render(content, {})
    return Text(content=content, html=html, renderer=markdown.RENDERER, mentions={})
