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
from tidemill.jobs.scheduling.firing.service import Firing
from tidemill.jobs.scheduling.schedules.wakes import Wakes
from tidemill.jobs.scheduling.settling.service import Settling

log = structlog.get_logger(__name__)

look_seconds: Final = 5.0
"""Longest time between two looks, when an announcement was lost or another process led."""
slice_seconds: Final = 1.0
"""Longest sleep: the wall clock may be set while one sleeps."""
sweep_seconds: Final = 60.0
prune_seconds: Final = 3_600.0
prune_pause_seconds: Final = 5.0
"""Between two portions: hundreds of schedules that fire each second leave as much to prune."""
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
        self._keeping: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._troubles: dict[tuple[TenantId, str], tuple[int, float]] = {}
        self._aside: set[tuple[TenantId, str]] = set()
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
        self._keeping = asyncio.create_task(self._keep(), name="scheduler.keeping")

    async def stop(self) -> None:
        """End after what is under way."""
        if self._task is None:
            return
        self._stopping.set()
        self._woken.set()
        tasks = [task for task in (self._task, self._keeping) if task is not None]
        _, late = await asyncio.wait(tasks, timeout=stop_seconds_max)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = self._keeping = None

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
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

    async def _keep(self) -> None:
        """Find runs whose end was not heard, and delete what is old: no due time waits for that."""
        while not self._stopping.is_set():
            seconds = slice_seconds
            try:
                await self._keep_up()
            except Exception:
                seconds = failure_seconds_max
                log.exception("scheduler.keeping.failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()

    async def _keep_up(self) -> None:
        if not self._leads():
            return
        now = self._clock.monotonic()
        if now - self._swept >= sweep_seconds:
            self._swept = now
            await self._settling.sweep()
        if now - self._pruned >= prune_seconds:
            done = await self._firing.prune(now=self._clock.now(), days=self._history_days)
            self._pruned = now if done else now - prune_seconds + prune_pause_seconds

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
        if any(ref not in self._troubles or ref in self._aside for ref in ready):
            # What was advanced or put aside has another time now; others may wait behind it.
            self._woken.set()
        self._aside.clear()

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
            await self._put_aside(ref, delay)
        else:
            self._troubles.pop(ref, None)

    async def _put_aside(self, ref: tuple[TenantId, str], seconds: float) -> None:
        """Let those behind a failing schedule come first, whoever leads."""
        try:
            await self._firing.postpone(*ref, seconds)
            self._aside.add(ref)
        except Exception as error:  # noqa: BLE001 - what ails the schedule may ail this, too
            log.warning("scheduler.schedule.not_put_aside", reason=str(error))

    def _may_try(self, ref: tuple[TenantId, str]) -> bool:
        trouble = self._troubles.get(ref)
        return trouble is None or trouble[1] <= self._clock.monotonic()

    async def _rest(self) -> None:
        """Sleep until a schedule is due, one was changed, or it is time to look all the same."""
        seconds = slice_seconds
        if self._next_at is not None and self._leads():
            due_in = (self._next_at - self._clock.now()) / MICROSECONDS_PER_SECOND
            # What is due and cannot be advanced is not asked for without a pause.
            least = failure_seconds_min if self._troubles else 0.0
            seconds = min(seconds, max(least, due_in))
        if not self._leads():
            # Whoever leads has been woken too.
            self._woken.clear()
        await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        await asyncio.sleep(0)
