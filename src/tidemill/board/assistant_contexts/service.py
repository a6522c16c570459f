"""What an assistant may know of the board."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.assistant_contexts.entries import Route, entries
from tidemill.board.assistant_contexts.models import ContextEntry, ContextFilter
from tidemill.board.assistant_contexts.repository import live_columns
from tidemill.board.project_access.database import WalledDatabase
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database


class AssistantContextService:
    """Entries of the context; `routes` are those of the board."""

    def __init__(self, tenants: Database, routes: Sequence[Route]) -> None:
        self._tenants = WalledDatabase(tenants)
        self._routes = routes

    async def list(
        self, wanted: ContextFilter, page: PageRequest, *, actor: Actor
    ) -> Page[ContextEntry]:
        """Return entries, what should be read first first; there is nothing of a tenant in them."""
        after = after_number(page) or 0
        live = await self._tenants.read(actor, live_columns)
        fitting = [entry for entry in entries(live, self._routes) if wanted.fits(entry)]
        numbered = [*enumerate(fitting, 1)][after : after + page.limit_plus_one]
        found = page_of(numbered, page, lambda row: (row[0],))
        return Page(items=[entry for _, entry in found.items], next_cursor=found.next_cursor)
