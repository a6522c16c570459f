"""Joins jobs and board: an item shows the state and the result of the job that runs for it."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs

from tidemill.automation.job_links.models import job_fact, summary_of
from tidemill.board import LINK_JOBS, Board, WorkItemId
from tidemill.core.actor import Actor, system
from tidemill.core.authorization import authorize
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Tx


class JobLinks:
    """Fills the jobs' port `WORK_ITEM_LINKS`, and follows their facts."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def check(self, actor: Actor, work_item_id: str) -> None:
        """Return when `actor` may start jobs for the item.

        Raises `WorkItemNotFound`, `InvalidReference` for a key such as `TM-12`, and
        `PermissionDenied`.
        """
        authorize(actor, LINK_JOBS)
        await self._board.check_work_item_id(work_item_id, actor=actor)

    async def hidden(self, actor: Actor, work_item_ids: Collection[str]) -> frozenset[str]:
        """See `WorkItemLinks.hidden`."""
        return await self._board.hidden_work_items(work_item_ids, actor=actor)

    def apply(self, tx: Tx, recorded: RecordedFact) -> None:
        """Show what `recorded` says of its job on the job's item, if it has one."""
        fact = job_fact(recorded)
        if fact.work_item_id is None:
            return
        by = structs.replace(
            system("automation", recorded.tenant_id),
            on_behalf_of=recorded.actor.user_id or recorded.actor.id,
        )
        self._board.show_job(tx, WorkItemId(fact.work_item_id), summary_of(fact), by=by)
