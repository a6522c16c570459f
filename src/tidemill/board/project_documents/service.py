"""How a project is written as a document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_documents.archives import ArchiveWriter
from tidemill.board.project_documents.heading.service import Heading
from tidemill.board.project_documents.models import (
    Belongings,
    Called,
    Head,
    ItemPart,
    People,
    beginning,
    ending,
    portion,
)
from tidemill.board.project_documents.parts import (
    CommentPart,
    FilePart,
    LinkPart,
    ReactionPart,
    RevisionPart,
    TimePart,
    WatcherPart,
)
from tidemill.board.project_documents.repository import ProjectDocumentRepository
from tidemill.board.projects.models import Project
from tidemill.board.time_tracking.spans import Span, date_of
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItem
from tidemill.core.actor import Actor
from tidemill.core.blobs import BlobStore
from tidemill.core.clock import Instant, rfc3339, rfc3339_or_none
from tidemill.core.ports import Database, Row, Tx

T = TypeVar("T")
Addresses = Callable[[Sequence[str], Actor], Awaitable[Mapping[str, str]]]
"""Returns the e-mail addresses of members by their ids, as far as somebody may see them."""

items_at_once_max: Final = 50
"""Items whose comments, time and files are in memory at once."""
blobs_at_once_max: Final = 200


async def no_addresses(user_ids: Sequence[str], actor: Actor) -> Mapping[str, str]:
    """Return nothing: where there is no identity, nobody has an address."""
    del user_ids, actor
    return {}


class ProjectDocumentService:
    """Writes projects as documents, and documents with their files as archives."""

    def __init__(
        self,
        tenants: Database,
        store: BlobStore,
        limits: BoardLimits,
        *,
        addresses: Addresses = no_addresses,
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._store = store
        self._addresses = addresses
        self._documents = ProjectDocumentRepository()
        self._heading = Heading()
        self._labelling = Labelling(limits)

    async def parts(self, project: Project, *, actor: Actor) -> AsyncIterator[bytes]:
        """Yield the document of a project, portion by portion.

        Each page of items is read by itself: what changes meanwhile is in it as it was or as it
        became, and an item that is moved may be in it twice or not at all.
        """

        def begin(tx: Tx) -> tuple[Head, Called]:
            return self._heading.of(tx, project, People(self._documents.people(tx)))

        head, called = await self._tenants.read(actor, begin)
        yield beginning(head)
        after, is_first = "", True
        while True:
            items, parts = await self._page(project, after, called, actor)
            yield portion(parts, is_first=is_first)
            if len(items) < items_at_once_max:
                break
            after, is_first = items[-1].rank, False
        addresses = await self._addresses(called.people.told, actor)
        yield ending(called.people.parts(addresses))

    async def archive(self, project: Project, *, actor: Actor) -> AsyncIterator[bytes]:
        """Yield the document of a project and all files of its items as one archive.

        A file that is taken away meanwhile may be missing. Raises `BlobMissing` and
        `BlobsUnavailable`, where what was given so far is no archive.
        """
        writer = ArchiveWriter()
        now = await self._tenants.read(actor, _now)
        writer.begin_document(now)
        async for part in self.parts(project, actor=actor):
            yield writer.write(part)
        yield writer.end_entry()
        after = ""
        while True:
            blobs = await self._blobs(project, after, actor)
            for sha256, name, size in blobs:
                writer.begin_file(sha256, now)
                content = await self._store.read(actor.tenant_id, name, start=0, length=size)
                async for part in content:
                    yield writer.write(part)
                yield writer.end_entry()
            if len(blobs) < blobs_at_once_max:
                break
            after = blobs[-1][0]
        yield writer.end()

    async def _blobs(self, project: Project, after: str, actor: Actor) -> Sequence[Row]:
        return await self._tenants.read(
            actor,
            lambda tx: self._documents.blobs(tx, project.id, after=after, limit=blobs_at_once_max),
        )

    async def _page(
        self, project: Project, after: str, called: Called, actor: Actor
    ) -> tuple[list[WorkItem], list[ItemPart]]:
        def use_case(tx: Tx) -> tuple[list[WorkItem], list[ItemPart]]:
            items = self._documents.items(tx, project.id, after=after, limit=items_at_once_max)
            shown = self._labelling.shown(tx, items)
            keys = self._documents.keys(tx, {one.parent_id for one in items if one.parent_id})
            belongings = self._belongings(tx, project, [one.id for one in items], called.people)
            return items, [
                ItemPart.of(one, keys.get(one.parent_id or ""), called, belongings[one.id])
                for one in shown
            ]

        return await self._tenants.read(actor, use_case)

    def _belongings(
        self, tx: Tx, project: Project, ids: Sequence[str], people: People
    ) -> dict[str, Belongings]:
        read = self._documents
        former = _by_first(read.former_keys(tx, ids), lambda row: f"{row[1]}-{row[2]}")
        first = _by_first(read.first_links(tx, ids), lambda row: _link(row, is_first=True))
        second = _by_first(
            read.second_links(tx, project.id, ids), lambda row: _link(row, is_first=False)
        )
        watchers = _by_first(
            read.watchers(tx, ids),
            lambda row: WatcherPart(person=people.name(row[1]), state=row[2]),
        )
        comments = self._comments(tx, ids, people)
        time = _by_first(read.time_entries(tx, ids), lambda row: _time(row, people))
        files = _by_first(read.files(tx, ids), lambda row: _file(row, people))
        return {
            id_: Belongings(
                former_keys=tuple(former.get(id_, ())),
                links=(*first.get(id_, ()), *second.get(id_, ())),
                watchers=tuple(sorted(watchers.get(id_, ()), key=lambda one: one.person)),
                comments=comments.get(id_, ()),
                time_entries=tuple(time.get(id_, ())),
                attachments=tuple(files.get(id_, ())),
            )
            for id_ in ids
        }

    def _comments(
        self, tx: Tx, ids: Sequence[str], people: People
    ) -> dict[str, tuple[CommentPart, ...]]:
        rows = _by_first(self._documents.comments(tx, ids), lambda row: row)
        comment_ids = [row[1] for each in rows.values() for row in each]
        revisions = _by_first(
            self._documents.revisions(tx, comment_ids), lambda row: _revision(row, people)
        )
        reactions = _by_first(
            self._documents.reactions(tx, comment_ids),
            lambda row: ReactionPart(emoji=row[1], person=people.name(row[2])),
        )
        return {
            item_id: tuple(
                _comment(
                    row,
                    # A reply to a deleted comment has none.
                    {other[1]: place for place, other in enumerate(each)},
                    people,
                    (revisions.get(row[1], ()), reactions.get(row[1], ())),
                )
                for row in each
            )
            for item_id, each in rows.items()
        }


def _now(tx: Tx) -> Instant:
    return tx.now


def _by_first(rows: Sequence[Row], made: Callable[[Row], T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(made(row))
    return found


def _link(row: Row, *, is_first: bool) -> LinkPart:
    return LinkPart(type=row[1], item=f"{row[2]}-{row[3]}", first=is_first)


def _comment(
    row: Row,
    places: Mapping[str, int],
    people: People,
    beside: tuple[Sequence[RevisionPart], Sequence[ReactionPart]],
) -> CommentPart:
    _, _, parent_id, content, created_at, created_by, updated_at, version, mentions = row
    revisions, reactions = beside
    meant = msgspec.json.decode(mentions, type=dict[str, str])
    return CommentPart(
        author=people.name(created_by),
        at=rfc3339(created_at),
        edited_at=rfc3339(updated_at) if version > 1 else None,
        reply_to=places.get(parent_id),
        content=content,
        mentions={word: people.name(user_id) for word, user_id in sorted(meant.items())},
        revisions=tuple(revisions),
        reactions=tuple(sorted(reactions, key=lambda one: (one.emoji, one.person))),
    )


def _revision(row: Row, people: People) -> RevisionPart:
    _, content, at, user_id = row
    return RevisionPart(content=content, at=rfc3339(at), by=people.name(user_id))


def _time(row: Row, people: People) -> TimePart:
    _, user_id, started_at, ended_at, on_day, description, source = row
    return TimePart(
        person=people.name(user_id),
        date=None if on_day is None else date_of(on_day),
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
