"""What one can do with the queue as lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from tidemill.core.actor import Actor
from tidemill.core.errors import TidemillError
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.control_errors import BatchTooLarge, JobImportRefused, LineError
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.steering.transfers.models import (
    JobImportReport,
    Line,
    ends_of,
    line_error,
    line_of,
    lines_in,
    lines_max,
    parsed,
)
from tidemill.jobs.steering.transfers.repository import TABLES, TransferRepository

page_length: Final = 500
page_bytes: Final = 4 * 1024 * 1024
RequestOf = Callable[[Line], JobRequest]
"""Reads the request of a line; raises `msgspec.ValidationError`."""


class TransferService:
    """Use cases of exports and imports."""

    def __init__(self, jobs: Database, queue: JobService, items: ItemLinks | None = None) -> None:
        self._database = jobs
        self._queue = queue
        self._items = items or ItemLinks(lambda: None)
        self._jobs = JobRepository()
        self._transfers = TransferRepository()

    async def export(self, *, history: bool, actor: Actor) -> AsyncIterator[list[Line]]:
        """Yield jobs that have not ended as lines, the oldest first; with `history` all others too.

        Each page is read by itself: what is enqueued meanwhile may be in it. One holds
        `page_bytes` at most, or a single job. Items that the actor may not see are left out.
        """
        for table in TABLES if history else TABLES[:1]:
            after = ""
            while True:
                look = partial(self._transfers.sizes, table=table, after=after, limit=page_length)
                sizes = await self._database.read(actor.tenant_id, look)
                for last in ends_of(sizes, page_bytes):
                    async for jobs in self._between(table, after, last, actor):
                        seen = [job for job in jobs if await self._queue.sees(job, actor)]
                        yield [line_of(job) for job in await self._items.all_shown(seen, actor)]
                    after = last
                if len(sizes) < page_length:
                    break

    async def _between(
        self, table: str, after: str, last: str, actor: Actor
    ) -> AsyncIterator[list[Job]]:
        """Yield the jobs of a page, and those that have come in between since it was planned."""
        while True:
            read = partial(
                self._transfers.whole, table=table, after=after, last=last, limit=page_length
            )
            jobs: list[Job] = await self._database.read(actor.tenant_id, read)
            if jobs:
                yield jobs
            if len(jobs) < page_length:
                return
            after = jobs[-1].id

    async def import_lines(
        self,
        body: bytes,
        request_of: RequestOf,
        *,
        dry_run: bool,
        actor: Actor,
        once: Once[JobImportReport] | None = None,
    ) -> JobImportReport:
        """Accept the jobs of all lines, or none; what is here already stays as it is.

        Jobs keep their ids, as ids that a client chose, and get the rights of `actor`. Raises
        `BatchTooLarge`, and `JobImportRefused` with what is wrong with each line.
        """
        lines = lines_in(body)
        if len(lines) > lines_max:
            raise BatchTooLarge(len(lines), lines_max)
        wanted, wrong = _requests(lines, request_of)
        live = [(number, request) for number, request in wanted if request is not None]
        known = await self._known([request.id or "" for _, request in live], actor)
        new = [(number, request) for number, request in live if request.id not in known]
        prepared = await self._queue.prepare_many([request for _, request in new], actor=actor)
        numbers = [number for number, _ in new]
        wrong += _errors(numbers, prepared)
        if wrong:
            raise JobImportRefused(sorted(wrong, key=lambda error: error.line))
        orders = [order for order in prepared if isinstance(order, Order)]
        report = JobImportReport(
            lines=len(lines),
            imported=len(orders),
            known=len(live) - len(new),
            skipped=len(wanted) - len(live),
            dry_run=dry_run,
        )

        def use_case(tx: Tx) -> JobImportReport:
            refused = _errors(numbers, self._queue.accept_in(tx, orders))
            if refused:
                raise JobImportRefused(refused)
            tx.audit(
                "jobs.jobs.import",
                by=actor,
                resource=f"tenant:{actor.tenant_id}",
                after={"imported": len(orders)},
            )
            return report

        # Sent again, the lines are known; the key still tells what they came to at first.
        if dry_run or (not orders and once is None):
            return report
        return await self._database.write(actor.tenant_id, use_case, once=once)

    async def _known(self, ids: Sequence[str], actor: Actor) -> set[str]:
        """Return which ids a job of the tenant has or had."""

        def use_case(tx: Tx) -> set[str]:
            return {
                id_
                for id_ in ids
                if self._jobs.key(tx, id_) is not None or self._jobs.is_taken(tx, id_)
            }

        return await self._database.read(actor.tenant_id, use_case)


def _requests(
    lines: Sequence[tuple[int, bytes]], request_of: RequestOf
) -> tuple[list[tuple[int, JobRequest | None]], list[LineError]]:
    """Return the request of each line, None where the job has ended, and what is wrong."""
    wanted: list[tuple[int, JobRequest | None]] = []
    wrong: list[LineError] = []
    for number, text in lines:
        line = parsed(number, text)
        if isinstance(line, LineError):
            wrong.append(line)
        elif line.state.final:
            wanted.append((number, None))
        else:
            try:
                wanted.append((number, request_of(line)))
            except msgspec.ValidationError as error:
                code = "JOB_LINE_UNREADABLE"
                wrong.append(LineError(line=number, code=code, message=f"{error}.", param="job"))
            except TidemillError as refused:
                wrong.append(line_error(number, refused))
    return wanted, wrong


def _errors(numbers: Sequence[int], results: Sequence[object]) -> list[LineError]:
    return [
        line_error(number, result)
        for number, result in zip(numbers, results, strict=True)
        if isinstance(result, TidemillError)
    ]
