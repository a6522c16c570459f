"""Filters as other features use them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs

from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectNotFound
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.conditions import Condition
from tidemill.board.filters.parsing import parse
from tidemill.board.item_filters.repository import ItemFilterRepository
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Selection
from tidemill.board.listing.service import condition_of
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.core.actor import Actor, system
from tidemill.core.ports import Tx


class FiltersForOthers:
    """Fills the port `ITEM_FILTERS`."""

    def __init__(self, limits: BoardLimits) -> None:
        self._labelling = Labelling(limits)
        self._items = ItemFilterRepository()
        self._projects = ProjectRepository()

    def project_id(self, tx: Tx, reference: str) -> ProjectId:
        """See `ItemFilters.project_id`."""
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        return project.id

    def check(self, tx: Tx, text: str, *, actor: Actor) -> None:
        """See `ItemFilters.check`."""
        self._condition(tx, text, structs.replace(actor, user_id=None))

    def passes(self, tx: Tx, text: str, item_ids: Collection[str]) -> bool:
        """See `ItemFilters.passes`."""
        condition = self._condition(tx, text, system("board", tx.tenant_id))
        return bool(item_ids) and self._items.any_fulfils(tx, condition, tuple(item_ids))

    def _condition(self, tx: Tx, text: str, actor: Actor) -> Condition:
        wanted = parse(text)
        if wanted.order is not None:
            raise InvalidFilter(wanted.order.name.at, "Nothing is sorted here. Remove sort:.")
        return condition_of(tx, Selection(filter=wanted), actor, self._labelling)
