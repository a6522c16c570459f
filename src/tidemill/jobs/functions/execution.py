"""One attempt of a job that calls a function, from its assignment to its outcome."""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final

import structlog

from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.functions.capture import FunctionLog
from tidemill.jobs.functions.context import CURRENT, JobCancelled, JobContext, RetryAfter
from tidemill.jobs.functions.registry import Declared
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Outcome, Verdict
from tidemill.jobs.worker.endings import error_of, stop_error, too_large
from tidemill.jobs.worker.execution import Surroundings
from tidemill.jobs.worker.output import Connected, JobLog

grace_seconds: Final = 5.0
"""How long a function may take to end after it was asked to, before its job ends without it."""
_traceback_chars_max: Final = 64 * 1024

log = structlog.get_logger("tidemill.jobs.functions")


class Threads:
    """A bounded pool for synchronous functions; one that never returns keeps its thread.

    Whoever finds none free waits in line without a task of its own.
    """

    def __init__(self, threads_max: int) -> None:
        self.pool = ThreadPoolExecutor(threads_max, thread_name_prefix="tidemill-function")
        self.loop = asyncio.get_running_loop()
        self.lock = threading.Lock()
        self._free = threads_max
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, go: Callable[[], None]) -> None:
        """Call `go` now, or when a thread is free; it has to lead to `leave`."""
        if self._free > 0:
            self._free -= 1
            go()
        else:
            self._waiting.append(go)

    def leave(self) -> None:
        """Let the next one have the thread."""
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._free += 1


class FunctionExecution:
    """Calls one function for one assignment, without a task of its own beside the function's."""

    def __init__(self, assignment: Assignment, declared: Declared | None, threads: Threads) -> None:
        self.assignment = assignment
        self.held = Held(assignment.job_id, assignment.epoch)
        self.started_at: int | None = None
        self.output: FunctionLog | None = None
        self._declared = declared
        self._threads = threads
        self._context: JobContext | None = None
        self._connected: Connected | None = None
        self._ended: Callable[[FunctionExecution, Outcome], None] | None = None
        self._began: Callable[[int], None] | None = None
        self._stopped_as: Verdict | None = None
        self._work: asyncio.Future[Any] | None = None
        self._timers: list[asyncio.TimerHandle] = []

    @cached_property
    def started(self) -> asyncio.Future[int]:
        """When the function began, for who awaits that."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.started_at is not None:
            future.set_result(self.started_at)
        else:
            self._began = future.set_result
        return future

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
            # It waits for a thread, and need not have one any more.
            self._end(self._stopped(_now(), self._stopped_as))
            return
        if self._declared is not None and self._declared.is_async:
            self._work.cancel()
        later = asyncio.get_running_loop().call_later(grace_seconds, self._give_up)
        self._timers.append(later)

    async def run(self, surroundings: Surroundings) -> Outcome:
        """Call the function to its end, whatever that is, and return the outcome."""
        ending: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.begin(surroundings.connected, lambda _, outcome: ending.set_result(outcome))
        outcome = await ending
        if self.output is not None:
            await self.output.close()
        return outcome

    def begin(
        self, connected: Connected, ended: Callable[[FunctionExecution, Outcome], None]
    ) -> None:
        """Call the function; `ended` is called once with what became of it."""
        self._connected, self._ended = connected, ended
        declared, now = self._declared, _now()
        if self._stopped_as is not None:
            self._end(self._stopped(now, self._stopped_as))
            return
        if declared is None:
            message = f"This worker has no function {self.assignment.content}."
            self._end(self._failed(now, error_of("FunctionUnknown", message), retriable=False))
            return
        try:
            arguments = declared.signature.decode(self.assignment.arguments)
        except ArgumentsInvalid as error:
            told = error_of("ArgumentsInvalid", error.message)
            self._end(self._failed(now, told, retriable=False))
            return
        self._context = JobContext(self.assignment, self._opened_output)
        context = contextvars.copy_context()
        context.run(CURRENT.set, self._context)
        if declared.is_async:
            self._follow(self._in_task(declared, arguments, context))
        else:
            self._threads.enter(lambda: self._enter_thread(declared, arguments, context))

    def _enter_thread(
        self, declared: Declared, arguments: dict[str, Any], context: contextvars.Context
    ) -> None:
        if self._ended is None:
            self._threads.leave()
            return
        self._follow(self._in_thread(declared, arguments, context))

    def _follow(self, work: asyncio.Future[Any]) -> None:
        self._work = work
        self.started_at = _now()
        if self._began is not None:
            self._began(self.started_at)
        seconds = self.assignment.timeout_seconds
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self.stop, Verdict.TIMED_OUT, grace_seconds))
        work.add_done_callback(self._done)

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
        work.add_done_callback(lambda _: self._threads.leave())
        return work

    def _opened_output(self) -> FunctionLog:
        # Made when something is printed first, maybe by a thread: most jobs print nothing.
        assert self._connected is not None  # noqa: S101 - `begin` has set it
        bytes_max = self.assignment.log_bytes_max
        with self._threads.lock:
            if self.output is None:
                self.output = FunctionLog(
                    self.held, self._connected, self._threads.loop, bytes_max=bytes_max
                )
            return self.output

    def _give_up(self) -> None:
        if self._ended is not None:
            log.warning("function.does_not_end", job_id=self.held.job_id)
            started_at = self.started_at or _now()
            self._end(self._stopped(started_at, self._stopped_as or Verdict.LOST))

    def _end(self, outcome: Outcome) -> None:
        ended, self._ended = self._ended, None
        for timer in self._timers:
            timer.cancel()
        if ended is not None:
            ended(self, outcome)

    def _done(self, work: asyncio.Future[Any]) -> None:
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        declared, started_at = self._declared, self.started_at or _now()
        if self._ended is None or declared is None:
            return
        if error is None:
            self._end(self._succeeded(started_at, declared, work.result()))
        elif self._stopped_as is not None:
            self._end(self._stopped(started_at, self._stopped_as))
        else:
            self._end(self._raised(started_at, declared, error))

    def _raised(self, started_at: int, declared: Declared, error: BaseException) -> Outcome:
        retry, wait = declared.options.retry, None
        if isinstance(error, RetryAfter):
            wait = error.seconds
        elif retry is not None:
            jitter = random.random()  # noqa: S311 - spreads retries
            wait = retry.delay(self.assignment.attempt, jitter)
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
