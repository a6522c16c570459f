"""What one can ask of all work items at once."""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo

import msgspec

from tidemill.board.contract import ProjectId
from tidemill.board.custom_fields.models import FieldType
from tidemill.board.errors import RankNeedsProject, SortWithoutEffect
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.binding import bound
from tidemill.board.filters.conditions import AllOf, Bears, Condition
from tidemill.board.filters.custom import ordered_fields
from tidemill.board.filters.fields import custom_key, sorting_of
from tidemill.board.filters.printing import printed
from tidemill.board.filters.scopes import Scope
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import (
    HIGHEST_NUMBER_FIRST,
    NEWEST_FIRST,
    UTC,
    Ordering,
    Selection,
    conditions_of,
    is_of_one_project,
    project_of,
)
from tidemill.board.listing.repository import ListingRepository, NamesInStore
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import Sort, WorkItem
from tidemill.board.workflows.service import Workflows
from tidemill.board.zones import zone_named
from tidemill.core.actor import Actor
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx


class ListingService:
    """Lists of work items by filters."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._items = ListingRepository()
        self._labelling = Labelling(limits)

    async def list(self, wanted: Selection, page: PageRequest, *, actor: Actor) -> Page[WorkItem]:
        """Return living items; raises `InvalidFilter` and what the order needs.

        Without an order those of one project come by number, all others by age, newest first.
        """

        def use_case(tx: Tx) -> tuple[list[WorkItem], Ordering]:
            condition = condition_of(tx, wanted, actor, self._labelling)
            ordering = _ordering(tx, wanted, condition, actor)
            after = ordering.after(page)
            limit = page.limit_plus_one
            items = self._items.page(tx, condition, ordering, after=after, limit=limit)
            return self._labelling.shown(tx, items), ordering

        items, ordering = await self._tenants.read(actor, use_case)
        return page_of(items, page, ordering.key)


def condition_of(tx: Tx, wanted: Selection, actor: Actor, labelling: Labelling) -> Condition:
    """Return what `wanted` asks of an item; raises `InvalidFilter` and `LabelNotFound`."""
    if wanted.parameters.status is not None:
        Workflows().check_known(tx, wanted.parameters.status)
    if wanted.parameters.item_type is not None:
        ItemKinds().check_known(tx, wanted.parameters.item_type)
    said = conditions_of(wanted.parameters)
    if (label := wanted.parameters.label) is not None:
        label_ids = labelling.candidates(tx, label, wanted.parameters.project_id)
        said = (*said, Bears(tuple(label_ids)))
    scope = _scope(tx, wanted, actor, project_of(AllOf(said)))
    return AllOf((*said, bound(wanted.filter.condition, scope)))


def check_selection(tx: Tx, wanted: Selection, actor: Actor, labelling: Labelling) -> None:
    """Return when `wanted` can be listed; raises `InvalidFilter`."""
    _ordering(tx, wanted, condition_of(tx, wanted, actor, labelling), actor)


def digest_of(wanted: Selection) -> str:
    """Return what ties a cursor to the list that it was made for."""
    said = (wanted.parameters, printed(wanted.filter), wanted.zone.key)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()


def zone_of(name: str | None) -> ZoneInfo:
    """Return a time zone by its name, UTC for None; raises `UnknownTimeZone`."""
    return UTC if name is None else zone_named(name)


def _scope(tx: Tx, wanted: Selection, actor: Actor, fields_of: ProjectId | None) -> Scope:
    names = NamesInStore(tx, fields_of=fields_of)
    return Scope(names=names, now=tx.now, zone=wanted.zone, me=actor.user_id)


def _ordering(tx: Tx, wanted: Selection, condition: Condition, actor: Actor) -> Ordering:
    order, parameter = wanted.filter.order, wanted.parameters.sort
    one_project = is_of_one_project(condition)
    if order is not None:
        sorting = sorting_of(order.name.text)
        if parameter is not None:
            raise InvalidFilter(order.name.at, "The list is sorted by its parameter sort already.")
        if sorting.needs_project and not one_project:
            raise InvalidFilter(
                order.name.at,
                f"sort:{sorting.name} is an order within a project. Add project: and its key.",
            )
        key = custom_key(sorting.column)
        if key is None:
            return Ordering(sorting.column, order.is_descending)
        scope = _scope(tx, wanted, actor, project_of(condition))
        type_, ids = ordered_fields(key, scope, at=order.name.at)
        is_number = type_ is FieldType.NUMBER
        return Ordering(sorting.column, order.is_descending, ids, is_number)
    if parameter is Sort.RANK:
        if not one_project:
            raise RankNeedsProject
        return Ordering("rank", is_descending=False)
    if parameter is Sort.NUMBER and not one_project:
        raise SortWithoutEffect
    return HIGHEST_NUMBER_FIRST if one_project else NEWEST_FIRST
