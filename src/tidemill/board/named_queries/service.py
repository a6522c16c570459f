"""Runs named queries: what they ask for is bound, and they are held to their tables and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from tidemill.board.errors import ProjectNotFound, WorkItemNotFound
from tidemill.board.named_queries.models import (
    Answer,
    NamedQuery,
    checked,
    milliseconds_max,
    told,
)
from tidemill.board.named_queries.statements import FUNCTIONS, QUERIES
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.query_errors import QueryNotFound
from tidemill.board.sprints.burndown import day_of
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_DAY
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, ReadGuard, Tx, Value

_PARAM: Final = "parameters"


class NamedQueryService:
    """The queries that there are, and their answers."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._items = WorkItemRepository()

    def list(self, page: PageRequest) -> Page[NamedQuery]:
        """Return the queries by name."""
        after = after_text(page) or ""
        found = [query for name, query in sorted(QUERIES.items()) if name > after]
        return page_of(found[: page.limit_plus_one], page, lambda query: (query.name,))

    async def run(
        self, name: str, parameters: Mapping[str, str | int], *, limit: int, actor: Actor
    ) -> Answer:
        """Return at most `limit` rows.

        Raises `QueryNotFound`, `InvalidQueryParameter`, `ProjectNotFound`, `WorkItemNotFound` and
        `ReadTookTooLong`.
        """
        query = QUERIES.get(name)
        if query is None:
            raise QueryNotFound(name, sorted(QUERIES))
        values = checked(query, parameters)
        guard = ReadGuard(
            tables=query.tables, functions=FUNCTIONS, milliseconds_max=milliseconds_max
        )

        def use_case(tx: Tx) -> Answer:
            bound = self._bound(tx, values)
            rows = tx.all_guarded(query.sql, guard, limit=limit + 1, **bound)
            return Answer(
                query=query, rows=told(query.columns, rows[:limit]), has_more=len(rows) > limit
            )

        return await self._tenants.read(actor, use_case)

    def _bound(self, tx: Tx, values: Mapping[str, str | int]) -> dict[str, Value]:
        """Return what a statement takes, from what its parameters name."""
        bound: dict[str, Value] = {}
        for name, value in values.items():
            if name == "project":
                project = self._projects.find(tx, str(value))
                if project is None or project.deleted_at is not None:
                    raise ProjectNotFound(str(value), param=f"{_PARAM}.{name}")
                bound["project_id"] = project.id
                bound["today"] = str(day_of(tx.now, ZoneInfo(project.time_zone)))
            elif name == "item":
                item = self._items.find(tx, str(value))
                if item is None or item.deleted_at is not None:
                    raise WorkItemNotFound(str(value), param=f"{_PARAM}.{name}")
                bound["item_id"] = item.id
            else:
                bound["since"] = tx.now - int(value) * MICROSECONDS_PER_DAY
        return bound
