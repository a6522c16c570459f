"""What one can take away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from tidemill.board.custom_fields.repository import CustomFieldRepository
from tidemill.board.filters.models import Filter
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Selection
from tidemill.board.listing.service import ListingService, digest_of
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.work_items.models import Sort, WorkItem, WorkItemFilter
from tidemill.core.actor import Actor
from tidemill.core.pages import limit_max, page_request
from tidemill.core.ports import Database, Tx


class ExportService:
    """Use cases of exports."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._listing = ListingService(tenants, limits)
        self._fields = CustomFieldRepository()
        self._fields_max = 2 * limits.custom_fields_max

    async def custom_keys(self, project: Project, *, actor: Actor) -> list[str]:
        """Return the keys of the custom fields that items of a project have, oldest first."""

        def use_case(tx: Tx) -> list[str]:
            fields = self._fields.page(
                tx, project_id=project.id, after=None, limit=self._fields_max
            )
            return [field.key for field in fields]

        return await self._tenants.read(actor, use_case)

    async def items(
        self, project: Project, wanted: Filter, *, actor: Actor
    ) -> AsyncIterator[Sequence[WorkItem]]:
        """Yield pages of the items of a project that a filter wants, in its order or by number.

        Each page is read by itself: what changes meanwhile may be in one version or the other. By
        number it is there once; in an order that the change moved it in, also twice or not at all.
        Raises `InvalidFilter` before the first page.
        """
        sort = Sort.NUMBER if wanted.order is None else None
        parameters = WorkItemFilter(project_id=project.id, sort=sort)
        selection = Selection(parameters=parameters, filter=wanted)
        digest = digest_of(selection)
        cursor: str | None = None
        while True:
            request = page_request(limit_max, cursor, digest)
            page = await self._listing.list(selection, request, actor=actor)
            yield page.items
            cursor = page.next_cursor
            if cursor is None:
                return
