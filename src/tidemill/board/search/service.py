"""What one can look for."""

from __future__ import annotations

from msgspec import Struct

from tidemill.board.filter_errors import InvalidFilter, QueryTooLong
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Selection
from tidemill.board.listing.service import condition_of
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.search.models import Fit, Hit, query_chars_max, query_of, ranked
from tidemill.board.search.repository import SearchRepository
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx


class Found(Struct, frozen=True, kw_only=True):
    """The items that fit best, and whether there are more."""

    hits: list[tuple[Fit, WorkItem]]
    has_more: bool


class SearchService:
    """Searches of work items."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._labelling = Labelling(limits)
        self._candidates = SearchRepository()
        self._items = WorkItemRepository()

    async def find(self, text: str, wanted: Selection, *, limit: int, actor: Actor) -> Found:
        """Return at most `limit` living items of `wanted` that fit `text`, best first.

        Raises `QueryTooLong` and `InvalidFilter`.
        """
        if len(text) > query_chars_max:
            raise QueryTooLong(len(text), query_chars_max)
        if wanted.filter.order is not None:
            at = wanted.filter.order.name.at
            raise InvalidFilter(at, "A search is sorted by how well items fit; remove sort.")
        query = query_of(text)

        def use_case(tx: Tx) -> Found:
            condition = condition_of(tx, wanted, actor, self._labelling)
            by_words = self._candidates.by_words(tx, query, condition)
            # Comments and what merely looks alike answer where there is room behind the rest.
            few = len(by_words) < limit
            by_comments = self._candidates.by_comments(tx, query, condition) if few else []
            few = len(by_words) + len(by_comments) < limit
            similar = self._candidates.similar(tx, query, condition) if few else []
            hits = ranked(query, by_words, by_comments, similar)
            key = self._by_key(tx, text.strip()) if query.key else None
            if key is not None:
                hits = [Hit(id=key.id, fit=Fit.KEY), *(hit for hit in hits if hit.id != key.id)]
            found = self._candidates.items(tx, [hit.id for hit in hits[:limit]])
            items = {item.id: item for item in self._labelling.shown(tx, found)}
            return Found(
                hits=[(hit.fit, items[hit.id]) for hit in hits[:limit] if hit.id in items],
                has_more=len(hits) > limit,
            )

        return await self._tenants.read(actor, use_case)

    def _by_key(self, tx: Tx, key: str) -> WorkItem | None:
        """Return the living item with this key, whatever else was asked for."""
        item = self._items.find(tx, key)
        return item if item is not None and item.deleted_at is None else None
