"""One attempt of a job that calls a function, from its assignment to its outcome."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.functions.capture import FunctionLog
from tidemill.jobs.functions.context import CURRENT, JobCancelled, JobContext, RetryAfter
from tidemill.jobs.functions.registry import Declared
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Outcome, Verdict
from tidemill.jobs.worker.endings import error_of, stop_error, too_large
from tidemill.jobs.worker.execution import Surroundings
from tidemill.jobs.worker.output import JobLog

grace_seconds: Final = 5.0
"""How long a function may take to end after it was asked to, before its job ends without it."""
_traceback_chars_max: Final = 64 * 1024

log = structlog.get_logger("tidemill.jobs.functions")


class Threads:
    """A bounded pool for synchronous functions; one that never returns keeps its thread."""

    def __init__(self, threads_max: int) -> None:
        self.pool = ThreadPoolExecutor(threads_max, thread_name_prefix="tidemill-function")
        self.free = asyncio.Semaphore(threads_max)


class FunctionExecution:
    """Calls one function for one assignment."""

    def __init__(self, assignment: Assignment, declared: Declared | None, threads: Threads) -> None:
        self.assignment = assignment
        self.held = Held(assignment.job_id, assignment.epoch)
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._declared = declared
        self._threads = threads
        self._output: FunctionLog | None = None
        self._cancelled = threading.Event()
        self._stopped_as: Verdict | None = None
        self._work: asyncio.Future[Any] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def log(self) -> JobLog | None:
        """Return the log, if anything was printed."""
        return None if self._output is None else self._output.sink

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """Ask the function to end; after the grace its job ends without it."""
        if self._stopped_as is None:
            self._stopped_as = verdict
        self._cancelled.set()
        if self._work is None:
            return
        if self._declared is not None and self._declared.is_async:
            self._work.cancel()
        later = asyncio.get_running_loop().call_later(grace_seconds, self._give_up)
        self._timers.append(later)

    async def run(self, surroundings: Surroundings) -> Outcome:
        """Call the function to its end, whatever that is, and return the outcome."""
        received_at = _now()
        if self._stopped_as is not None:
            return self._stopped(received_at, self._stopped_as)
        declared = self._declared
        if declared is None:
            message = f"This worker has no function {self.assignment.content}."
            return self._failed(received_at, error_of("FunctionUnknown", message), retriable=False)
        try:
            arguments = declared.signature.decode(self.assignment.arguments)
        except ArgumentsInvalid as error:
            told = error_of("ArgumentsInvalid", error.message)
            return self._failed(received_at, told, retriable=False)
        output = FunctionLog(
            self.held, surroundings.connected, bytes_max=self.assignment.log_bytes_max
        )
        self._output = output
        try:
            return await self._call(declared, arguments, output)
        finally:
            for timer in self._timers:
                timer.cancel()
            await output.close()

    async def _call(
        self, declared: Declared, arguments: dict[str, Any], output: FunctionLog
    ) -> Outcome:
        context = contextvars.copy_context()
        context.run(CURRENT.set, self._context(declared, output))
        if declared.is_async:
            work = self._in_task(declared, arguments, context)
        else:
            await self._threads.free.acquire()
            work = self._in_thread(declared, arguments, context)
        self._work = work
        started_at = _now()
        self.started.set_result(started_at)
        loop = asyncio.get_running_loop()
        seconds = self.assignment.timeout_seconds
        self._timers.append(loop.call_later(seconds, self.stop, Verdict.TIMED_OUT, grace_seconds))
        if self._stopped_as is not None:
            self.stop(self._stopped_as, grace_seconds)
        await asyncio.wait({work, self._given_up}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            log.warning("function.does_not_end", function=declared.name, job_id=self.held.job_id)
            return self._stopped(started_at, self._stopped_as or Verdict.LOST)
        return self._ended(started_at, declared, work)

    def _in_task(
        self, declared: Declared, arguments: dict[str, Any], context: contextvars.Context
    ) -> asyncio.Future[Any]:
        async def guarded() -> Any:
            try:
                return await declared.call(**arguments)
            except (SystemExit, KeyboardInterrupt) as error:
                # Either would end the worker's loop.
                raise RuntimeError(f"The function raised {error!r}.") from error

        return asyncio.get_running_loop().create_task(guarded(), context=context)

    def _in_thread(
        self, declared: Declared, arguments: dict[str, Any], context: contextvars.Context
    ) -> asyncio.Future[Any]:
        def guarded() -> Any:
            try:
                return context.run(declared.call, **arguments)
            except (SystemExit, KeyboardInterrupt, StopIteration) as error:
                raise RuntimeError(f"The function raised {error!r}.") from error

        work = asyncio.get_running_loop().run_in_executor(self._threads.pool, guarded)
        work.add_done_callback(lambda _: self._threads.free.release())
        return work

    def _give_up(self) -> None:
        if not self._given_up.done():
            self._given_up.set_result(None)

    def _context(self, declared: Declared, output: FunctionLog) -> JobContext:
        job = self.assignment
        return JobContext(
            job_id=job.job_id,
            tenant_id=job.tenant_id,
            function=declared.name,
            attempt=job.attempt,
            work_item_id=job.work_item_id,
            traceparent=job.traceparent,
            cancelled=self._cancelled,
            output=output,
        )

    def _ended(self, started_at: int, declared: Declared, work: asyncio.Future[Any]) -> Outcome:
        if work.cancelled():
            error: BaseException | None = asyncio.CancelledError()
        else:
            error = work.exception()
        if error is None:
            return self._succeeded(started_at, declared, work.result())
        if self._stopped_as is not None:
            return self._stopped(started_at, self._stopped_as)
        retry = declared.options.retry
        wait = None
        if isinstance(error, RetryAfter):
            wait = error.seconds
        elif retry is not None:
            wait = retry.delay(self.assignment.attempt)
        return self._failed(
            started_at,
            _told(error),
            retriable=isinstance(error, RetryAfter) or retry is None or retry.covers(error),
            retry_seconds=wait,
        )

    def _succeeded(self, started_at: int, declared: Declared, value: object) -> Outcome:
        bytes_max = self.assignment.result_bytes_max
        try:
            result = declared.signature.encode_result(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            message = f"What {declared.name} returned has no form in JSON: {error}."
            return self._failed(started_at, error_of("InvalidResult", message), retriable=False)
        if len(result) > bytes_max:
            return self._failed(started_at, too_large(bytes_max), retriable=False)
        return self._outcome(started_at, Verdict.SUCCEEDED, result=result)

    def _stopped(self, started_at: int, verdict: Verdict) -> Outcome:
        return self._outcome(started_at, verdict, error=stop_error(verdict, self.assignment))

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

    def _outcome(self, started_at: int, verdict: Verdict, **fields: Any) -> Outcome:
        return Outcome(
            job_id=self.held.job_id,
            epoch=self.held.epoch,
            verdict=verdict,
            started_at=started_at,
            finished_at=_now(),
            isolation=Isolation.FUNCTION,
            **fields,
        )


def _told(error: BaseException) -> dict[str, str]:
    if isinstance(error, JobCancelled | asyncio.CancelledError):
        message = "The function ended itself as if its job had been cancelled."
        return error_of(type(error).__name__, message)
    trace = frame = error.__traceback__
    while frame is not None:
        # The frames up to here are the worker's own, and those of its pool.
        if frame.tb_frame.f_code.co_filename == __file__:
            trace = frame.tb_next
        frame = frame.tb_next
    lines = traceback.format_exception(type(error), error, trace)
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ in {"builtins", "__main__"}
        else (f"{kind.__module__}.{kind.__qualname__}")
    )
    return {
        "type": name,
        "message": str(error),
        "traceback": "".join(lines)[-_traceback_chars_max:],
    }


def _now() -> int:
    return time.time_ns() // 1000
