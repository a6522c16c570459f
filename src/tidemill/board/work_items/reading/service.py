"""What one can read of work items."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.board.activities.models import Activity
from tidemill.board.activities.service import History
from tidemill.board.errors import RankNeedsProject, SortWithoutEffect, WorkItemNotFound
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import Sort, WorkItem, WorkItemFilter
from tidemill.board.work_items.repository import WorkItemRepository, ordered_by_number
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.keysets import (
    after_number,
    after_number_and_text,
    after_numbers_and_text,
    after_text,
)
from tidemill.core.pages import Key, Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx


class ItemReadingService:
    """Reads of work items and of what happened to them; an item is named by its id or its key."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._items = WorkItemRepository()
        self._labelling = Labelling(limits)
        self._workflows = Workflows()
        self._kinds = ItemKinds()
        self._history = History()

    async def get(self, reference: str, *, actor: Actor) -> WorkItem:
        """Return an item; raises `WorkItemNotFound`."""
        return await self._tenants.read(
            actor, lambda tx: self._shown(tx, self._living(tx, reference))
        )

    async def list(
        self, wanted: WorkItemFilter, page: PageRequest, *, actor: Actor
    ) -> Page[WorkItem]:
        """Return items of a filter.

        Those of one project come by number, newest first, or by rank; with `updated_since` they
        come in the order of their last change. Raises `RankNeedsProject` and `SortWithoutEffect`.
        """
        if wanted.sort is Sort.RANK and (wanted.project_id is None or wanted.updated_since):
            raise RankNeedsProject
        if wanted.sort is Sort.NUMBER and not ordered_by_number(wanted):
            raise SortWithoutEffect
        after, key = _keyset(wanted, page)

        def use_case(tx: Tx) -> list[WorkItem]:
            if wanted.status is not None:
                self._workflows.check_known(tx, wanted.status)
            if wanted.item_type is not None:
                self._kinds.check_known(tx, wanted.item_type)
            label_ids = (
                self._labelling.candidates(tx, wanted.label, wanted.project_id)
                if wanted.label is not None
                else ()
            )
            rows = self._items.page(
                tx, wanted, label_ids=label_ids, after=after, limit=page.limit_plus_one
            )
            return self._labelling.shown(tx, rows)

        return page_of(await self._tenants.read(actor, use_case), page, key)

    async def activity(self, reference: str, page: PageRequest, *, actor: Actor) -> Page[Activity]:
        """Return what happened to an item, newest first."""
        after = after_numbers_and_text(page)

        def use_case(tx: Tx) -> list[Activity]:
            item = self._living(tx, reference)
            return self._history.page(tx, item.id, after=after, limit=page.limit_plus_one)

        rows = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda row: (row.version, row.at, row.field))

    def _shown(self, tx: Tx, item: WorkItem) -> WorkItem:
        [shown] = self._labelling.shown(tx, [item])
        return shown

    def _living(self, tx: Tx, reference: str) -> WorkItem:
        item = self._items.find(tx, reference)
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        return item


def _keyset(
    wanted: WorkItemFilter, page: PageRequest
) -> tuple[tuple[int | str, ...] | None, Callable[[WorkItem], Key]]:
    if wanted.sort is Sort.RANK:
        rank = after_text(page)
        return None if rank is None else (rank,), lambda item: (item.rank,)
    if wanted.updated_since is not None:
        return after_number_and_text(page), lambda item: (item.updated_at, item.id)
    if ordered_by_number(wanted):
        number = after_number(page)
        return None if number is None else (number,), lambda item: (item.number,)
    text = after_text(page)
    return None if text is None else (text,), lambda item: (item.id,)
