"""How a project is written as a document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar

import msgspec

from tidemill.board.board_settings.repository import BoardSettingsRepository
from tidemill.board.custom_fields.models import FieldType
from tidemill.board.limits import BoardLimits
from tidemill.board.project_documents.models import (
    END,
    Belongings,
    CommentPart,
    CustomFieldPart,
    FilePart,
    Head,
    ItemPart,
    LabelPart,
    LinkPart,
    People,
    ProjectPart,
    SprintPart,
    TimePart,
    WatcherPart,
    WorkflowPart,
    beginning,
    portion,
)
from tidemill.board.project_documents.repository import ProjectDocumentRepository
from tidemill.board.projects.models import Project
from tidemill.board.time_tracking.spans import Span, date_of
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItem
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.core.ports import Database, Row, Tx

T = TypeVar("T")

items_at_once_max: Final = 50
"""Items whose comments, time and files are in memory at once."""


class ProjectDocumentService:
    """Writes projects as documents."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = tenants
        self._documents = ProjectDocumentRepository()
        self._settings = BoardSettingsRepository()
        self._workflows = Workflows()
        self._labelling = Labelling(limits)

    async def parts(self, project: Project, *, actor: Actor) -> AsyncIterator[bytes]:
        """Yield the document of a project, portion by portion.

        Each page of items is read by itself: what changes meanwhile is in it as it was or as it
        became, and an item that is moved may be in it twice or not at all.
        """

        def begin(tx: Tx) -> tuple[People, Head]:
            people = People(self._documents.people(tx))
            return people, self._head(tx, project, people)

        people, head = await self._tenants.read(actor.tenant_id, begin)
        yield beginning(head)
        after, is_first = "", True
        while True:
            items, parts = await self._page(project, after, people, actor)
            yield portion(parts, is_first=is_first)
            if len(items) < items_at_once_max:
                break
            after, is_first = items[-1].rank, False
        yield END

    async def _page(
        self, project: Project, after: str, people: People, actor: Actor
    ) -> tuple[list[WorkItem], list[ItemPart]]:
        def use_case(tx: Tx) -> tuple[list[WorkItem], list[ItemPart]]:
            items = self._documents.items(tx, project.id, after=after, limit=items_at_once_max)
            shown = self._labelling.shown(tx, items)
            keys = self._documents.keys(tx, {one.parent_id for one in items if one.parent_id})
            belongings = self._belongings(tx, project, [one.id for one in items], people)
            return items, [
                ItemPart.of(one, keys.get(one.parent_id or ""), people, belongings[one.id])
                for one in shown
            ]

        return await self._tenants.read(actor.tenant_id, use_case)

    def _head(self, tx: Tx, project: Project, people: People) -> Head:
        settings = self._settings.find(tx, project.id)
        workflow = self._workflows.of(tx, project.id, project.workflow_id)
        read = self._documents
        return Head(
            exported_at=rfc3339(tx.now),
            project=ProjectPart.of(project),
            workflow=None if project.workflow_id is None else WorkflowPart.of(workflow),
            board_settings=None if settings.id is None else settings.rules,
            labels=tuple(map(_label, read.labels(tx, project.id))),
            custom_fields=tuple(
                _custom_field(row, people) for row in read.custom_fields(tx, project.id)
            ),
            sprints=tuple(map(_sprint, read.sprints(tx, project.id))),
        )

    def _belongings(
        self, tx: Tx, project: Project, ids: Sequence[str], people: People
    ) -> dict[str, Belongings]:
        read = self._documents
        former = _by_item(read.former_keys(tx, ids), lambda row: f"{row[1]}-{row[2]}")
        first = _by_item(read.first_links(tx, ids), lambda row: _link(row, is_first=True))
        second = _by_item(
            read.second_links(tx, project.id, ids), lambda row: _link(row, is_first=False)
        )
        watchers = _by_item(
            read.watchers(tx, ids),
            lambda row: WatcherPart(person=people.name(row[1]), state=row[2]),
        )
        comments = _by_item(read.comments(tx, ids), lambda row: row)
        time = _by_item(read.time_entries(tx, ids), lambda row: _time(row, people))
        files = _by_item(read.files(tx, ids), lambda row: _file(row, people))
        return {
            id_: Belongings(
                former_keys=tuple(former.get(id_, ())),
                links=(*first.get(id_, ()), *second.get(id_, ())),
                watchers=tuple(watchers.get(id_, ())),
                comments=_comments(comments.get(id_, ()), people),
                time_entries=tuple(time.get(id_, ())),
                attachments=tuple(files.get(id_, ())),
            )
            for id_ in ids
        }


def _label(row: Row) -> LabelPart:
    name, color, description, owner = row
    return LabelPart(name=name, color=color, description=description, of_project=owner is not None)


def _custom_field(row: Row, people: People) -> CustomFieldPart:
    key, name, field_type, help_, is_required, default, rules, owner = row
    if default is not None and field_type == FieldType.USER:
        default = people.name(default)
    return CustomFieldPart(
        key=key,
        name=name,
        field_type=field_type,
        help=help_,
        is_required=bool(is_required),
        default=default,
        rules=msgspec.Raw(rules.encode()),
        of_project=owner is not None,
    )


def _sprint(row: Row) -> SprintPart:
    name, goal, start, end, status, started_at, ended_at = row
    return SprintPart(
        name=name,
        goal=goal,
        start_date=start,
        end_date=end,
        status=status,
        started_at=rfc3339_or_none(started_at),
        ended_at=rfc3339_or_none(ended_at),
    )


def _by_item(rows: Sequence[Row], made: Callable[[Row], T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(made(row))
    return found


def _link(row: Row, *, is_first: bool) -> LinkPart:
    return LinkPart(type=row[1], item=f"{row[2]}-{row[3]}", first=is_first)


def _comments(rows: Sequence[Row], people: People) -> tuple[CommentPart, ...]:
    # A reply to a deleted comment has none.
    places = {row[1]: place for place, row in enumerate(rows)}
    return tuple(
        CommentPart(
            author=people.name(created_by),
            at=rfc3339(created_at),
            edited_at=rfc3339(updated_at) if version > 1 else None,
            reply_to=places.get(parent_id),
            content=content,
        )
        for _, _, parent_id, content, created_at, created_by, updated_at, version in rows
    )


def _time(row: Row, people: People) -> TimePart:
    _, user_id, started_at, ended_at, on_day, description, source = row
    return TimePart(
        person=people.name(user_id),
        date=None if on_day is None else date_of(on_day).isoformat(),
        started_at=rfc3339(started_at),
        ended_at=rfc3339_or_none(ended_at),
        seconds=Span(started_at, ended_at, on_day).seconds,
        description=description,
        source=source,
    )


def _file(row: Row, people: People) -> FilePart:
    _, name, media_type, size, sha256, created_at, created_by = row
    return FilePart(
        name=name,
        media_type=media_type,
        bytes=size,
        sha256=sha256,
        at=rfc3339(created_at),
        by=people.name(created_by),
    )
