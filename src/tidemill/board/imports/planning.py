"""Which rows become items, below which parents and with which problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from tidemill.board.blocking.models import Edge
from tidemill.board.contract import ProjectId
from tidemill.board.custom_field_errors import InvalidCustomValue
from tidemill.board.custom_fields.models import CustomField, FieldType
from tidemill.board.custom_fields.values import Held, kept, valid_value
from tidemill.board.errors import InvalidText, WrongParent, shown
from tidemill.board.imports.linking import Linked, Order, PlannedLink, linked
from tidemill.board.imports.models import Backlog, Draft, Outcome, RowProblem, RowReport
from tidemill.board.item_kinds.models import USUAL, Kinds
from tidemill.board.work_items.models import Assignee, check_parent, check_without_parent

_links_max: Final = 200


class Known(Struct, frozen=True):
    """An item that the project already has."""

    id: str
    key: str
    item_type: str
    external_id: str | None
    is_deleted: bool
    is_archived: bool = False


class World(Struct, frozen=True, kw_only=True):
    """What the project holds that rows may refer to."""

    project_id: ProjectId
    by_external_id: Mapping[str, Known]
    by_key: Mapping[str, Known]
    members: Sequence[Assignee]
    # What comes after the items that rows may come below.
    after: frozenset[Edge] = frozenset()
    kinds: Kinds = USUAL
    # Those that rows name, and those that new items have by themselves.
    custom_fields: Sequence[CustomField] = ()


class Planned(Struct, frozen=True, kw_only=True):
    """A row that becomes an item; its parent is a line of the file or an item of the project."""

    draft: Draft
    parent_line: int | None = None
    parent_id: str | None = None
    assignee: Assignee | None = None
    custom_values: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """The rows to import in the order of the file, and a report of every row."""

    planned: tuple[Planned, ...]
    rows: tuple[RowReport, ...]
    links: tuple[PlannedLink, ...] = ()
    left_out: tuple[str, ...] = ()
    kinds: Kinds = USUAL

    def parents_first(self) -> list[Planned]:
        """Return the rows to import so that no row comes before its parent."""
        types = {row.draft.item_type for row in self.planned}
        depths = {item_type: self.kinds.depth(item_type) for item_type in types}
        return sorted(self.planned, key=lambda row: depths[row.draft.item_type])

    @property
    def wrong(self) -> int:
        """Return how many rows have problems."""
        return sum(row.outcome is Outcome.WRONG for row in self.rows)


def plan(backlog: Backlog, world: World, links_max: int = _links_max) -> Plan:
    """Return what an import of `backlog` into `world` does."""
    planner = _decided(backlog, world)
    links = planner.links(links_max)
    if links.problems:
        # Without these rows all others can be in some order; what is below them is wrong, too.
        planner = _decided(planner.refused(links.problems), world)
        links = planner.links(links_max)
    lines = [draft.line for draft in backlog.drafts]
    told = f"{links.left_out} links to what this import does not make"
    return Plan(
        planned=tuple(planner.planned[line] for line in lines if line in planner.planned),
        rows=tuple(planner.rows[line] for line in lines),
        links=links.links,
        left_out=(told,) if links.left_out else (),
        kinds=world.kinds,
    )


def _decided(backlog: Backlog, world: World) -> _Planner:
    planner = _Planner(backlog, world)
    # A parent's type always ranks before its child's, so parents are decided before children.
    types = {draft.item_type for draft in backlog.drafts}
    depths = {item_type: world.kinds.depth(item_type) for item_type in types}
    for draft in sorted(backlog.drafts, key=lambda draft: depths[draft.item_type]):
        planner.decide(draft)
    return planner


class _Planner:
    def __init__(self, backlog: Backlog, world: World) -> None:
        self._backlog = backlog
        self._world = world
        drafts = backlog.drafts
        self._by_external_id = {
            draft.external_id: draft for draft in reversed(drafts) if draft.external_id
        }
        aliases = {draft.alias: draft for draft in reversed(drafts) if draft.alias}
        self._by_id = aliases | self._by_external_id
        self._by_title = {draft.title: draft for draft in reversed(drafts)}
        self._title_counts = Counter(draft.title for draft in drafts)
        self._members: dict[str, Assignee | None] = {}
        for member in world.members:
            self._members[member.id] = member
            name = member.name.casefold()
            # Two members of one name: only their ids tell them apart.
            self._members[name] = None if name in self._members else member
        self.planned: dict[int, Planned] = {}
        self.rows: dict[int, RowReport] = {}

    def decide(self, draft: Draft) -> None:
        known = self._world.by_external_id.get(draft.external_id or "")
        twin = self._by_external_id.get(draft.external_id or "", draft)
        if known is not None and twin is draft:
            self.rows[draft.line] = _already_imported(draft, known)
            return
        problems = list(draft.problems)
        if twin is not draft:
            problems.append(
                self._problem(
                    "external_id",
                    draft.external_id,
                    f"{twin.place} has the same id.",
                    "an id of its own for each row",
                )
            )
        planned = self._with_assignee(Planned(draft=draft), problems)
        planned = self._with_parent(planned, problems)
        planned = self._with_custom_values(planned, problems)
        if problems:
            self._report(draft, Outcome.WRONG, tuple(problems))
            return
        self.planned[draft.line] = planned
        self._report(draft, Outcome.VALID)

    def links(self, links_max: int) -> Linked:
        """Return the dependencies of the rows that are imported."""
        rows = [self.planned[line] for line in sorted(self.planned)]
        order = Order(
            lines={row.draft.line: row.parent_line for row in rows if row.parent_line is not None},
            items={row.draft.line: row.parent_id for row in rows if row.parent_id is not None},
            after_items=self._world.after,
        )
        drafts = [row.draft for row in rows]
        return linked(drafts, order, self._by_id, self._backlog.prefix, links_max)

    def refused(self, problems: Mapping[int, str]) -> Backlog:
        """Return the backlog with what is wrong with the dependencies of its rows."""
        return structs.replace(
            self._backlog,
            drafts=tuple(
                structs.replace(
                    draft,
                    problems=(
                        *draft.problems,
                        self._problem(
                            "blocks",
                            draft.external_id,
                            problems[draft.line],
                            "dependencies in an order that can be, at most as many as the limit",
                        ),
                    ),
                )
                if draft.line in problems
                else draft
                for draft in self._backlog.drafts
            ),
        )

    def _with_assignee(self, planned: Planned, problems: list[RowProblem]) -> Planned:
        wanted = planned.draft.assignee
        if wanted is None:
            return planned
        member = self._members.get(wanted) or self._members.get(wanted.casefold())
        if member is None:
            problems.append(
                self._problem(
                    "assignee",
                    wanted,
                    "this is no active member, or several have this name.",
                    "the name or id of one active member, or nothing",
                )
            )
            return planned
        return structs.replace(planned, assignee=member)

    def _with_custom_values(self, planned: Planned, problems: list[RowProblem]) -> Planned:
        said = dict(planned.draft.custom)
        values: dict[str, Held] = {}
        for field in self._world.custom_fields:
            raw = said.pop(field.key, None)
            try:
                value = self._custom_value(field, raw)
            except (InvalidCustomValue, InvalidText) as error:
                wrong = error.message.removeprefix(f"{error.param}: ")
                expected = f"what the {field.field_type} field {field.name} takes"
                problems.append(self._problem(f"cf.{field.key}", raw, wrong, expected))
                continue
            if value is not None:
                values[field.id] = Held(field.key, field.field_type, value)
        for key, raw in said.items():
            wrong = f"items of this project have no custom field {key}."
            expected = "the key of a custom field; make it first, or let the column fill nothing"
            problems.append(self._problem(f"cf.{key}", raw, wrong, expected))
        return structs.replace(planned, custom_values=kept(values))

    def _custom_value(self, field: CustomField, raw: str | None) -> str | None:
        given = field.default if raw is None else raw
        if given is None or field.field_type is not FieldType.USER:
            return valid_value(field, given)
        member = self._members.get(given) or self._members.get(given.casefold())
        if member is None and raw is not None:
            raise InvalidCustomValue(field.key, f"{shown(raw)} is the name of no one member.")
        return member.id if member is not None else None

    def _with_parent(self, planned: Planned, problems: list[RowProblem]) -> Planned:
        wanted = planned.draft.parent
        if wanted is None:
            self._check_alone(planned, problems)
            return planned
        id_ = self._backlog.prefix + wanted
        row = self._by_id.get(id_)
        known = self._world.by_external_id.get((row and row.external_id) or id_)
        known = known or self._world.by_key.get(wanted)
        if row is None and known is None and self._title_counts[wanted] == 1:
            row = self._by_title[wanted]
            known = self._world.by_external_id.get(row.external_id or "")
        if known is not None:
            return self._below_known(planned, known, problems)
        if row is not None:
            return self._below_row(planned, row, problems)
        count = self._title_counts[wanted]
        self._refuse_parent(
            planned,
            f"{count} rows have this title." if count else "nothing has this id or title.",
            problems,
        )
        return planned

    def _below_known(self, planned: Planned, known: Known, problems: list[RowProblem]) -> Planned:
        if known.is_deleted:
            self._refuse_parent(planned, f"{known.key} was deleted.", problems)
        elif known.is_archived:
            self._refuse_parent(planned, f"{known.key} is archived.", problems)
        elif self._fits(planned, (known.id, known.item_type), problems):
            return structs.replace(planned, parent_id=known.id)
        return planned

    def _below_row(self, planned: Planned, row: Draft, problems: list[RowProblem]) -> Planned:
        if not self._fits(planned, (row.place, row.item_type), problems):
            return planned
        if self.rows[row.line].outcome is Outcome.WRONG:
            self._refuse_parent(
                planned, f"the parent {'at' if row.path else 'on'} {row.place} is wrong.", problems
            )
            return planned
        return structs.replace(planned, parent_line=row.line)

    def _check_alone(self, planned: Planned, problems: list[RowProblem]) -> None:
        try:
            check_without_parent(planned.draft.item_type, self._world.kinds)
        except WrongParent as error:
            self._refuse_parent(planned, error.message, problems)

    def _fits(self, planned: Planned, parent: tuple[str, str], problems: list[RowProblem]) -> bool:
        draft, project = planned.draft, self._world.project_id
        try:
            check_parent(
                (draft.place, draft.item_type, project), (*parent, project), self._world.kinds
            )
        except WrongParent as error:
            self._refuse_parent(planned, error.message, problems)
            return False
        return True

    def _refuse_parent(self, planned: Planned, problem: str, problems: list[RowProblem]) -> None:
        problems.append(
            self._problem(
                "parent",
                planned.draft.parent,
                problem,
                "the id or title of a row, or the key of an item of this project",
            )
        )

    def _problem(self, field: str, value: str | None, problem: str, expected: str) -> RowProblem:
        return RowProblem(
            column=self._backlog.header_of(field),
            value=shown(value or ""),
            problem=problem,
            expected=expected,
        )

    def _report(
        self, draft: Draft, outcome: Outcome, problems: tuple[RowProblem, ...] = ()
    ) -> None:
        self.rows[draft.line] = RowReport(
            line=draft.line,
            path=draft.path,
            outcome=outcome,
            title=draft.title,
            external_id=draft.external_id,
            problems=problems,
        )


def _already_imported(draft: Draft, known: Known) -> RowReport:
    return RowReport(
        line=draft.line,
        path=draft.path,
        outcome=Outcome.ALREADY_IMPORTED,
        title=draft.title,
        external_id=draft.external_id,
        id=known.id,
        key=known.key,
    )
