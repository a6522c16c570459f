"""Fires schedules at their time: a service beside the dispatcher, at work in the leader alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.jobs.firing.service import Firing, awake_max
from tidemill.jobs.schedules.wakes import Wakes
from tidemill.jobs.settling.service import Settling

log = structlog.get_logger(__name__)

look_seconds: Final = 5.0
"""Longest time between two looks, when an announcement was lost or another process led."""
slice_seconds: Final = 1.0
"""Longest sleep: the wall clock may be set while one sleeps."""
sweep_seconds: Final = 60.0
prune_seconds: Final = 3_600.0
failure_seconds_min: Final = 0.2
failure_seconds_max: Final = 30.0
together_max: Final = 8
"""How many schedules are advanced beside each other."""
stop_seconds_max: Final = 5.0
tenants_with_trouble_max: Final = 1_000


class Scheduler:
    """A service: sleeps until the next due time, then advances the schedules that are due."""

    def __init__(
        self,
        firing: Firing,
        settling: Settling,
        wakes: Wakes,
        clock: Clock,
        *,
        leads: Callable[[], bool],
        history_days: int,
    ) -> None:
        self._firing = firing
        self._settling = settling
        self._clock = clock
        self._leads = leads
        self._history_days = history_days
        self._woken = asyncio.Event()
        self._next_at: Instant | None = None
        self._looked = self._swept = self._pruned = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._troubles: dict[tuple[TenantId, str], tuple[int, float]] = {}
        self._failing: str | None = None
        self._wakes = wakes
        wakes.on_wake(self._woken.set, leads=leads)

    def hear(self, update: Ephemeral) -> None:
        """Take an ephemeral update of the bus."""
        self._wakes.hear(update)

    async def check(self) -> str | None:
        """Return why no schedule is fired here, or None."""
        if self._task is None or self._task.done():
            return "The scheduler does not run; schedules start nothing."
        return self._failing

    async def start(self) -> None:
        """Begin to fire schedules, as soon as this process leads."""
        self._task = asyncio.create_task(self._run(), name="scheduler")

    async def stop(self) -> None:
        """End after what is under way."""
        if self._task is None:
            return
        self._stopping = True
        self._woken.set()
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(stop_seconds_max):
                await self._task
        self._task = None

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                await self._turn()
                failures, self._failing = 0, None
            except Exception as error:
                failures += 1
                self._failing = f"Schedules cannot be read ({type(error).__name__})."
                log.exception("scheduler.turn.failed", failures=failures)
                await self._sleep(
                    min(failure_seconds_max, failure_seconds_min * 2 ** min(failures, 20))
                )
            await self._rest()

    async def _turn(self) -> None:
        if not self._leads():
            self._looked = float("-inf")
            return
        now = self._clock.monotonic()
        if self._is_due(now):
            self._looked = now
            self._woken.clear()
            await self._fire()
        if now - self._swept >= sweep_seconds:
            self._swept = now
            await self._settling.sweep()
        if now - self._pruned >= prune_seconds:
            done = await self._firing.prune(now=self._clock.now(), days=self._history_days)
            self._pruned = now if done else now - prune_seconds + sweep_seconds

    def _is_due(self, now: float) -> bool:
        if self._woken.is_set() or now - self._looked >= look_seconds:
            return True
        return self._next_at is not None and self._next_at <= self._clock.now()

    async def _fire(self) -> None:
        due, self._next_at = await self._firing.awake()
        ready = [ref for ref in due if self._may_try(ref)]
        for start in range(0, len(ready), together_max):
            portion = ready[start : start + together_max]
            await asyncio.gather(*(self._advance(ref) for ref in portion))
        if len(due) == awake_max or any(ref not in self._troubles for ref in ready):
            # What was advanced has another time now, and others may be waiting behind it.
            self._woken.set()

    async def _advance(self, ref: tuple[TenantId, str]) -> None:
        """Advance one schedule; what is wrong with it stays with it."""
        try:
            await self._firing.advance(*ref)
        except Exception as error:
            failures = self._troubles.get(ref, (0, 0.0))[0] + 1
            delay = min(failure_seconds_max, failure_seconds_min * 2 ** min(failures, 20))
            self._troubles[ref] = (failures, self._clock.monotonic() + delay)
            if len(self._troubles) > tenants_with_trouble_max:
                self._troubles.pop(next(iter(self._troubles)))
            log.exception(
                "scheduler.schedule.failed",
                tenant_id=ref[0],
                schedule_id=ref[1],
                failures=failures,
                reason=str(error),
            )
        else:
            self._troubles.pop(ref, None)

    def _may_try(self, ref: tuple[TenantId, str]) -> bool:
        trouble = self._troubles.get(ref)
        return trouble is None or trouble[1] <= self._clock.monotonic()

    async def _rest(self) -> None:
        """Sleep until a schedule is due, one was changed, or it is time to look all the same."""
        seconds = slice_seconds
        if self._next_at is not None and self._leads():
            due_in = (self._next_at - self._clock.now()) / MICROSECONDS_PER_SECOND
            seconds = min(seconds, max(0.0, due_in))
        if not self._leads():
            # Whoever leads has been woken too.
            self._woken.clear()
        await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        await asyncio.sleep(0)
