"""One attempt of a job that calls a function, from its assignment to its outcome."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import structlog
from msgspec import Struct

from tidemill.core.log_context import trace_fields
from tidemill.core.tracing import Span, tracer
from tidemill.jobs.code.functions import turns
from tidemill.jobs.code.functions.api import REACH, Reach
from tidemill.jobs.code.functions.capture import FunctionLog
from tidemill.jobs.code.functions.context import CURRENT, JobContext, RetryAfter
from tidemill.jobs.code.functions.deadlines import Deadlines
from tidemill.jobs.code.functions.http_api import HttpJobApi
from tidemill.jobs.code.functions.raised import tamed, told_of
from tidemill.jobs.code.functions.registry import Declared
from tidemill.jobs.code.functions.threads import Threads
from tidemill.jobs.code.functions.turns import Turns
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.execution.worker.endings import error_of, stop_error, too_deep, too_large
from tidemill.jobs.execution.worker.execution import Surroundings
from tidemill.jobs.execution.worker.output import Connected, JobLog
from tidemill.jobs.execution.worker.pulses import pulse_of
from tidemill.jobs.execution.worker.redaction import Redaction
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Outcome, Verdict
from tidemill.jobs.protocol.results import is_too_deep
from tidemill.jobs.tracing import begin_run, end_run

grace_seconds: Final = 5.0
"""How long a function may take to end after it was asked to, before its job ends without it."""
no_thread_seconds: Final = 1.0
"""How long a job stays here that no thread can be started for, before it is given back."""
_OWN_FILES: Final = frozenset({__file__, turns.__file__})

log = structlog.get_logger("tidemill.jobs.code.functions")


class Surface(Struct, frozen=True):
    """What executions of one worker share."""

    threads: Threads
    turns: Turns
    deadlines: Deadlines


class FunctionExecution:
    """Calls one function for one assignment, without a task of its own beside the function's."""

    __slots__ = (
        "_arguments", "_began", "_connected", "_context", "_declared", "_ended", "_pulse", "_reach",
        "_redaction", "_shared", "_span", "_stopped_as", "_timers", "_variables", "_work",
        "assignment", "held", "output", "over", "started_at",
    )  # fmt: skip

    def __init__(self, assignment: Assignment, declared: Declared | None, shared: Surface) -> None:
        self.assignment = assignment
        self.held = Held(assignment.job_id, assignment.epoch)
        self.started_at: int | None = None
        self._began = 0.0
        self.output: FunctionLog | None = None
        self.over = False
        # Most jobs have no secrets, and need not pay for hiding them.
        self._redaction = Redaction(assignment.secrets) if assignment.secrets else None
        self._declared = declared
        self._shared = shared
        self._context: JobContext | None = None
        self._variables: contextvars.Context | None = None
        self._arguments: dict[str, Any] = {}
        self._connected: Connected | None = None
        self._ended: Callable[[FunctionExecution, Outcome], None] | None = None
        self._reach: Reach | None = None
        self._stopped_as: Verdict | None = None
        self._work: asyncio.Future[Any] | None = None
        self._timers: tuple[asyncio.TimerHandle, ...] = ()
        self._pulse = pulse_of(assignment, self.stop, grace_seconds=grace_seconds)
        self._span: Span | None = None

    @property
    def printed(self) -> bool:
        """Return whether it has printed anything."""
        return self.output is not None

    @property
    def log(self) -> JobLog | None:
        """Return the log, if anything was printed."""
        return None if self.output is None else self.output.sink

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """Ask the function to end; after the grace its job ends without it."""
        if self._stopped_as is None:
            self._stopped_as = verdict
        if self._context is None:
            return
        self._context.cancelled = True
        if self._work is None:
            # It waits for its turn, or for a thread, and need not have one any more.
            self._end(self._stopped(_now(), self._stopped_as))
            return
        if self._declared is not None and self._declared.is_async:
            self._work.cancel()
        later = asyncio.get_running_loop().call_later(grace_seconds, self._give_up)
        self._timers = (*self._timers, later)

    def limit(self) -> None:
        """Stop the function when its time is over."""
        if self.over or self.started_at is None:
            return
        # Not by `started_at`: the machine's clock may have been set since.
        left = self.assignment.timeout_seconds - (time.monotonic() - self._began)
        loop = asyncio.get_running_loop()
        later = loop.call_later(max(0.0, left), self.stop, Verdict.TIMED_OUT, grace_seconds)
        self._timers = (*self._timers, later)

    def begin_served(
        self, surroundings: Surroundings, ended: Callable[[FunctionExecution, Outcome], None]
    ) -> None:
        """Call the function where a server gave its job: it asks the server's API."""
        self._redaction = self._redaction or Redaction()
        api_of = partial(
            HttpJobApi,
            surroundings.api_url,
            token_of=surroundings.token_of,
            redaction=self._redaction,
            ca_file=surroundings.ca_file,
        )
        self._reach = Reach(asyncio.get_running_loop(), api_of)
        self.begin(surroundings.connected, ended)

    async def close_output(self) -> None:
        """Return once the log has all that was printed."""
        if self.output is not None:
            await self.output.close()

    def begin(
        self, connected: Connected, ended: Callable[[FunctionExecution, Outcome], None]
    ) -> None:
        """Call the function; `ended` is called once with what became of it."""
        self._connected, self._ended = connected, ended
        declared = self._declared
        if self._stopped_as is not None:
            self._end(self._stopped(_now(), self._stopped_as))
            return
        if declared is None:
            message = f"This worker has no function {self.assignment.content}."
            self._end(self._failed(_now(), error_of("FunctionUnknown", message), retriable=False))
            return
        if self.assignment.refusal:
            told = error_of("ReferencesRefused", self.assignment.refusal)
            self._end(self._failed(_now(), told))
            return
        try:
            arguments = declared.signature.decode(self.assignment.arguments)
        except ArgumentsInvalid as error:
            told = error_of("ArgumentsInvalid", error.message)
            self._end(self._failed(_now(), told, retriable=False))
            return
        if tracer() is not None:
            self.assignment, self._span = begin_run(self.assignment)
        self._context = JobContext(self.assignment, self._opened_output)
        self._arguments = arguments
        if self._pulse is not None:
            self._pulse.expect_start()
        self._variables = variables = contextvars.copy_context()
        variables.run(CURRENT.set, self._context)
        if self._reach is not None:
            variables.run(self._be_served, self._reach)
        if self._span is not None:
            variables.run(self._span.enter)
        if declared.is_async:
            self._shared.turns.add(self)
        else:
            self._shared.threads.enter(self._enter_thread)

    def _be_served(self, reach: Reach) -> None:
        job = self.assignment
        REACH.set(reach)
        structlog.contextvars.bind_contextvars(
            job_id=job.job_id,
            tenant_id=job.tenant_id,
            attempt=job.attempt,
            **trace_fields(job.traceparent),
        )

    def start(
        self, task: asyncio.Task[None]
    ) -> tuple[Coroutine[Any, Any, Any], contextvars.Context]:
        """See `Call.start`."""
        assert self._declared is not None  # noqa: S101 - `begin` has seen it
        assert self._variables is not None  # noqa: S101 - and made these
        self._work = task
        self._note_start()
        return self._declared.call(**self._arguments), self._variables

    def returned(self, value: Any) -> None:
        """See `Call.returned`."""
        if self._ended is not None and self._declared is not None:
            self._end(self._succeeded(self.started_at or _now(), self._declared, value))

    def raised(self, error: BaseException) -> None:
        """See `Call.raised`."""
        if self._ended is None or self._declared is None:
            return
        started_at = self.started_at or _now()
        if self._stopped_as is not None:
            self._end(self._stopped(started_at, self._stopped_as))
            return
        if isinstance(error, SystemExit | KeyboardInterrupt):
            error = tamed(error)
        try:
            outcome = self._raised(started_at, self._declared, error)
        except Exception as broken:  # noqa: BLE001 - the job ends, whatever its rule or error does
            broken.__context__ = broken.__context__ or error
            outcome = self._failed(started_at, told_of(broken, _OWN_FILES), retriable=False)
        self._end(outcome)

    def _note_start(self) -> None:
        self.started_at, self._began = _now(), time.monotonic()
        self._shared.deadlines.watch(self)
        if self._pulse is not None:
            self._pulse.begun(partial(_beat_of, self._context))

    def _enter_thread(self) -> None:
        if self.over or self._declared is None or self._variables is None:
            self._shared.threads.leave()
            return
        call = partial(_call_in_thread, self._variables, self._declared.call, self._arguments)
        loop = asyncio.get_running_loop()
        try:
            work = loop.run_in_executor(self._shared.threads.pool, self._unless_over, call)
        except RuntimeError as error:
            # The machine has no thread to give. What waits for one has a turn of its own.
            log.warning("function.no_thread", job_id=self.assignment.job_id, reason=str(error))
            loop.call_soon(self._shared.threads.leave)
            # Not at once: it would come back at once.
            later = loop.call_later(no_thread_seconds, self._give_back)
            self._timers = (*self._timers, later)
            return
        work.add_done_callback(self._done_in_thread)
        self._work = work
        self._note_start()

    def _give_back(self) -> None:
        self._end(self._stopped(_now(), Verdict.LOST))

    def _unless_over(self, call: Callable[[], Any]) -> Any:
        # A pool keeps what it was given even when it could start no thread for it.
        return None if self.over else call()

    def _done_in_thread(self, work: asyncio.Future[Any]) -> None:
        self._shared.threads.leave()
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        if error is None:
            self.returned(work.result())
        else:
            self.raised(error)

    def _opened_output(self) -> FunctionLog:
        # Made when something is printed first, maybe by a thread: most jobs print nothing.
        assert self._connected is not None  # noqa: S101 - `begin` has set it
        bytes_max = self.assignment.log_bytes_max
        with self._shared.threads.lock:
            if self.output is None:
                self.output = FunctionLog(
                    self.held,
                    self._connected,
                    self._shared.threads.loop,
                    bytes_max=bytes_max,
                    redaction=self._redaction,
                )
            return self.output

    def _give_up(self) -> None:
        if self._ended is not None:
            job = self.assignment
            trace = trace_fields(job.traceparent)
            log.warning(
                "function.does_not_end", job_id=job.job_id, tenant_id=job.tenant_id, **trace
            )
            started_at = self.started_at or _now()
            self._end(self._stopped(started_at, self._stopped_as or Verdict.LOST))

    def _end(self, outcome: Outcome) -> None:
        ended, self._ended, self.over = self._ended, None, True
        # What the function's context leads back to would else live until the next collection.
        self._work = self._context = self._variables = None
        if self._timers:
            for timer in self._timers:
                timer.cancel()
        if self._pulse is not None:
            self._pulse.end()
        if self._span is not None:
            end_run(self._span, outcome)
            self._span = None
        if ended is not None:
            ended(self, outcome)

    def _raised(self, started_at: int, declared: Declared, error: BaseException) -> Outcome:
        retry, wait = declared.options.retry, None
        if isinstance(error, RetryAfter):
            wait = error.seconds
        elif retry is not None:
            jitter = random.random()  # noqa: S311 - spreads retries
            wait = retry.delay(self.assignment.attempt, jitter)
        return self._failed(
            started_at,
            told_of(error, _OWN_FILES),
            retriable=isinstance(error, RetryAfter) or retry is None or retry.covers(error),
            retry_seconds=wait,
        )

    def _succeeded(self, started_at: int, declared: Declared, value: object) -> Outcome:
        bytes_max = self.assignment.result_bytes_max
        try:
            result = declared.signature.encode_result(value)
        except Exception as error:  # noqa: BLE001 - the program's own types take part in it
            message = f"What {declared.name} returned has no form in JSON: {error}."
            return self._failed(started_at, error_of("InvalidResult", message), retriable=False)
        if self._redaction is not None:
            result = self._redaction.result(result)
        if len(result) > bytes_max:
            return self._failed(started_at, too_large(bytes_max), retriable=False)
        if is_too_deep(result):
            return self._failed(started_at, too_deep(), retriable=False)
        # Not by `_outcome`: most jobs end here.
        return Outcome(
            job_id=self.held.job_id,
            epoch=self.held.epoch,
            verdict=Verdict.SUCCEEDED,
            started_at=started_at,
            finished_at=_now(),
            result=result,
            isolation=Isolation.FUNCTION,
        )

    def _stopped(self, started_at: int, verdict: Verdict) -> Outcome:
        late = None if self._pulse is None else self._pulse.error
        if late is None or verdict is not Verdict.TIMED_OUT:
            late = stop_error(verdict, self.assignment)
        return self._outcome(started_at, verdict, error=late)

    def _failed(
        self,
        started_at: int,
        error: dict[str, str],
        *,
        retriable: bool = True,
        retry_seconds: float | None = None,
    ) -> Outcome:
        return self._outcome(
            started_at,
            Verdict.FAILED,
            error=error,
            retriable=retriable,
            retry_seconds=retry_seconds,
        )

    def _outcome(
        self, started_at: int, verdict: Verdict, *, error: dict[str, str], **fields: Any
    ) -> Outcome:
        return Outcome(
            job_id=self.held.job_id,
            epoch=self.held.epoch,
            verdict=verdict,
            started_at=started_at,
            finished_at=_now(),
            isolation=Isolation.FUNCTION,
            error=error if self._redaction is None else self._redaction.fields(error),
            **fields,
        )


def _beat_of(context: JobContext | None) -> float:
    return 0.0 if context is None else context.beat_at


def _call_in_thread(
    variables: contextvars.Context, call: Callable[..., Any], arguments: dict[str, Any]
) -> Any:
    try:
        return variables.run(call, **arguments)
    except (SystemExit, KeyboardInterrupt, StopIteration) as error:
        # A future cannot carry them.
        raise tamed(error) from error


def _now() -> int:
    return time.time_ns() // 1000
