"""One attempt of one job, from its assignment to its outcome."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

import structlog
from msgspec import Struct, structs

from tidemill.core.crash import crash_point
from tidemill.jobs.executors.catalog import EXECUTORS
from tidemill.jobs.executors.contract import Machine, NotPrepared, Preparation
from tidemill.jobs.isolation.job import JobNotStarted
from tidemill.jobs.isolation.keeper import Keeper
from tidemill.jobs.isolation.plan import (
    WALLS_OF,
    Ending,
    JobLimits,
    Specification,
    Walls,
    ZygoteKey,
)
from tidemill.jobs.isolation.running import RunningJob
from tidemill.jobs.isolation.zygote import ZygoteNotReady
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Outcome, Verdict
from tidemill.jobs.worker.endings import (
    answered_end,
    error_of,
    memory_error,
    printed_end,
    stop_error,
)
from tidemill.jobs.worker.output import Collected, Connected, JobLog, LastLine, pump
from tidemill.jobs.worker.redaction import Redaction
from tidemill.jobs.worker.relay import Relay

timeout_grace_seconds: Final = 5.0
kill_after_seconds: Final = 3.0
_ENVELOPE_BYTES: Final = 128 * 1024

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_./-]")

log = structlog.get_logger("tidemill.jobs.worker")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What an execution needs from its worker."""

    keeper: Keeper
    connected: Connected
    api_url: str
    isolations: tuple[Isolation, ...]
    machine: Machine


class Execution:
    """Runs one assignment in one slot."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.held = Held(assignment.job_id, assignment.epoch)
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.log: JobLog | None = None
        self._redaction = Redaction(assignment.secrets)
        self._running: RunningJob | None = None
        self._stopped_as: Verdict | None = None
        self._grace_seconds = timeout_grace_seconds
        self._killing: asyncio.TimerHandle | None = None
        self._preparing: asyncio.Task[Preparation] | None = None

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """End the job early, with `verdict`; the first reason counts."""
        if self._stopped_as is None:
            self._stopped_as = verdict
        self._grace_seconds = grace_seconds
        if self._preparing is not None:
            self._preparing.cancel()
        if self._running is None:
            return
        self._running.stop(grace_seconds)
        if self._killing is None:
            loop = asyncio.get_running_loop()
            self._killing = loop.call_later(grace_seconds + kill_after_seconds, self._running.kill)

    async def run(self, surroundings: Surroundings) -> Outcome:
        """Run the job to its end, whatever that is, and return the outcome."""
        received_at = _now()
        refusal = self._refusal(surroundings.isolations)
        if refusal is not None:
            return self._failed(received_at, *refusal)
        if self._stopped_as is not None:
            return self._unstarted(received_at, self._stopped_as)
        relay = Relay(surroundings.api_url, self.assignment.token, learn=self._redaction.hide)
        try:
            crash_point("worker_before_start")
            prepared = await self._prepared(surroundings.machine)
            running = await self._begin(surroundings, prepared)
            running.process.on_door(relay.serve)
            self._running = running
            return await self._follow(running, surroundings, received_at)
        except ZygoteNotReady:
            log.exception("worker.zygote_not_ready", job_id=self.held.job_id)
            return self._failed(
                received_at, "IsolationBroken", "The job's surroundings could not be made."
            )
        except (NotPrepared, JobNotStarted) as error:
            kind = error.kind if isinstance(error, NotPrepared) else "JobNotStarted"
            return self._failed(received_at, kind, str(error))
        except Exception:
            # Whatever it was, the job must come to an end that somebody hears of.
            log.exception("worker.job_broke", job_id=self.held.job_id)
            if self._running is not None:
                self._running.kill()
            return self._failed(received_at, "WorkerBroke", "The worker failed; see its log.")
        finally:
            if self._killing is not None:
                self._killing.cancel()
            await relay.stop()
            if self._running is not None:
                self._running.release()

    def _refusal(self, isolations: tuple[Isolation, ...]) -> tuple[str, str] | None:
        wanted = self.assignment.isolation
        if self.assignment.refusal:
            return "ReferencesRefused", self.assignment.refusal
        if self.assignment.language not in EXECUTORS:
            known = ", ".join(sorted(EXECUTORS))
            return "LanguageUnknown", f"This worker runs {known}, not {self.assignment.language}."
        if wanted not in isolations or wanted not in WALLS_OF:
            return "IsolationNotOffered", f"This worker cannot run jobs in {wanted}."
        return None

    async def _prepared(self, machine: Machine) -> Preparation:
        """Return what the executor made ready; raises `NotPrepared`, also when it was stopped."""
        executor = EXECUTORS[self.assignment.language]
        self._preparing = asyncio.create_task(executor.prepare(self.assignment, machine))
        try:
            await asyncio.wait([self._preparing])
            if self._preparing.cancelled():
                raise NotPrepared("Stopped", "The job was stopped before it began.")
            return self._preparing.result()
        finally:
            self._preparing.cancel()
            self._preparing = None

    async def _begin(self, surroundings: Surroundings, prepared: Preparation) -> RunningJob:
        job = self.assignment
        walls = WALLS_OF[job.isolation] if prepared.walls is None else prepared.walls
        tenant = "" if walls is Walls.NONE else job.tenant_id
        key = ZygoteKey(walls, tenant, prepared.environment)
        limits = JobLimits(
            memory_bytes_max=job.memory_bytes_max,
            disk_bytes_max=job.disk_bytes_max,
            processes_max=job.processes_max,
            open_files_max=job.open_files_max,
        )
        specification = specification_of(job, surroundings.api_url, prepared)
        return await surroundings.keeper.run(key, specification, limits)

    async def _follow(
        self, running: RunningJob, surroundings: Surroundings, received_at: int
    ) -> Outcome:
        process, job = running.process, self.assignment
        output = JobLog(self.held, surroundings.connected, bytes_max=job.log_bytes_max)
        self.log = output
        result = Collected(job.result_bytes_max + _ENVELOPE_BYTES)
        last_line = LastLine(job.result_bytes_max)
        show = self._redaction.pump
        pumps = [asyncio.create_task(show(process.stdout, output.write, last_line.add))]
        if process.stderr is not None:
            pumps.append(asyncio.create_task(show(process.stderr, output.write)))
        reading = asyncio.create_task(pump(process.result, result.add))
        timer = asyncio.get_running_loop().call_later(
            job.timeout_seconds, self.stop, Verdict.TIMED_OUT, timeout_grace_seconds
        )
        try:
            started_at = await process.started
            self.started.set_result(started_at)
            crash_point("worker_after_start")
            if self._stopped_as is not None and self._killing is None:
                self.stop(self._stopped_as, self._grace_seconds)
            ending = await running.end()
            await reading
            await output.close()
            await asyncio.gather(*pumps)
        finally:
            timer.cancel()
            for task in (*pumps, reading):
                task.cancel()
            await asyncio.gather(*pumps, reading, return_exceptions=True)
            process.close()
        return self._outcome(started_at or received_at, ending, result, last_line)

    def _outcome(
        self, started_at: int, ending: Ending, result: Collected, last_line: LastLine
    ) -> Outcome:
        if EXECUTORS[self.assignment.language].answers:
            end = answered_end(ending, result, self.assignment.result_bytes_max)
        else:
            who = self.assignment.language
            end = printed_end(who, ending, last_line.get(), self.assignment.result_bytes_max)
        verdict, value, error = end
        if self._stopped_as is not None:
            verdict, value = self._stopped_as, None
            error = stop_error(self._stopped_as, self.assignment)
        elif ending.reason == "memory":
            verdict, value, error = Verdict.FAILED, None, memory_error(self.assignment)
        if error is not None and ending.exit_code:
            error.setdefault("exit_code", str(ending.exit_code))
        outcome = self._ended(started_at, ending.ended_at, verdict, value, error)
        return structs.replace(
            outcome,
            peak_memory_bytes=ending.peak_memory_bytes,
            cpu_microseconds=ending.cpu_microseconds,
        )

    def _failed(self, received_at: int, kind: str, message: str) -> Outcome:
        if self._stopped_as is not None:
            return self._unstarted(received_at, self._stopped_as)
        return self._ended(received_at, _now(), Verdict.FAILED, None, error_of(kind, message))

    def _unstarted(self, received_at: int, verdict: Verdict) -> Outcome:
        error = stop_error(verdict, self.assignment)
        return self._ended(received_at, _now(), verdict, None, error)

    def _ended(
        self,
        started_at: int,
        finished_at: int,
        verdict: Verdict,
        result: bytes | None,
        error: dict[str, str] | None,
    ) -> Outcome:
        return Outcome(
            job_id=self.held.job_id,
            epoch=self.held.epoch,
            verdict=verdict,
            started_at=started_at,
            finished_at=finished_at,
            result=result,
            error=self._redaction.fields(error),
            isolation=self.assignment.isolation,
        )


def specification_of(job: Assignment, api_url: str, prepared: Preparation) -> Specification:
    """Return what the job's process needs to know, and no more."""
    warm = job.isolation is Isolation.WARM
    environment = {
        "TIDEMILL_URL": api_url,
        # The relay adds the token. A process that outlives the job must not know it.
        "TIDEMILL_TOKEN": None if warm else job.token,
        "TIDEMILL_JOB_ID": job.job_id,
        "TIDEMILL_ATTEMPT": str(job.attempt),
        "TIDEMILL_TENANT_ID": job.tenant_id,
        "TIDEMILL_SCRIPT_PATH": job.script_path,
        "TIDEMILL_WORK_ITEM_ID": job.work_item_id,
        "TRACEPARENT": job.traceparent,
    }
    return Specification(
        language=job.language,
        name=_UNSAFE.sub("_", job.script_path or "script"),
        content=job.content,
        arguments=job.arguments.decode(),
        environment={name: value for name, value in environment.items() if value is not None},
        result_bytes_max=job.result_bytes_max,
        merged=prepared.merged,
        warm=warm,
        settings=prepared.settings,
        modules=job.modules,
    )


def _now() -> int:
    return time.time_ns() // 1000
