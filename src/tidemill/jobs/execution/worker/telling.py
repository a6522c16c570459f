"""How jobs ended, until the dispatcher has confirmed it: on disk, then over each connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from tidemill.core.crash import crash_point
from tidemill.jobs.execution.worker.left_logs import LeftLogs
from tidemill.jobs.execution.worker.output import Connected, JobLog, send_rest
from tidemill.jobs.execution.worker.spool import Spool
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Held, LogChunk, Outcome, Outcomes

log_seconds_max: Final = 10.0
outcomes_per_message_max: Final = 100
details_chars_max: Final = 256 * 1024
"""What results and errors in one message may have together; a single one may have more."""

log = structlog.get_logger("tidemill.jobs.execution.worker")


class Telling:
    """Outcomes that are to be told, are being told, or are told and not confirmed."""

    def __init__(self, directory: Path, connected: Connected) -> None:
        self._spool = Spool(directory)
        self._left_logs = LeftLogs(directory)
        self._connected = connected
        self._left: dict[Held, tuple[LogChunk, ...]] = {}
        self._untold: set[Held] = set()
        self._logs: dict[Held, JobLog] = {}

    def open(self) -> None:
        """Take up what an earlier worker left."""
        unreadable = self._spool.open()
        self._left = self._left_logs.read()
        if unreadable:
            log.error("worker.spool_unreadable", bytes=unreadable)

    def close(self) -> None:
        """Leave the rest to the next worker."""
        try:
            self._left_logs.write(chunk for held in self.held() for chunk in self._rest(held))
        except OSError:
            log.exception("worker.logs_not_left")
        self._spool.close()

    def held(self) -> tuple[Held, ...]:
        """Return what is not confirmed, oldest first."""
        return self._spool.held()

    async def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes to the disk, so that they outlive this worker."""
        self._untold.update(Held(outcome.job_id, outcome.epoch) for outcome in outcomes)
        try:
            await self._spool.put(outcomes)
        except OSError:
            # A full disk must not lose outcomes: they are kept in memory and sent all the same.
            log.exception("worker.spool_failed", job_ids=[one.job_id for one in outcomes])

    async def tell(self, outcomes: Sequence[Outcome], output: JobLog | None) -> None:
        """Send outcomes over as many connections as it takes; before one, the rest of its log."""
        for part in _parts(outcomes):
            await self._tell(part, output)
        crash_point("worker_after_outcome_sent")

    async def repeat(self, connection: WorkerConnection) -> None:
        """Send again what an earlier connection may have lost."""
        for outcome in self._spool.outcomes():
            held = Held(outcome.job_id, outcome.epoch)
            if held not in self._untold:
                if held in self._logs:  # The last dispatcher may have died before it wrote it.
                    await self._logs[held].repeat(connection, seconds_max=log_seconds_max)
                elif held in self._left:
                    await self._send_left(held, connection)
                await connection.send(outcome)

    def confirmed(self, jobs: Sequence[Held]) -> None:
        """Forget what the dispatcher has."""
        self._spool.drop(jobs)
        for held in jobs:
            self._logs.pop(held, None)
            self._left.pop(held, None)

    async def _tell(self, outcomes: Sequence[Outcome], output: JobLog | None) -> None:
        held = [Held(outcome.job_id, outcome.epoch) for outcome in outcomes]
        message = outcomes[0] if len(outcomes) == 1 else Outcomes(jobs=tuple(outcomes))
        if output is not None:
            self._logs[held[0]] = output
        while True:
            connection = await self._connected()
            try:
                if output is not None and not await send_rest(
                    output, connection, seconds_max=log_seconds_max
                ):
                    log.warning("worker.log_not_taken", job_id=held[0].job_id)
                    output = None  # Given up, whatever connections come.
                await connection.send(message)
            except ConnectionLost:
                continue
            break
        self._untold.difference_update(held)

    def _rest(self, held: Held) -> tuple[LogChunk, ...]:
        return self._logs[held].rest() if held in self._logs else self._left.get(held, ())

    async def _send_left(self, held: Held, connection: WorkerConnection) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(log_seconds_max):
                for chunk in self._left[held]:
                    await connection.send(chunk)


def _parts(outcomes: Sequence[Outcome]) -> Iterator[Sequence[Outcome]]:
    part: list[Outcome] = []
    size = 0
    for outcome in outcomes:
        length = len(outcome.result or b"") + sum(map(len, (outcome.error or {}).values()))
        full = len(part) == outcomes_per_message_max or size + length > details_chars_max
        if part and full:
            yield part
            part, size = [], 0
        part.append(outcome)
        size += length
    yield part
