"""Calls the drains whenever a store has something to deliver, and only then."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind, Wakeups
from tidemill.events.contract import Drain, Progress

log = structlog.get_logger(__name__)

poll_seconds: Final = 0.5
look_seconds: Final = 30.0
quiet_seconds: Final = 1.0
turns_at_once_max: Final = 8
turn_seconds_max: Final = 60.0
nothing_found_seconds: Final = 0.002
nothing_found_seconds_max: Final = 0.02
retry_delay_seconds_min: Final = 0.1
retry_delay_seconds_max: Final = 30.0
stop_seconds_max: Final = 5.0

Key = tuple[StoreKind, TenantId]


class RelayFigures(Struct, frozen=True, kw_only=True):
    """What the relay is busy with, for metrics and `/ready`."""

    lanes_waiting: int
    lanes_failing: int
    turns: int
    oldest_seconds: float


class _Lane:
    """One drain's work for one tenant in one store; its turns never overlap."""

    def __init__(self, drain: Drain, key: Key) -> None:
        self.drain = drain
        self.key = key
        self.dirty = False
        self.woken = asyncio.Event()
        self.failures = 0
        self.pausing = False
        self.since = 0.0
        self.task: asyncio.Task[None] | None = None


class _Store:
    """One tenant's store, from its first wake-up until it is quiet and settled."""

    def __init__(self, lanes: list[_Lane]) -> None:
        self.lanes = lanes
        self.woken_at = 0.0
        self.settling = False

    @property
    def idle(self) -> bool:
        return not any(lane.dirty or lane.task for lane in self.lanes)


class Relay:
    """Delivers facts and audit lines within milliseconds, at least once, in order per tenant."""

    def __init__(self, wakeups: Wakeups, drains: Sequence[Drain] = ()) -> None:
        self._wakeups = wakeups
        self._drains = list(drains)
        self._stores: dict[Key, _Store] = {}
        self._turns = asyncio.Semaphore(turns_at_once_max)
        self._turn_count = 0
        self._poller: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._settlers: set[asyncio.Task[None]] = set()
        wakeups.on_dirty(self.wake)

    def add(self, drain: Drain) -> None:
        """Call `drain` too. Before `start` only."""
        self._drains.append(drain)

    async def start(self) -> None:
        """Begin, with what an earlier process left."""
        self._stopping.clear()
        self._poller = asyncio.create_task(self._poll(), name="relay")

    async def stop(self) -> None:
        """Finish the turns that run and persist what is kept in memory, within five seconds."""
        poller, self._poller = self._poller, None
        if poller is None:
            return
        self._stopping.set()
        poller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await poller
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(stop_seconds_max):
                await self._finish()
        tasks = [lane.task for store in self._stores.values() for lane in store.lanes]
        for task in [*filter(None, tasks), *self._settlers]:
            task.cancel()
        await asyncio.gather(*filter(None, tasks), *self._settlers, return_exceptions=True)

    @property
    def figures(self) -> RelayFigures:
        """What is waiting, what fails, and how many turns there were."""
        lanes = [lane for store in self._stores.values() for lane in store.lanes]
        return RelayFigures(
            lanes_waiting=sum(lane.dirty or lane.task is not None for lane in lanes),
            lanes_failing=sum(lane.failures > 0 for lane in lanes),
            turns=self._turn_count,
            oldest_seconds=self._oldest_seconds(lanes),
        )

    def _oldest_seconds(self, lanes: Sequence[_Lane]) -> float:
        busy = [lane.since for lane in lanes if lane.task is not None]
        if not busy:
            return 0.0
        return asyncio.get_running_loop().time() - min(busy)

    def wake(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Look into this store soon: a commit left something there."""
        if self._poller is None:
            return
        key = (kind, tenant_id)
        store = self._stores.get(key)
        if store is None:
            lanes = [_Lane(drain, key) for drain in self._drains if kind in drain.kinds]
            store = self._stores[key] = _Store(lanes)
        store.woken_at = asyncio.get_running_loop().time()
        for lane in store.lanes:
            lane.dirty = True
            lane.woken.set()
            if lane.task is None:
                lane.since = store.woken_at
                lane.task = asyncio.create_task(self._run(lane))

    async def _run(self, lane: _Lane) -> None:
        empty = 0
        try:
            while lane.dirty:
                await self._collect(lane.drain.delay_seconds)
                lane.dirty = False
                lane.woken.clear()
                progress = await self._turn(lane)
                if progress.retry_after_seconds is not None:
                    await self._pause(lane, progress.retry_after_seconds)
                empty = 0 if progress.found else empty + 1
                if empty:
                    # A commit may leave what other drains carry, such as audit lines of jobs.
                    await asyncio.sleep(
                        min(empty * nothing_found_seconds, nothing_found_seconds_max)
                    )
                lane.dirty = lane.dirty or not progress.clean
        finally:
            lane.task = None

    async def _collect(self, seconds: float) -> None:
        """Let facts come together for one turn; nobody waits for more of them at the end."""
        if seconds:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()

    async def _pause(self, lane: _Lane, seconds: float) -> None:
        lane.pausing = True
        try:
            if lane.failures:
                # What failed as a whole fails for new facts too: they do not shorten the wait.
                await asyncio.sleep(seconds)
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await lane.woken.wait()
        finally:
            lane.pausing = False

    async def _turn(self, lane: _Lane) -> Progress:
        self._turn_count += 1
        kind, tenant_id = lane.key
        try:
            async with self._turns, asyncio.timeout(turn_seconds_max):
                progress = await lane.drain.drain(kind, tenant_id)
        except (TidemillError, TimeoutError) as error:
            return self._failed(lane, error)
        except Exception as error:
            log.exception("relay.turn.broke", drain=lane.drain.name, tenant_id=tenant_id)
            return self._failed(lane, error)
        lane.failures = 0
        return progress

    def _failed(self, lane: _Lane, error: Exception) -> Progress:
        lane.failures += 1
        delay = min(retry_delay_seconds_min * 2 ** min(lane.failures, 16), retry_delay_seconds_max)
        log.warning(
            "relay.turn.failed",
            drain=lane.drain.name,
            kind=lane.key[0],
            tenant_id=lane.key[1],
            failures=lane.failures,
            retry_after_seconds=round(delay, 1),
            reason=repr(error),
        )
        return Progress(retry_after_seconds=delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _poll(self) -> None:
        look_at = 0.0
        while True:
            now = asyncio.get_running_loop().time()
            if now >= look_at:
                # The stores announce each commit, and what other processes leave behind; this
                # finds what a crash of the whole installation left, and is a net below that.
                look_at = now + look_seconds
                await self._look()
            self._settle_quiet_stores()
            await asyncio.sleep(poll_seconds)

    async def _look(self) -> None:
        try:
            for key in await self._wakeups.dirty():
                if key not in self._stores:
                    self.wake(*key)
        except TidemillError as error:
            log.warning("relay.look.failed", reason=error.message)
        except Exception:
            log.exception("relay.look.broke")

    def _settle_quiet_stores(self) -> None:
        now = asyncio.get_running_loop().time()
        for key, store in list(self._stores.items()):
            if store.idle and not store.settling and now - store.woken_at >= quiet_seconds:
                store.settling = True
                task = asyncio.create_task(self._settle(key, store))
                self._settlers.add(task)
                task.add_done_callback(self._settlers.discard)

    async def _settle(self, key: Key, store: _Store) -> None:
        woken_at = store.woken_at
        try:
            async with self._turns, asyncio.timeout(turn_seconds_max):
                for lane in store.lanes:
                    await lane.drain.settle(*key)
                # Nothing may lie between this look and the word that all is delivered.
                if store.idle and store.woken_at == woken_at:
                    del self._stores[key]
                    await self._wakeups.delivered(*key)
        except (TidemillError, TimeoutError) as error:
            log.warning("relay.settle.failed", tenant_id=key[1], reason=repr(error))
        finally:
            store.settling = False

    async def _finish(self) -> None:
        while any(lane.task for store in self._stores.values() for lane in store.lanes):
            running = [
                lane.task
                for store in self._stores.values()
                for lane in store.lanes
                if lane.task is not None and not lane.pausing
            ]
            if not running:
                break
            await asyncio.wait(running)
        for key, store in list(self._stores.items()):
            if store.idle:
                await self._settle(key, store)
