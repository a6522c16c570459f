"""Takes output from workers to files and live views, without ever blocking the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.ids import TenantId
from tidemill.core.ports import LiveUpdates
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.records.logs.files import Chunk, LogFiles, LogKey

log = structlog.get_logger(__name__)

waiting_bytes_max: Final = 4 * 1024 * 1024
live_seconds: Final = 0.05
live_bytes_max: Final = 16 * 1024
retry_seconds: Final = 1.0


class LogArrivals:
    """Wakes those of this process who follow a log."""

    def __init__(self) -> None:
        self._waiting: dict[LogKey, set[asyncio.Event]] = {}
        self.ending = False

    @property
    def awaited(self) -> bool:
        """Whether anybody follows a log."""
        return bool(self._waiting)

    def end_waits(self) -> None:
        """Let everybody go who follows a log, now and later: this process stops."""
        self.ending = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    def arrived(self, key: LogKey) -> None:
        """Say that a log has grown or ended."""
        for event in self._waiting.get(key, ()):
            event.set()

    async def wait(self, key: LogKey, seconds: float) -> None:
        """Return when the log has grown, after `seconds`, or when this process stops."""
        if self.ending:
            return
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            waiting = self._waiting[key]
            waiting.discard(event)
            if not waiting:
                del self._waiting[key]


class _Live(Struct):
    """What a job has printed since the last live update."""

    job: Claimed
    epoch: int
    offset: int
    data: bytearray
    more: bool = False


class LogWriter:
    """Writes what was appended in the order it came; `full` asks its callers to wait."""

    def __init__(self, files: LogFiles, live: LiveUpdates, arrivals: LogArrivals) -> None:
        self._files = files
        self._live = live
        self._arrivals = arrivals
        self._waiting: list[Chunk] = []
        self._tellers: list[Callable[[], None]] = []
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._written = asyncio.Event()
        self._updates: dict[LogKey, _Live] = {}
        self._drained: list[Callable[[], None]] = []

    @property
    def full(self) -> bool:
        """Return whether enough waits to be written."""
        return self._bytes > waiting_bytes_max

    @property
    def showing(self) -> bool:
        """Whether output waits for the next live update."""
        return bool(self._updates)

    def append(
        self, job: Claimed, offset: int, data: bytes, written: Callable[[], None] | None = None
    ) -> None:
        """Take output of `job`; returns at once, and calls `written` when a file has it."""
        key = LogKey(job.tenant_id, job.id, job.epoch)
        self._waiting.append(Chunk(key, offset, data))
        self._bytes += len(data)
        if written is not None:
            self._tellers.append(written)
        self._show(key, job, offset, data)
        if self._task is None:
            self._task = asyncio.create_task(self._write())

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when less waits again."""
        self._drained.append(callback)

    def show_now(self, key: LogKey) -> None:
        """Publish what waits for the next live update of a log."""
        update = self._updates.get(key)
        if update is not None:
            self._publish(key, update)

    async def flush(self) -> None:
        """Return when everything that was appended until now can be read."""
        # The batch that is being written, and the next one, which has what came meanwhile. What
        # comes after that is not waited for: some job may never stop printing.
        for _ in range(2):
            if self._task is not None:
                await self._written.wait()

    async def _write(self) -> None:
        try:
            while self._waiting:
                chunks, self._waiting = self._waiting, []
                tellers, self._tellers = self._tellers, []
                try:
                    await self._write_all(chunks)
                finally:
                    self._bytes -= sum(len(chunk.data) for chunk in chunks)
                    self._written.set()
                    self._written = asyncio.Event()
                for written in tellers:
                    written()
                for key in {chunk.key for chunk in chunks}:
                    self._arrivals.arrived(key)
                drained, self._drained = self._drained, []
                for callback in drained:
                    callback()
        finally:
            self._task = None

    async def _write_all(self, chunks: list[Chunk]) -> None:
        failures = await asyncio.to_thread(self._files.write, chunks)
        if not failures:
            return
        await asyncio.sleep(retry_seconds)
        refused = [chunk for chunk in chunks if chunk.key in failures]
        failures = await asyncio.to_thread(self._files.write, refused)
        for key, error in failures.items():
            # Output is not worth a job: what the disk refuses is left out, and said.
            log.warning(
                "jobs.log.not_written",
                tenant_id=key.tenant_id,
                job_id=key.job_id,
                reason=str(error),
                chunks=sum(chunk.key == key for chunk in refused),
            )

    def _show(self, key: LogKey, job: Claimed, offset: int, data: bytes) -> None:
        update = self._updates.get(key)
        if update is None:
            update = self._updates[key] = _Live(job, key.epoch, offset, bytearray())
            asyncio.get_running_loop().call_later(live_seconds, self._publish, key, update)
        room = live_bytes_max - len(update.data)
        update.data += data[:room]
        update.more = update.more or len(data) > room

    def _publish(self, key: LogKey, update: _Live) -> None:
        if self._updates.get(key) is not update:
            return  # It was published before its time.
        del self._updates[key]
        self._live.publish(
            TenantId(key.tenant_id),
            update.job.topics,
            "JobLogLines",
            {
                "job_id": update.job.public_id,
                "attempt": update.epoch,
                "offset": update.offset,
                "text": update.data.decode(errors="replace"),
                "more": update.more,
            },
        )
