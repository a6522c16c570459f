"""What the board does for the features above it."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import structs

from tidemill.board.activities.service import History
from tidemill.board.contract import JobSummary, WorkItemId, WorkItemState
from tidemill.board.errors import InvalidReference, WorkItemChanged, WorkItemNotFound
from tidemill.board.job_links.models import excerpt, supersedes
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole, reader_of
from tidemill.board.project_access.service import hidden_among, require
from tidemill.board.work_items.changes import differences, next_version
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx


class BoardForOthers:
    """Fills the port `BOARD`."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._items = WorkItemRepository()
        self._history = History()

    async def find_work_item(self, reference: str, *, actor: Actor) -> WorkItemState:
        """Return the item with this id or key; raises `WorkItemNotFound`."""

        def use_case(tx: Tx) -> WorkItemState:
            item = self._items.find(tx, reference)
            if item is None or item.deleted_at is not None:
                raise WorkItemNotFound(reference, param="work_item_id")
            return item.state()

        return await self._tenants.read(actor, use_case)

    async def check_work_item_id(self, item_id: str, *, actor: Actor) -> None:
        """Return when `item_id` is the id of a living item, and not its key."""
        item = await self.find_work_item(item_id, actor=actor)
        if item.id != item_id:
            raise InvalidReference("work_item_id", f"the id of {item.key}, which is {item.id}")
        # The item will show the job, which is a change of it.
        await self._tenants.read(
            actor, lambda tx: require(tx, item.project_id, ProjectRole.EDITOR, by=actor)
        )

    async def hidden_work_items(self, item_ids: Collection[str], *, actor: Actor) -> frozenset[str]:
        """Return those of the items that are in projects which `actor` may not see."""
        if reader_of(actor) is None:
            return frozenset()
        return await self._tenants.read(actor, lambda tx: hidden_among(tx, item_ids))

    def show_job(
        self, tx: Tx, item_id: WorkItemId, summary: JobSummary, *, by: Actor
    ) -> WorkItemState | None:
        """Show `summary` on the item; None when the item is gone or shows a newer job."""
        item = self._items.find(tx, item_id, lock="change")
        if item is None or item.deleted_at is not None:
            return None
        if not supersedes(summary, item.job_summary):
            return None
        shown = excerpt(summary, bytes_max=self._limits.job_result_bytes_max)
        wanted = structs.replace(item, job=msgspec.json.encode(shown).decode())
        fields = differences(item, wanted)
        if not fields:
            return None
        saved = next_version(wanted, at=tx.now, by=by.user_id or by.id)
        if not self._items.save(tx, item, saved):
            raise WorkItemChanged(item.version, saved.version)
        self._history.updated(tx, saved.state(), fields, by=by)
        return saved.state()
