"""What one can ask of what happened since."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.activities.service import shown
from tidemill.board.activity_feeds.models import Feed, Numbered, Place, feed_of, stream_window
from tidemill.board.activity_feeds.repository import ActivityFeedRepository
from tidemill.board.errors import ProjectNotFound, WorkItemNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_numbers_and_texts
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Database, Tx


class ActivityFeedService:
    """Feeds of items and of projects, each named by its id or its key."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._feeds = ActivityFeedRepository()
        self._items = WorkItemRepository()
        self._projects = ProjectRepository()

    async def head(self, *, actor: Actor) -> int:
        """Return the last number of the tenant's stream: what comes later comes after it."""
        return await self._tenants.read(actor, self._feeds.head)

    async def of_item(self, reference: str, since: int, page: PageRequest, *, actor: Actor) -> Feed:
        """Return what happened to an item after a number, oldest first."""
        after = _place(since, page)

        def use_case(tx: Tx) -> Feed:
            item = self._items.find(tx, reference)
            if item is None or item.deleted_at is not None:
                raise WorkItemNotFound(reference)
            head = self._feeds.head(tx)
            rows = self._feeds.of_item(tx, item.id, after, until=head, limit=page.limit_plus_one)
            return feed_of(_shown(tx, rows), page, until=head, head=head)

        return await self._tenants.read(actor, use_case)

    async def of_project(
        self, reference: str, since: int, page: PageRequest, *, actor: Actor
    ) -> Feed:
        """Return what happened after a number to items in a project, also to deleted ones.

        A page looks at a part of the stream, so that it may hold nothing although more follows.
        """
        after = _place(since, page)

        def use_case(tx: Tx) -> Feed:
            project = self._projects.find(tx, reference)
            if project is None or project.deleted_at is not None:
                raise ProjectNotFound(reference)
            head = self._feeds.head(tx)
            until = min(head, after.seq + stream_window)
            rows = self._feeds.of_project(
                tx, project.id, after, until=until, limit=page.limit_plus_one
            )
            return feed_of(_shown(tx, rows), page, until=until, head=head)

        return await self._tenants.read(actor, use_case)


def _shown(tx: Tx, rows: Sequence[Numbered]) -> list[Numbered]:
    activities = shown(tx, [row.activity for row in rows])
    return [Numbered(row.seq, one) for row, one in zip(rows, activities, strict=True)]


def _place(since: int, page: PageRequest) -> Place:
    found = after_numbers_and_texts(page)
    return Place(since) if found is None else Place(*found)
