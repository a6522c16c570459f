"""One attempt of one job, from its assignment to its outcome."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.crash import crash_point
from tidemill.jobs.isolation.job import JobNotStarted
from tidemill.jobs.isolation.keeper import Keeper, RunningJob
from tidemill.jobs.isolation.plan import (
    WALLS_OF,
    Ending,
    JobLimits,
    Specification,
    ZygoteKey,
    environment_of,
)
from tidemill.jobs.isolation.zygote import ZygoteNotReady
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Outcome, Verdict
from tidemill.jobs.worker.endings import (
    bash_end,
    error_of,
    memory_error,
    python_end,
    stop_error,
)
from tidemill.jobs.worker.output import Collected, Connected, JobLog, LastLine, pump
from tidemill.jobs.worker.relay import Relay

timeout_grace_seconds: Final = 5.0
kill_after_seconds: Final = 3.0
_ENVELOPE_BYTES: Final = 128 * 1024

LANGUAGES: Final = frozenset({"python", "bash"})
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_./-]")

log = structlog.get_logger("tidemill.jobs.worker")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What an execution needs from its worker."""

    keeper: Keeper
    connected: Connected
    api_url: str
    isolations: tuple[Isolation, ...]


class Execution:
    """Runs one assignment in one slot."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.held = Held(assignment.job_id, assignment.epoch)
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.log: JobLog | None = None
        self._running: RunningJob | None = None
        self._stopped_as: Verdict | None = None
        self._grace_seconds = timeout_grace_seconds
        self._killing: asyncio.TimerHandle | None = None

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """End the job early, with `verdict`; the first reason counts."""
        if self._stopped_as is None:
            self._stopped_as = verdict
        self._grace_seconds = grace_seconds
        if self._running is None:
            return
        self._running.stop(grace_seconds)
        if self._killing is None:
            loop = asyncio.get_running_loop()
            self._killing = loop.call_later(grace_seconds + kill_after_seconds, self._running.kill)

    async def run(self, slot: int, surroundings: Surroundings) -> Outcome:
        """Run the job in `slot` to its end, whatever that is, and return the outcome."""
        received_at = _now()
        refusal = self._refusal(surroundings.isolations)
        if refusal is not None:
            return self._failed(received_at, *refusal)
        if self._stopped_as is not None:
            return self._unstarted(received_at, self._stopped_as)
        relay = Relay(surroundings.api_url, self.assignment.token)
        try:
            crash_point("worker_before_start")
            running = await self._begin(slot, surroundings)
            running.process.on_door(relay.serve)
            self._running = running
            return await self._follow(running, surroundings, received_at)
        except ZygoteNotReady:
            log.exception("worker.zygote_not_ready", job_id=self.held.job_id)
            return self._failed(
                received_at, "IsolationBroken", "The job's surroundings could not be made."
            )
        except JobNotStarted as error:
            return self._failed(received_at, "JobNotStarted", str(error))
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

    def _refusal(self, isolations: tuple[Isolation, ...]) -> tuple[str, str] | None:
        wanted = self.assignment.isolation
        if self.assignment.language not in LANGUAGES:
            known = ", ".join(sorted(LANGUAGES))
            return "LanguageUnknown", f"This worker runs {known}, not {self.assignment.language}."
        if wanted not in isolations or wanted not in WALLS_OF:
            return "IsolationNotOffered", f"This worker cannot run jobs in {wanted}."
        return None

    async def _begin(self, slot: int, surroundings: Surroundings) -> RunningJob:
        job = self.assignment
        shared = job.isolation is Isolation.FORK
        key = ZygoteKey(
            WALLS_OF[job.isolation],
            "" if shared else job.tenant_id,
            environment_of(job.language, job.content),
        )
        limits = JobLimits(
            memory_bytes_max=job.memory_bytes_max,
            disk_bytes_max=job.disk_bytes_max,
            processes_max=job.processes_max,
            open_files_max=job.open_files_max,
        )
        specification = specification_of(job, surroundings.api_url)
        return await surroundings.keeper.run(key, slot, specification, limits)

    async def _follow(
        self, running: RunningJob, surroundings: Surroundings, received_at: int
    ) -> Outcome:
        process, job = running.process, self.assignment
        output = JobLog(self.held, surroundings.connected, bytes_max=job.log_bytes_max)
        self.log = output
        result = Collected(job.result_bytes_max + _ENVELOPE_BYTES)
        last_line = LastLine(job.result_bytes_max)
        pumps = [asyncio.create_task(pump(process.stdout, last_line.add, output.write))]
        if process.stderr is not None:
            pumps.append(asyncio.create_task(pump(process.stderr, output.write)))
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
        if self.assignment.language == "bash":
            end = bash_end(ending, last_line.get(), self.assignment.result_bytes_max)
        else:
            end = python_end(ending, result, self.assignment.result_bytes_max)
        verdict, value, error = end
        if self._stopped_as is not None:
            verdict, value = self._stopped_as, None
            error = stop_error(self._stopped_as, self.assignment)
        elif ending.reason == "memory":
            verdict, value, error = Verdict.FAILED, None, memory_error(self.assignment)
        return self._ended(
            started_at, ending.ended_at, verdict, value, error, ending.peak_memory_bytes
        )

    def _failed(self, received_at: int, kind: str, message: str) -> Outcome:
        if self._stopped_as is not None:
            return self._unstarted(received_at, self._stopped_as)
        return self._ended(received_at, _now(), Verdict.FAILED, None, error_of(kind, message), 0)

    def _unstarted(self, received_at: int, verdict: Verdict) -> Outcome:
        error = stop_error(verdict, self.assignment)
        return self._ended(received_at, _now(), verdict, None, error, 0)

    def _ended(
        self,
        started_at: int,
        finished_at: int,
        verdict: Verdict,
        result: bytes | None,
        error: dict[str, str] | None,
        peak: int,
    ) -> Outcome:
        return Outcome(
            job_id=self.held.job_id,
            epoch=self.held.epoch,
            verdict=verdict,
            started_at=started_at,
            finished_at=finished_at,
            result=result,
            error=error,
            isolation=self.assignment.isolation,
            peak_memory_bytes=peak,
        )


def specification_of(job: Assignment, api_url: str) -> Specification:
    """Return what the job's process needs to know, and no more."""
    environment = {
        "TIDEMILL_URL": api_url,
        "TIDEMILL_TOKEN": job.token,
        "TIDEMILL_JOB_ID": job.job_id,
        "TIDEMILL_ATTEMPT": str(job.attempt),
        "TIDEMILL_TENANT_ID": job.tenant_id,
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
    )


def _now() -> int:
    return time.time_ns() // 1000
