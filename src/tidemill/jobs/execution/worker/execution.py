"""One attempt of one job, from its assignment to its outcome."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog
from msgspec import Struct, structs

from tidemill.core.crash import crash_point
from tidemill.jobs.execution.executors.catalog import EXECUTORS
from tidemill.jobs.execution.executors.contract import Machine, NotPrepared, Preparation
from tidemill.jobs.execution.isolation.job import JobNotStarted, answer_bytes_spare
from tidemill.jobs.execution.isolation.keeper import Keeper
from tidemill.jobs.execution.isolation.plan import (
    WALLS_OF,
    Ending,
    JobLimits,
    Specification,
    Walls,
    ZygoteKey,
)
from tidemill.jobs.execution.isolation.running import RunningJob
from tidemill.jobs.execution.isolation.zygote import ZygoteNotReady
from tidemill.jobs.execution.worker.endings import (
    answered_end,
    error_of,
    memory_error,
    printed_end,
    stop_error,
    too_large,
)
from tidemill.jobs.execution.worker.hints import hint_of
from tidemill.jobs.execution.worker.output import Collected, Connected, JobLog, LastLine
from tidemill.jobs.execution.worker.pipes import Pipe
from tidemill.jobs.execution.worker.pulses import Pulse
from tidemill.jobs.execution.worker.redaction import Redaction
from tidemill.jobs.execution.worker.relay import Relay
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Outcome, Verdict
from tidemill.jobs.tracing import begin_run, end_run

timeout_grace_seconds: Final = 5.0
kill_after_seconds: Final = 3.0
listen_seconds: Final = 0.01
"""When it is listened to what a warm job prints; of one that is over by then it is read at once."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_./-]")

log = structlog.get_logger("tidemill.jobs.execution.worker")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What an execution needs from its worker."""

    keeper: Keeper
    connected: Connected
    api_url: str
    isolations: tuple[Isolation, ...]
    machine: Machine
    ca_file: str = ""
    token_of: Callable[[Held], Awaitable[str]]


class Execution:
    """Runs one assignment in one slot."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.held = Held(assignment.job_id, assignment.epoch)
        self.started_at: int | None = None
        self.log: JobLog | None = None
        self._redaction = Redaction(assignment.secrets, token=assignment.token)
        self._running: RunningJob | None = None
        self._stopped_as: Verdict | None = None
        self._grace_seconds = timeout_grace_seconds
        self._killing: asyncio.TimerHandle | None = None
        self._preparing: asyncio.Task[Preparation] | None = None
        self._pulse = Pulse(assignment, self.stop, grace_seconds=timeout_grace_seconds)

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
        self.assignment, span = begin_run(self.assignment)
        outcome = await self._run(surroundings)
        if span is not None:
            end_run(span, outcome)
        return outcome

    async def _run(self, surroundings: Surroundings) -> Outcome:
        received_at = _now()
        refusal = self._refusal(surroundings.isolations)
        if refusal is not None:
            return self._failed(received_at, *refusal)
        if self._stopped_as is not None:
            return self._unstarted(received_at, self._stopped_as)
        relay = Relay(
            surroundings.api_url,
            # A warm job's assignment brings none: few of them ask for anything.
            None if self.assignment.isolation is Isolation.WARM else self.assignment.token,
            ask=partial(surroundings.token_of, self.held),
            redaction=self._redaction,
            ca_file=surroundings.ca_file,
            traceparent=self.assignment.traceparent,
        )
        self._pulse.expect_start()
        try:
            crash_point("worker_before_start")
            if self.assignment.isolation is Isolation.WARM:
                keeper, job = surroundings.keeper, self.assignment
                self._redaction.share(keeper.warm_secrets(job.tenant_id, job.content_hash))
            prepared = await self._prepared(surroundings.machine)
            running = await self._begin(surroundings, prepared, relay)
            self._running = running
            running.process.started.add_done_callback(lambda _: self._beat(relay))
            return await self._follow(running, relay, surroundings, received_at)
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
            self._pulse.end()
            await relay.stop()
            begun, self._running = self._running, None
            if begun is not None:
                # Its process may get another job, which is not this one's to stop.
                begun.release()

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
        made = EXECUTORS[self.assignment.language].prepare(self.assignment, machine)
        if isinstance(made, Preparation):
            return made
        self._preparing = asyncio.create_task(made)
        try:
            await asyncio.wait([self._preparing])
            if self._preparing.cancelled():
                raise NotPrepared("Stopped", "The job was stopped before it began.")
            return self._preparing.result()
        finally:
            self._preparing.cancel()
            self._preparing = None

    async def _begin(
        self, surroundings: Surroundings, prepared: Preparation, relay: Relay
    ) -> RunningJob:
        job, api_url = self.assignment, surroundings.api_url
        if api_url and job.isolation is Isolation.FORK:
            # It has no network of its own with a door in it.
            api_url = await relay.listen()
        walls = WALLS_OF[job.isolation] if prepared.walls is None else prepared.walls
        tenant = "" if walls is Walls.NONE else job.tenant_id
        key = ZygoteKey(walls, tenant, prepared.environment)
        limits = JobLimits(
            memory_bytes_max=job.memory_bytes_max,
            disk_bytes_max=job.disk_bytes_max,
            processes_max=job.processes_max,
            open_files_max=job.open_files_max,
        )
        specification = specification_of(job, api_url, prepared)
        return await surroundings.keeper.run(key, specification, limits)

    async def _follow(
        self, running: RunningJob, relay: Relay, surroundings: Surroundings, received_at: int
    ) -> Outcome:
        process, job = running.process, self.assignment
        output = JobLog(self.held, surroundings.connected, bytes_max=job.log_bytes_max)
        self.log = output
        result = Collected(job.result_bytes_max + answer_bytes_spare)
        last_line = LastLine(job.result_bytes_max)
        # A warm job is most often over before anybody could hear of its first line.
        soon = job.isolation is not Isolation.WARM
        takers = (output.write, last_line.add)
        pipes = [self._redaction.pipe(process.stdout, *takers, listens=soon)]
        if process.stderr is not None:
            pipes.append(self._redaction.pipe(process.stderr, output.write))
        answer = None if process.result is None else Pipe(process.result, result.add)

        loop = asyncio.get_running_loop()
        listening = None if soon else loop.call_later(listen_seconds, pipes[0].listen)
        timer = loop.call_later(
            job.timeout_seconds, self.stop, Verdict.TIMED_OUT, timeout_grace_seconds
        )
        process.on_door(relay.serve)
        try:
            self.started_at = started_at = await process.started
            crash_point("worker_after_start")
            if self._stopped_as is not None and self._killing is None:
                self.stop(self._stopped_as, self._grace_seconds)
            ending = await running.end()
            for part in ending.answer:
                result.add(part)
            if answer is not None:
                await answer.read()
            await output.close()
            for pipe in pipes:
                await (pipe.rest() if ending.reusable else pipe.read())
        finally:
            timer.cancel()
            if listening is not None:
                listening.cancel()
            for pipe in (*pipes, *(() if answer is None else (answer,))):
                pipe.stop()
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
        if value is not None:
            value = self._redaction.result(value)
            if len(value) > self.assignment.result_bytes_max:
                verdict, value = Verdict.FAILED, None
                error = too_large(self.assignment.result_bytes_max)
        if self._stopped_as is not None:
            verdict, value = self._stopped_as, None
            error = self._stop_error(self._stopped_as)
        elif ending.reason == "memory":
            verdict, value, error = Verdict.FAILED, None, memory_error(self.assignment)
        if error is not None and ending.exit_code:
            error.setdefault("exit_code", str(ending.exit_code))
        if error is not None and (hint := hint_of(self.assignment, error)):
            error["hint"] = hint
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

    def _beat(self, relay: Relay) -> None:
        if self._stopped_as is None:
            self._pulse.begun(lambda: relay.asked_at)

    def _stop_error(self, verdict: Verdict) -> dict[str, str]:
        late = self._pulse.error
        if verdict is Verdict.TIMED_OUT and late is not None:
            return late
        return stop_error(verdict, self.assignment)

    def _unstarted(self, received_at: int, verdict: Verdict) -> Outcome:
        error = self._stop_error(verdict)
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
