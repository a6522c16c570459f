"""A project as a document; its fields and their order are version 1 of the format.

What is called differently in each installation stands as people know it: items by their keys,
people, labels and sprints by their names. Instants are RFC 3339, days are `YYYY-MM-DD`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.board.board_settings.models import Rules
from tidemill.board.custom_fields.models import FieldType
from tidemill.board.custom_fields.values import held
from tidemill.board.project_documents.parts import (
    CommentPart,
    CustomFieldPart,
    Figure,
    FilePart,
    KindPart,
    LabelPart,
    LinkPart,
    PersonPart,
    ProjectPart,
    SprintPart,
    TemplatePart,
    TimePart,
    WatcherPart,
    WorkflowPart,
)
from tidemill.board.work_items.models import WorkItem
from tidemill.core.clock import rfc3339, rfc3339_or_none

FORMAT: Final = "tidemill.project"
VERSION: Final = 1


class Belongings(Struct, frozen=True, kw_only=True):
    """What belongs to an item beside its own fields."""

    former_keys: tuple[str, ...] = ()
    links: tuple[LinkPart, ...] = ()
    watchers: tuple[WatcherPart, ...] = ()
    comments: tuple[CommentPart, ...] = ()
    time_entries: tuple[TimePart, ...] = ()
    attachments: tuple[FilePart, ...] = ()


class ItemPart(Struct, frozen=True, kw_only=True):
    """A work item with all that belongs to it; items stand in the order of the project."""

    key: str
    item_type: str
    title: str
    description: str | None
    status: str
    priority: str
    parent: str | None
    assignee: str | None
    external_id: str | None
    points: Figure | None
    estimate_seconds: Figure | None
    start_date: date | None
    due_date: date | None
    labels: tuple[str, ...]
    custom_fields: dict[str, str]
    sprint: str | None
    archived_at: str | None
    started_at: str | None
    completed_at: str | None
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    former_keys: tuple[str, ...]
    links: tuple[LinkPart, ...]
    watchers: tuple[WatcherPart, ...]
    comments: tuple[CommentPart, ...]
    time_entries: tuple[TimePart, ...]
    attachments: tuple[FilePart, ...]

    @classmethod
    def of(
        cls, item: WorkItem, parent: str | None, called: Called, belongings: Belongings
    ) -> ItemPart:
        """Return what the document says of an item, which shows its labels."""
        people = called.people
        return cls(
            key=item.key,
            item_type=item.item_type,
            title=item.title,
            description=item.description,
            status=item.status,
            priority=item.priority,
            parent=parent,
            assignee=None if item.assignee_id is None else people.name(item.assignee_id),
            external_id=item.external_id,
            points=item.points,
            estimate_seconds=item.estimate_seconds,
            start_date=_day(item.start_date),
            due_date=_day(item.due_date),
            labels=tuple(label.name for label in item.labels),
            custom_fields={
                one.key: people.name(one.value) if one.field_type == FieldType.USER else one.value
                for one in held(item.custom_values).values()
            },
            sprint=called.sprints.get(item.sprint_id or ""),
            archived_at=rfc3339_or_none(item.archived_at),
            started_at=rfc3339_or_none(item.started_at),
            completed_at=rfc3339_or_none(item.completed_at),
            created_at=rfc3339(item.created_at),
            created_by=people.name(item.created_by),
            updated_at=rfc3339(item.updated_at),
            updated_by=people.name(item.updated_by),
            former_keys=belongings.former_keys,
            links=belongings.links,
            watchers=belongings.watchers,
            comments=belongings.comments,
            time_entries=belongings.time_entries,
            attachments=belongings.attachments,
        )


class Head(Struct, frozen=True, kw_only=True):
    """What stands ahead of the items."""

    format: str = FORMAT
    version: int = VERSION
    exported_at: str
    project: ProjectPart
    kinds: tuple[KindPart, ...] = ()
    workflow: WorkflowPart | None
    board_settings: Rules | None
    labels: tuple[LabelPart, ...]
    custom_fields: tuple[CustomFieldPart, ...]
    templates: tuple[TemplatePart, ...] = ()
    sprints: tuple[SprintPart, ...]


class People:
    """The names of people by id; those who share a name, and who is none of them, by their ids."""

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        self._names = dict(rows)
        counts = Counter(name.casefold() for name in self._names.values())
        self._shared = {name for name, count in counts.items() if count > 1}
        self._told: dict[str, str] = {}

    def name(self, user_id: str) -> str:
        """Return what the document calls somebody."""
        name = self._names.get(user_id)
        if name is None:
            return user_id
        self._told[user_id] = user_id if name.casefold() in self._shared else name
        return self._told[user_id]

    @property
    def told(self) -> Sequence[str]:
        """Return the ids of those whom the document named so far, by what it calls them."""
        return sorted(self._told, key=lambda user_id: (self._told[user_id], user_id))

    def parts(self, addresses: Mapping[str, str]) -> tuple[PersonPart, ...]:
        """Return what the document says of those whom it named."""
        return tuple(
            PersonPart(called=self._told[id_], name=self._names[id_], email=addresses.get(id_))
            for id_ in self.told
        )


class Called(Struct, frozen=True, kw_only=True):
    """What the document calls people, and sprints by their ids."""

    people: People
    sprints: Mapping[str, str]


def sprints_called(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what sprints are called, each an id and a name: their names unless two share one."""
    names = dict(rows)
    counts = Counter(names.values())
    return {id_: name if counts[name] == 1 else id_ for id_, name in names.items()}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def beginning(head: Head) -> bytes:
    """Return the document up to its first item."""
    return msgspec.json.encode(head)[:-1] + b',"items":['


def portion(items: Sequence[ItemPart], *, is_first: bool) -> bytes:
    """Return items as they stand in the document."""
    told = b",\n".join(map(msgspec.json.encode, items))
    return told if is_first or not items else b",\n" + told


def ending(people: Sequence[PersonPart]) -> bytes:
    """Return the document behind its last item."""
    return b'],"people":' + msgspec.json.encode(people) + b"}\n"
