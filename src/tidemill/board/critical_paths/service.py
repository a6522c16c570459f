"""What one can learn of a project's critical path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from tidemill.board.contract import WorkItemId
from tidemill.board.critical_paths.models import links_max, longest_path
from tidemill.board.critical_paths.repository import CriticalPathRepository, Weighed
from tidemill.board.dependency_errors import GraphTooLarge
from tidemill.board.errors import ProjectNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItem
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx


class CriticalPath(Struct, frozen=True, kw_only=True):
    """How long and heavy the path is, and a part of its items, each with its place from 1 on."""

    length: int
    weight: int
    page: Page[tuple[int, WorkItem]]


class CriticalPathService:
    """Reads what holds up a project longest."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._paths = CriticalPathRepository()
        self._labelling = Labelling(limits)

    async def of_project(self, reference: str, page: PageRequest, *, actor: Actor) -> CriticalPath:
        """Return the heaviest chain of unfinished items that block each other.

        Raises `ProjectNotFound` and `GraphTooLarge`.
        """
        after = after_number(page) or 0

        def links_of(tx: Tx) -> list[tuple[Weighed, Weighed]]:
            project = self._living(tx, reference)
            return self._paths.links(tx, project.id, limit=links_max + 1)

        links = await self._tenants.read(actor, links_of)
        if len(links) > links_max:
            raise GraphTooLarge(links_max)
        # Thousands of links would hold up every other request of this process.
        path, weight = await asyncio.to_thread(_heaviest, links)
        wanted = [*enumerate(path, 1)][after : after + page.limit_plus_one]

        def items_of(tx: Tx) -> list[tuple[int, WorkItem]]:
            found = self._labelling.shown(
                tx, self._paths.items(tx, [item_id for _, item_id in wanted])
            )
            places = {item_id: place for place, item_id in wanted}
            return [(places[item.id], item) for item in found]

        rows = await self._tenants.read(actor, items_of)
        found = page_of(rows, page, lambda row: (row[0],))
        return CriticalPath(length=len(path), weight=weight, page=found)

    def _living(self, tx: Tx, reference: str) -> Project:
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project


def _heaviest(links: Sequence[tuple[Weighed, Weighed]]) -> tuple[list[WorkItemId], int]:
    """Return the heaviest path and its weight; an item without points weighs 1."""
    items = sorted({item for link in links for item in link}, key=lambda item: item[1])
    weights: dict[str, int] = {
        item_id: 1 if points is None else points for item_id, _, points in items
    }
    path = longest_path(weights, [(first[0], second[0]) for first, second in links])
    return [WorkItemId(item_id) for item_id in path], sum(weights[item_id] for item_id in path)
