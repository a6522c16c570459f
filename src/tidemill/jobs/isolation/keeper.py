"""Keeps zygotes: one per tenant and environment, ready while used, ended when idle."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from tidemill.jobs.isolation.cgroups import SlotGroup, slot_groups
from tidemill.jobs.isolation.job import JobNotStarted, JobProcess
from tidemill.jobs.isolation.plan import (
    Ending,
    JobLimits,
    Specification,
    StartPacket,
    Walls,
    ZygoteKey,
    ZygotePlan,
)
from tidemill.jobs.isolation.zygote import Zygote, read_only_paths, start_zygote

slot_uid_first: Final = 61_000
_SWEEP_SECONDS: Final = 5.0
_ADDRESS_SPARE_BYTES: Final = 1024**3


class KeeperOptions(Struct, frozen=True, kw_only=True):
    """What a keeper may keep, and where."""

    worker_id: str
    slots: int
    directory: Path
    zygotes_max: int = 8
    idle_seconds_max: float = 300.0
    groups: bool = True
    preload: tuple[str, ...] = ()


class Keeper:
    """Starts jobs in slots. A slot runs one job at a time."""

    def __init__(self, options: KeeperOptions) -> None:
        self._options = options
        self._zygotes: dict[ZygoteKey, Zygote] = {}
        self._starting: dict[ZygoteKey, asyncio.Task[Zygote]] = {}
        self._groups: list[SlotGroup] | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._numbers = 0

    @property
    def zygotes(self) -> int:
        """Return how many zygotes are kept."""
        return len(self._zygotes)

    async def start(self) -> None:
        """Make what the slots need."""
        options = self._options
        options.directory.mkdir(parents=True, exist_ok=True)
        options.directory.chmod(0o711)
        if options.groups:
            self._groups = slot_groups(options.worker_id, options.slots)
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
        self, key: ZygoteKey, slot: int, specification: Specification, limits: JobLimits
    ) -> RunningJob:
        """Start a job in `slot`; raises `ZygoteNotReady` or `JobNotStarted`."""
        zygote = await self.ready(key)
        group = self._groups[slot] if self._groups is not None else None
        if group is not None and key.walls is not Walls.NONE:
            group.limit(memory_bytes=limits.memory_bytes_max, processes=limits.processes_max)
        self._numbers += 1
        packet = self._packet(key, slot, limits, counted=group is not None)
        job = JobProcess(specification, merged=specification.merged)
        entrances = group.entrances() if group is not None and key.walls is not Walls.NONE else []
        try:
            zygote.start(packet, job, [*job.descriptors(), *entrances])
        except OSError as error:
            job.close()
            raise JobNotStarted("The zygote has ended; the job did not begin.") from error
        finally:
            job.handed_over()
            for entrance in entrances:
                os.close(entrance)
        return RunningJob(job, zygote, packet.start, group)

    def _packet(
        self, key: ZygoteKey, slot: int, limits: JobLimits, *, counted: bool
    ) -> StartPacket:
        # Behind a control group the limit on addresses only stops nonsense; elsewhere it is what
        # holds a single process between two looks at the whole tree.
        spare = _ADDRESS_SPARE_BYTES * 4 if counted else _ADDRESS_SPARE_BYTES
        return StartPacket(
            start=self._numbers,
            uid=slot_uid_first + slot if os.geteuid() == 0 else 0,
            directory=str(self._options.directory / f"job-{self._numbers}"),
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
            uids=(slot_uid_first, self._options.slots),
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

    async def _end_surplus(self) -> None:
        surplus = len(self._zygotes) - self._options.zygotes_max
        idle = [zygote for zygote in self._zygotes.values() if zygote.is_idle]
        # The newest was started for a job that is about to begin.
        oldest = sorted(idle, key=lambda zygote: zygote.used_at)[:-1]
        for zygote in oldest[: max(0, surplus)]:
            await self._end(zygote)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, self._options.idle_seconds_max / 4))
            now = time.monotonic()
            for zygote in tuple(self._zygotes.values()):
                idle = zygote.is_idle and now - zygote.used_at > self._options.idle_seconds_max
                if idle or not zygote.is_alive:
                    await self._end(zygote)

    async def _end(self, zygote: Zygote) -> None:
        if self._zygotes.get(zygote.key) is zygote:
            del self._zygotes[zygote.key]
        await zygote.stop()


class RunningJob:
    """A started job, with the group that counts for it."""

    def __init__(
        self, process: JobProcess, zygote: Zygote, number: int, group: SlotGroup | None
    ) -> None:
        self.process = process
        self._zygote = zygote
        self._number = number
        self._group = group
        self._kills = 0 if group is None else group.out_of_memory_kills()
        self._alarm = None if group is None else group.alarm()
        self._alarmed = False
        if self._alarm is not None:
            asyncio.get_running_loop().add_reader(self._alarm, self._on_alarm)

    def stop(self, grace_seconds: float) -> None:
        """Send TERM, and KILL after the grace."""
        self.process.stop(grace_seconds)

    def kill(self) -> None:
        """End every process of the job now."""
        self._zygote.kill(self._number)

    async def end(self) -> Ending:
        """Return how the job ended, once no process of it is left."""
        ending = await self.process.ended
        await self.process.gone.wait()
        if self._group is None:
            return ending
        if self._alarm is not None:
            asyncio.get_running_loop().remove_reader(self._alarm)
        peak = max(ending.peak_memory_bytes, self._group.peak_memory_bytes())
        killed = self._alarmed or self._group.out_of_memory_kills() > self._kills
        reason = "memory" if killed and ending.exit_code != 0 else ending.reason
        return structs.replace(ending, peak_memory_bytes=peak, reason=reason)

    def _on_alarm(self) -> None:
        if self._alarm is not None:
            os.eventfd_read(self._alarm)
        # The kernel picks one process; the limit was that of all, so all end.
        self._alarmed = True
        self.kill()
