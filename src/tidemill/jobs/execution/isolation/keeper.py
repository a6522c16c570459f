"""Keeps zygotes: one per tenant and environment, ready while used, ended when idle.

A zygote in use has one spare room: the walls of the next job, raised while the last one ran.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from tidemill.core.figures import Counts
from tidemill.jobs.execution.isolation.cgroups import CellGroup, cell_groups
from tidemill.jobs.execution.isolation.job import JobNotStarted, JobProcess
from tidemill.jobs.execution.isolation.plan import (
    JobLimits,
    Specification,
    StartPacket,
    Walls,
    ZygoteKey,
    ZygotePlan,
)
from tidemill.jobs.execution.isolation.room import Room, cell_uid_first
from tidemill.jobs.execution.isolation.rooms import Rooms
from tidemill.jobs.execution.isolation.running import RunningJob
from tidemill.jobs.execution.isolation.warm import (
    WarmLimits,
    WarmPool,
    WarmProcess,
    warm_key,
)
from tidemill.jobs.execution.isolation.zygote import Zygote, read_only_paths, start_zygote

warm_scripts_max: Final = 1_000
_SWEEP_SECONDS: Final = 5.0
_REFILL_SECONDS: Final = 0.02
_ADDRESS_SPARE_BYTES: Final = 1024**3


class KeeperOptions(Struct, frozen=True, kw_only=True):
    """What a keeper may keep, and where."""

    worker_id: str
    slots: int
    directory: Path
    zygotes_max: int = 8
    idle_seconds_max: float = 300.0
    spare_seconds_max: float = 60.0
    groups: bool = True
    preload: tuple[str, ...] = ()
    warm: WarmLimits = WarmLimits()

    @property
    def cells(self) -> int:
        """Return how many rooms have a place: of jobs that run or end, spare and warm ones."""
        return self.slots * 2 + self.zygotes_max + self.warm.processes_max


class Keeper:
    """Starts jobs, at most as many at a time as there are slots."""

    def __init__(self, options: KeeperOptions) -> None:
        self._options = options
        self._zygotes: dict[ZygoteKey, Zygote] = {}
        self._starting: dict[ZygoteKey, asyncio.Task[Zygote]] = {}
        self._groups: list[CellGroup] | None = None
        self._warm = WarmPool(options.warm)
        self._rooms = Rooms(options.directory, None, 0)
        self._sweeper: asyncio.Task[None] | None = None
        self._warm_secrets: OrderedDict[tuple[str, str], set[str]] = OrderedDict()
        self.starts = Counts()
        """Jobs that were started, by where: a `spare` or `fresh` room, or a `warm` process."""

    @property
    def zygotes(self) -> int:
        """Return how many zygotes are kept."""
        return len(self._zygotes)

    @property
    def warm_processes(self) -> int:
        """Return how many processes wait for, or run, jobs of one script."""
        return self._warm.processes

    @property
    def spares(self) -> int:
        """Return how many rooms wait for a job."""
        return sum(zygote.has_spare for zygote in self._zygotes.values())

    def warm_secrets(self, tenant_id: str, content_hash: str) -> set[str]:
        """Return the secrets that warm jobs of one script have had: it may still print them."""
        key = (tenant_id, content_hash)
        known = self._warm_secrets.setdefault(key, set())
        self._warm_secrets.move_to_end(key)
        if len(self._warm_secrets) > warm_scripts_max:
            self._warm_secrets.popitem(last=False)
        return known

    async def start(self) -> None:
        """Make what the jobs need."""
        options = self._options
        options.directory.mkdir(parents=True, exist_ok=True)
        options.directory.chmod(0o711)
        if options.groups:
            self._groups = cell_groups(options.worker_id, options.cells)
        self._rooms = Rooms(options.directory, self._groups, options.cells)
        self._rooms.on_left = self._warm.forget
        self._rooms.make_place = self._make_place
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End every zygote, and with them every job."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for starting in tuple(self._starting.values()):
            starting.cancel()
        try:
            await asyncio.gather(*(zygote.stop() for zygote in self._zygotes.values()))
        finally:
            self._zygotes.clear()
            for group in self._groups or ():
                group.remove()
            self._groups = None
            shutil.rmtree(self._options.directory, ignore_errors=True)

    async def ready(self, key: ZygoteKey) -> Zygote:
        """Return the zygote of `key`, started now if need be; raises `ZygoteNotReady`."""
        zygote = self._zygotes.get(key)
        if zygote is not None and zygote.is_alive:
            return zygote
        starting = self._starting.get(key)
        if starting is None:
            starting = asyncio.create_task(self._start_zygote(key))
            self._starting[key] = starting
            starting.add_done_callback(lambda _: self._starting.pop(key))
        return await asyncio.shield(starting)

    async def run(
        self, key: ZygoteKey, specification: Specification, limits: JobLimits
    ) -> RunningJob:
        """Start a job; raises `ZygoteNotReady` or `JobNotStarted`."""
        if not specification.warm:
            return await self._run(key, specification, limits)
        warm = warm_key(key, specification, limits)
        process = await self._warm.take_soon(warm)
        if process is not None:
            again = self._begin_again(process.running, specification, limits)
            if again is not None and await _has_started(again):
                self.starts.add("warm")
                return again
            self._warm.end(process)
        running = await self._run(key, specification, limits)
        self._warm.add(WarmProcess(key=warm, running=running))
        return running

    async def _run(
        self, key: ZygoteKey, specification: Specification, limits: JobLimits
    ) -> RunningJob:
        zygote = await self.ready(key)
        zygote.used_at = time.monotonic()
        spare = zygote.take_spare()
        if spare is not None:
            with suppress(JobNotStarted):
                running = self._begin(zygote, spare, specification, limits)
                if await _has_started(running):
                    self.starts.add("spare")
                    return running
        self.starts.add("fresh")
        try:
            room = await self._rooms.open(zygote)
        except JobNotStarted:  # It has died, and nobody had noticed yet.
            zygote = await self.ready(key)
            room = await self._rooms.open(zygote)
        return self._begin(zygote, room, specification, limits)

    def _begin_again(
        self, running: RunningJob, specification: Specification, limits: JobLimits
    ) -> RunningJob | None:
        """Order the next job of a warm process; return None when that has died meanwhile."""
        self._limit(running.zygote, running.room, limits)
        running.process.expect(specification)
        running.expect()
        try:
            running.process.begin_again(specification)
        except OSError:
            running.process.close()
            return None
        return running

    def _begin(
        self, zygote: Zygote, room: Room, specification: Specification, limits: JobLimits
    ) -> RunningJob:
        counted = self._limit(zygote, room, limits)
        job = JobProcess(room.plug, specification)
        room.job = job
        running = RunningJob(job, zygote, room)
        # To raise walls takes as long as a short job: it would only be in the way of this one.
        job.ended.add_done_callback(lambda _: self._rooms.refill(zygote))
        asyncio.get_running_loop().call_later(_REFILL_SECONDS, self._rooms.refill, zygote)
        packet = self._packet(zygote.key, limits, counted=counted)
        try:
            job.begin(structs.replace(packet, warm=specification.warm))
        except OSError as error:
            job.close()
            raise JobNotStarted("The processes of the job were killed.") from error
        return running

    def _limit(self, zygote: Zygote, room: Room, limits: JobLimits) -> bool:
        """Limit the control group of a room; return whether it has one."""
        group = room.cell.group if zygote.key.walls is not Walls.NONE else None
        if group is not None:
            group.limit(memory_bytes=limits.memory_bytes_max, processes=limits.processes_max)
        return group is not None

    def _packet(self, key: ZygoteKey, limits: JobLimits, *, counted: bool) -> StartPacket:
        # Behind a control group the limit on addresses only stops nonsense; elsewhere it is what
        # holds a single process between two looks at the whole tree.
        spare = _ADDRESS_SPARE_BYTES * 4 if counted else _ADDRESS_SPARE_BYTES
        return StartPacket(
            counted=counted or key.walls is Walls.NONE,
            memory_bytes_max=limits.memory_bytes_max,
            address_bytes_max=key.environment.address_bytes or limits.memory_bytes_max + spare,
            disk_bytes_max=limits.disk_bytes_max,
            processes_max=limits.processes_max,
            open_files_max=limits.open_files_max,
        )

    async def _start_zygote(self, key: ZygoteKey) -> Zygote:
        environment = key.environment
        plan = ZygotePlan(
            walls=key.walls,
            read_only=(*read_only_paths(), *environment.read_only),
            uids=(cell_uid_first, self._options.cells),
            counted_memory=self._groups is not None,
            wide=environment.wide,
            preload=(*self._options.preload, *environment.preload),
            writable=environment.writable,
            path=environment.path,
            network=environment.network,
        )
        zygote = await start_zygote(key, plan)
        self._zygotes[key] = zygote
        await self._end_surplus()
        return zygote

    def _make_place(self) -> None:
        """End what only waits, since a job needs its place."""
        with_spare = next((z for z in self._zygotes.values() if z.has_spare), None)
        if with_spare is not None:
            with_spare.dismiss_spare()
        else:
            self._warm.end_longest_idle()

    async def _end_surplus(self) -> None:
        surplus = len(self._zygotes) - self._options.zygotes_max
        idle = [zygote for zygote in self._zygotes.values() if zygote.is_idle]
        # The newest was started for a job that is about to begin.
        oldest = sorted(idle, key=lambda zygote: zygote.used_at)[:-1]
        for zygote in oldest[: max(0, surplus)]:
            await self._end(zygote)

    async def _sweep(self) -> None:
        while True:
            options = self._options
            soonest = min(
                options.idle_seconds_max, options.spare_seconds_max, options.warm.idle_seconds_max
            )
            await asyncio.sleep(min(_SWEEP_SECONDS, soonest / 4))
            now = time.monotonic()
            self._warm.end_idle(now)
            for zygote in tuple(self._zygotes.values()):
                idle = zygote.is_idle and now - zygote.used_at > self._options.idle_seconds_max
                if idle or not zygote.is_alive:
                    await self._end(zygote)
                elif now - zygote.used_at > self._options.spare_seconds_max:
                    zygote.dismiss_spare()

    async def _end(self, zygote: Zygote) -> None:
        if self._zygotes.get(zygote.key) is zygote:
            del self._zygotes[zygote.key]
        await zygote.stop()


async def _has_started(running: RunningJob) -> bool:
    """Return whether the job runs; False when the room, or its zygote, has died while it waited."""
    try:
        await asyncio.shield(running.process.started)
    except JobNotStarted:
        running.process.close()
        return False
    return True
