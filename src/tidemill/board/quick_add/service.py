"""Makes work items from lines of text, or says what a line would make."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.errors import ProjectIsArchived, ProjectMissing, ProjectNotFound, shown
from tidemill.board.filters.models import Word
from tidemill.board.item_kinds.models import Kinds, WorkItemType
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.quick_add.days import day_of
from tidemill.board.quick_add.finding.service import Finding
from tidemill.board.quick_add.models import Draft, Mark
from tidemill.board.quick_add.parsing import parse
from tidemill.board.quick_add.understanding import Understood
from tidemill.board.quick_add_errors import InvalidQuickText, nothing_called
from tidemill.board.texts import name_key
from tidemill.board.work_items.creating.service import Creating
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.models import (
    Priority,
    WorkItem,
    check_parent,
    check_without_parent,
    points_max,
    valid_dates,
    valid_title,
)
from tidemill.board.work_items.service import TypesFor, usual_types
from tidemill.board.workflows.models import Workflow
from tidemill.board.zones import zone_named
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ports import Database, Once, Tx
from tidemill.identity import Identity

_usual_types: Final = (WorkItemType.TASK.value, WorkItemType.STORY.value)

_DIGITS: Final = re.compile(r"[0-9]{1,9}")

T = TypeVar("T")


class _Reading(Struct, frozen=True):
    """A line before its names are looked up, whose days are meant, and who has its address."""

    draft: Draft
    zone: ZoneInfo | None
    addressee: str | None


class QuickAddService:
    """Use cases of quick add.

    `identity` gives who knows addresses and time zones of people, where there is somebody.
    """

    def __init__(
        self,
        tenants: Database,
        limits: BoardLimits,
        identity: Callable[[], Identity | None],
        *,
        sprint_types: TypesFor = usual_types,
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._identity = identity
        self._sprint_types = sprint_types
        self._creating = Creating(limits)
        self._custom_values = CustomValues()
        self._finding = Finding(limits)
        self._projects = ProjectRepository()
        self._kinds = ItemKinds()

    async def add(
        self,
        text: str,
        project: str | None,
        *,
        time_zone: str | None = None,
        description: str | None = None,
        actor: Actor,
        once: Once[WorkItem] | None = None,
    ) -> WorkItem:
        """Make the item that a line says; raises what `understood` and making it raise."""
        reading = await self._reading(text, time_zone, actor)
        named = reading.draft.one(Mark.SPRINT) is not None
        types = await self._sprint_types(actor) if named else ()

        # What the names mean is looked up in here: who repeats a request gets the first answer,
        # also where a name means nothing any more.
        def use_case(tx: Tx) -> WorkItem:
            said = self._understood(tx, reading, project, by=actor)
            return self._creating.make(tx, said.new(description), types, by=actor)

        return await self._tenants.write(actor, use_case, once=once)

    async def understood(
        self, text: str, project: str | None, *, time_zone: str | None = None, actor: Actor
    ) -> Understood:
        """Return what a line says. Days are those of `time_zone`, else of the person's own zone.

        Raises `InvalidQuickText`, `ProjectMissing`, `ProjectNotFound`, `ProjectIsArchived`,
        `UnknownTimeZone`, `CustomFieldRequired`, and what the fields of an item raise.
        """
        reading = await self._reading(text, time_zone, actor)

        def use_case(tx: Tx) -> Understood:
            said = self._understood(tx, reading, project, by=actor)
            # A line says nothing of custom fields.
            self._custom_values.check_unsaid(tx, said.project.id)
            return said

        return await self._tenants.read(actor, use_case)

    async def _reading(self, text: str, time_zone: str | None, actor: Actor) -> _Reading:
        draft = parse(text)
        if not draft.title:
            raise InvalidQuickText(len(text) + 1, "Say what is to be done: the line has no title.")
        zone = zone_named(time_zone) if time_zone is not None else await self._zone_of(actor)
        return _Reading(draft, zone, await self._addressee(draft.one(Mark.ASSIGNEE), actor))

    def _understood(
        self, tx: Tx, reading: _Reading, project: str | None, *, by: Actor
    ) -> Understood:
        find, draft = self._finding, reading.draft
        word = draft.one(Mark.PARENT)
        parent = find.parent(tx, word) if word else None
        found = self._project(tx, draft, project, parent)
        kinds = self._kinds.of(tx, found.kinds_id)
        item_type, labels = _type_and_labels(draft, parent, kinds)
        if parent is None:
            check_without_parent(item_type, kinds)
        else:
            check_parent(
                (None, item_type, found.id),
                (parent.id, parent.item_type, parent.project_id),
                kinds,
            )
        today = _today(tx.now, reading.zone or ZoneInfo(found.time_zone))
        start = _said(draft, Mark.START, lambda word: day_of(word, today))
        due = _said(draft, Mark.DUE, lambda word: day_of(word, today))
        valid_dates(start, due)
        workflow = find.workflow(tx, found)
        return Understood(
            draft=draft,
            project=found,
            title=valid_title(draft.title, self._limits),
            item_type=item_type,
            status=_said(draft, Mark.STATUS, lambda word: _status(word, workflow))
            or workflow.initial,
            priority=_said(draft, Mark.PRIORITY, _priority) or Priority.MEDIUM,
            parent=parent,
            assignee=_said(
                draft,
                Mark.ASSIGNEE,
                lambda word: find.assignee(tx, word, reading.addressee, by=by),
            ),
            labels=find.labels(tx, found.id, labels),
            sprint=_said(draft, Mark.SPRINT, lambda word: find.sprint(tx, found.id, word)),
            points=_said(draft, Mark.POINTS, _points),
            start_date=start,
            due_date=due,
        )

    def _project(self, tx: Tx, draft: Draft, given: str | None, parent: WorkItem | None) -> Project:
        word = draft.one(Mark.PROJECT)
        if word is not None:
            found = self._finding.project(tx, word)
        else:
            reference = given or (parent.project_id if parent else None)
            if reference is None:
                raise ProjectMissing
            known = self._projects.find(tx, reference)
            if known is None or known.deleted_at is not None:
                raise ProjectNotFound(reference, param="project_id")
            found = known
        if found.archived_at is not None:
            raise ProjectIsArchived(found.key)
        return found

    async def _zone_of(self, actor: Actor) -> ZoneInfo | None:
        identity = self._identity()
        if identity is None or actor.user_id is None:
            return None
        person = await identity.find_member(actor.tenant_id, actor.user_id)
        return zone_named(person.time_zone) if person is not None else None

    async def _addressee(self, word: Word | None, actor: Actor) -> str | None:
        """Return the id of the member whose e-mail address `word` is."""
        identity = self._identity()
        if identity is None or word is None or "@" not in word.text:
            return None
        person = await identity.find_by_email(word.text, by=actor)
        return person.user_id if person is not None else None


def _said(draft: Draft, mark: Mark, read: Callable[[Word], T]) -> T | None:
    word = draft.one(mark)
    return read(word) if word is not None else None


def _type_and_labels(
    draft: Draft, parent: WorkItem | None, kinds: Kinds
) -> tuple[str, tuple[Word, ...]]:
    """Return the type that is said or usual below `parent`, and the words that name labels."""
    hashes = draft.all(Mark.HASH)
    said = draft.one(Mark.TYPE)
    named = [] if said else [word for word in hashes if _is_type(word, kinds)]
    if len(named) > 1:
        told = f"#{named[0].text} says the type already. Write label:{named[1].text} for a label."
        raise InvalidQuickText(named[1].at, told)
    labels = (*(word for word in hashes if word not in named), *draft.all(Mark.LABEL))
    if said is not None or named:
        return _type(said or named[0], kinds), labels
    above = None if parent is None else parent.item_type
    fitting = (one for one in _usual_types if above is None or above in kinds.parents_of(one))
    return next(fitting, WorkItemType.TASK.value), labels


def _is_type(word: Word, kinds: Kinds) -> bool:
    return not word.is_quoted and _offered(word, kinds) is not None


def _type(word: Word, kinds: Kinds) -> str:
    found = _offered(word, kinds)
    if found is None:
        raise nothing_called("type", word.text, kinds.offered, at=word.at)
    return found


def _offered(word: Word, kinds: Kinds) -> str | None:
    return next((key for key in kinds.named(word.text) if key in kinds.offered), None)


def _priority(word: Word) -> Priority:
    text = word.text.lower()
    if text not in set(Priority):
        raise nothing_called("priority", word.text, [each.value for each in Priority], at=word.at)
    return Priority(text)


def _status(word: Word, workflow: Workflow) -> str:
    key = name_key(word.text)
    for status in workflow.statuses:
        if key in {status.key, name_key(status.name)}:
            return status.key
    raise nothing_called("status", word.text, [one.key for one in workflow.statuses], at=word.at)


def _points(word: Word) -> int:
    if not _DIGITS.fullmatch(word.text) or int(word.text) > points_max:
        raise InvalidQuickText(
            word.at, f"{shown(word.text)} is no whole number from 0 to {points_max}."
        )
    return int(word.text)


def _today(now: Instant, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(now / MICROSECONDS_PER_SECOND, UTC).astimezone(zone).date()
