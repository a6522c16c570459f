"""The functions that a worker offers, and what it needs to call them."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.jobs.functions.capture import Capture
from tidemill.jobs.functions.execution import FunctionExecution, Threads
from tidemill.jobs.functions.registry import Declared
from tidemill.jobs.protocol.messages import Assignment, RegisteredFunction


class Functions:
    """Makes executions of declared functions; lives on the worker's loop."""

    def __init__(self, declared: Mapping[str, Declared], *, threads_max: int) -> None:
        self._declared = declared
        self._threads_max = threads_max
        self._threads: Threads | None = None
        self._capture = Capture()
        self._registered: tuple[RegisteredFunction, ...] | None = None

    def registered(self) -> tuple[RegisteredFunction, ...]:
        """Return what the worker says of its functions, by name."""
        if self._registered is None:
            names = sorted(self._declared)
            self._registered = tuple(self._declared[name].registered() for name in names)
        return self._registered

    def start(self) -> None:
        """Redirect print and logging to jobs."""
        self._threads = Threads(self._threads_max)
        self._capture.install()

    def stop(self) -> None:
        """Let go of threads; a function that runs on has no job any more."""
        self._capture.remove()
        if self._threads is not None:
            self._threads.pool.shutdown(wait=False, cancel_futures=True)

    def execution(self, assignment: Assignment) -> FunctionExecution:
        """Return the execution of `assignment`, not started yet."""
        if self._threads is None:
            raise RuntimeError("Functions must be started first.")
        return FunctionExecution(assignment, self._declared.get(assignment.content), self._threads)
