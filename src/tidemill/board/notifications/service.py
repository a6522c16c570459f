"""What members can do with their inboxes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Protocol

from msgspec import Struct

from tidemill.board.errors import ProjectNotFound
from tidemill.board.notification_errors import (
    InboxNeedsPerson,
    NotificationNotFound,
    UnknownReason,
)
from tidemill.board.notifications.models import (
    REASONS,
    Event,
    Folder,
    Notification,
    NotificationChanges,
    changed,
    count_max,
)
from tidemill.board.notifications.repository import NotificationRepository
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.texts import is_uuid
from tidemill.core.actor import Actor
from tidemill.core.facts import topic
from tidemill.core.ids import TenantId
from tidemill.core.keysets import after_number_and_text, after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, LiveUpdates, Once, Tx
from tidemill.http import check_version


class Unread(Struct, frozen=True):
    """How many notifications are unread; `is_more` when there are more than are counted."""

    count: int
    is_more: bool


class Selection(Struct, frozen=True, kw_only=True):
    """Which notifications a list has; a project is named by id or key."""

    folder: Folder = Folder.INBOX
    reason: str | None = None
    project: str | None = None

    @property
    def digest(self) -> str:
        """Return what ties a cursor to this list."""
        return f"notifications:{self.folder}:{self.reason or ''}:{self.project or ''}"


class Bell(Protocol):
    """Tells the open pages of a member that its inbox has changed."""

    def ring(self, tx: Tx, user_id: str) -> None:
        """Tell it once `tx` has committed."""
        ...


class LiveBell:
    """A bell over live updates, under a topic of which nobody else hears.

    It rings once for a member, however often a transaction rang it.
    """

    def __init__(self, live: LiveUpdates) -> None:
        self._live = live
        self._rung: dict[tuple[TenantId, str], None] = {}

    def ring(self, tx: Tx, user_id: str) -> None:
        """See `Bell.ring`."""
        tx.after_commit(partial(self._tell, tx.tenant_id, user_id))

    def _tell(self, tenant_id: TenantId, user_id: str) -> None:
        if not self._live.is_followed(tenant_id):
            return
        if not self._rung:
            # All that is called after one commit is called before this.
            asyncio.get_running_loop().call_soon(self._publish)
        self._rung[(tenant_id, user_id)] = None

    def _publish(self) -> None:
        rung, self._rung = self._rung, {}
        for tenant_id, user_id in rung:
            update = {"user_id": user_id}
            self._live.publish(tenant_id, (topic("inbox", user_id),), "InboxChanged", update)


class NotificationService:
    """Use cases of one's own inbox; somebody else's notification is not found."""

    def __init__(self, tenants: Database, bell: Bell) -> None:
        self._tenants = WalledDatabase(tenants)
        self._bell = bell
        self._notifications = NotificationRepository()
        self._projects = ProjectRepository()

    async def list(
        self, selection: Selection, page: PageRequest, *, actor: Actor
    ) -> Page[Notification]:
        """Return notifications, newest first; raises `ProjectNotFound` and `UnknownReason`."""
        after = after_number_and_text(page)
        user_id = person_of(actor)
        if selection.reason is not None and selection.reason not in REASONS:
            raise UnknownReason(", ".join(REASONS))

        def use_case(tx: Tx) -> list[Notification]:
            return self._notifications.page(
                tx,
                user_id,
                selection.folder,
                reason=selection.reason,
                project_id=self._project(tx, selection.project),
                after=after,
                limit=page.limit_plus_one,
            )

        found = await self._tenants.read(actor, use_case)
        return page_of(found, page, lambda row: (row.at, row.id))

    async def unread(self, *, actor: Actor) -> Unread:
        """Return how many are unread, counted up to a thousand."""
        user_id = person_of(actor)
        count = await self._tenants.read(
            actor, lambda tx: self._notifications.count_unread(tx, user_id)
        )
        return Unread(min(count, count_max), count > count_max)

    async def get(self, notification_id: str, *, actor: Actor) -> Notification:
        """Return a notification; raises `NotificationNotFound`."""
        user_id = person_of(actor)
        return await self._tenants.read(actor, lambda tx: self._own(tx, user_id, notification_id))

    async def events(self, notification_id: str, page: PageRequest, *, actor: Actor) -> Page[Event]:
        """Return what happened to the item, newest first; raises `NotificationNotFound`."""
        before = after_text(page)
        user_id = person_of(actor)

        def use_case(tx: Tx) -> list[Event]:
            row = self._own(tx, user_id, notification_id)
            limit = page.limit_plus_one
            return self._notifications.events(tx, row.id, before=before, limit=limit)

        found = await self._tenants.read(actor, use_case)
        return page_of(found, page, lambda event: (event.id,))

    async def change(
        self,
        notification_id: str,
        changes: NotificationChanges,
        expected_version: int | None,
        *,
        actor: Actor,
        once: Once[Notification] | None = None,
    ) -> Notification:
        """Mark, archive or snooze; raises `VersionChanged` and `InvalidSnooze`."""
        user_id = person_of(actor)

        def use_case(tx: Tx) -> Notification:
            row = self._own(tx, user_id, notification_id, lock=True)
            check_version(row.version, expected_version)
            wanted = changed(row, changes, now=tx.now)
            if wanted is not row:
                self._notifications.save(tx, wanted)
                self._bell.ring(tx, user_id)
            return wanted

        return await self._tenants.write(actor, use_case, once=once)

    async def read_through(
        self,
        through_seq: int,
        project: str | None,
        *,
        actor: Actor,
        once: Once[int] | None = None,
    ) -> int:
        """Mark as read what has no later fact than that; return how many they were."""
        user_id = person_of(actor)

        def use_case(tx: Tx) -> int:
            project_id = self._project(tx, project)
            count = self._notifications.read_through(tx, user_id, through_seq, project_id)
            if count:
                self._bell.ring(tx, user_id)
            return count

        return await self._tenants.write(actor, use_case, once=once)

    def _own(
        self, tx: Tx, user_id: str, notification_id: str, *, lock: bool = False
    ) -> Notification:
        row = None
        if is_uuid(notification_id):
            row = self._notifications.find(tx, user_id, notification_id, lock=lock)
        if row is None:
            raise NotificationNotFound
        return row

    def _project(self, tx: Tx, reference: str | None) -> str | None:
        if reference is None:
            return None
        project = self._projects.find(tx, reference)
        if project is None:
            raise ProjectNotFound(reference, param="project_id")
        return project.id


def person_of(actor: Actor) -> str:
    """Return whose inbox `actor` has; raises `InboxNeedsPerson`."""
    if actor.user_id is None:
        raise InboxNeedsPerson
    return actor.user_id
