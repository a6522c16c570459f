"""Follows the control store's table of changes, so that caches hear what to drop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Change, Database, Row, Tx
from tidemill.infrastructure.database.listeners import tell

_log = structlog.get_logger(__name__)

_page_max: Final = 1_000
_prune_seconds: Final = 600.0

_SINCE: Final = """
    SELECT seq, kind, tenant_id, key FROM changes WHERE seq > :since ORDER BY seq LIMIT :limit
"""
_HEAD: Final = "SELECT COALESCE(MAX(seq), 0) FROM changes"
# The newest row stays: its number shows that the table was not put back to an older state.
_PRUNE: Final = """
    DELETE FROM changes WHERE at < :oldest AND seq < (SELECT MAX(seq) FROM changes)
"""


class ChangeFollower:
    """See `Invalidations`. It looks when woken and once every poll interval."""

    def __init__(
        self,
        control: Database,
        clock: Clock,
        *,
        poll_seconds: float,
        keep_hours: int,
        also: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._also = also
        self._control = control
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._keep_seconds = keep_hours * 3600
        self._handlers: dict[str, list[Callable[[Change], None]]] = {}
        self._resets: list[Callable[[], None]] = []
        self._seq = 0
        self._confirmed = clock.monotonic()
        self._pruned = clock.monotonic()
        self._woken = asyncio.Event()
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def on_change(self, kind: str, handler: Callable[[Change], None]) -> None:
        """See `Invalidations.on_change`."""
        self._handlers.setdefault(kind, []).append(handler)

    def on_reset(self, handler: Callable[[], None]) -> None:
        """See `Invalidations.on_reset`."""
        self._resets.append(handler)

    def age_seconds(self) -> float:
        """See `Invalidations.age_seconds`."""
        return max(0.0, self._clock.monotonic() - self._confirmed)

    async def start(self) -> None:
        """Begin at the newest change: nothing is cached yet."""
        self._seq = await self._control.read(INSTALLATION, _head)
        self._confirmed = self._clock.monotonic()
        self._task = asyncio.create_task(self._follow(), name="changes")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def wake(self) -> None:
        """Look now: something committed, here or in another process."""
        self._woken.set()

    async def look(self) -> None:
        """Hand on every change since the last look. Raises `StoreUnavailable`."""
        async with self._looking:
            silent = self.age_seconds() > self._keep_seconds / 2
            began = self._clock.monotonic()
            while True:
                head, rows = await self._control.read(INSTALLATION, _news(self._seq))
                if head < self._seq or silent:
                    self._reset(head)
                    break
                for row in rows:
                    self._hand_on(Change(seq=row[0], kind=row[1], tenant_id=row[2], key=row[3]))
                    self._seq = int(row[0])
                if len(rows) < _page_max:
                    break
            self._confirmed = began

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.look()
                await self._prune()
                if self._also is not None:
                    await self._also()
            except TidemillError as error:
                _log.warning("changes.unreachable", reason=str(error))
            except Exception:  # noqa: BLE001 - the follower must outlive any failure
                _log.exception("changes.failed")

    def _hand_on(self, change: Change) -> None:
        tell(self._handlers.get(change.kind, ()), change)

    def _reset(self, head: int) -> None:
        self._seq = head
        tell(self._resets)

    async def _prune(self) -> None:
        now = self._clock.monotonic()
        if now - self._pruned < _prune_seconds:
            return
        self._pruned = now
        oldest = self._clock.now() - self._keep_seconds * MICROSECONDS_PER_SECOND
        await self._control.write(INSTALLATION, lambda tx: tx.execute(_PRUNE, oldest=oldest))


def _head(tx: Tx) -> int:
    row = tx.one(_HEAD)
    return int(row[0]) if row else 0


def _news(since: int) -> Callable[[Tx], tuple[int, Sequence[Row]]]:
    def use_case(tx: Tx) -> tuple[int, Sequence[Row]]:
        return _head(tx), tx.all(_SINCE, since=since, limit=_page_max)

    return use_case
