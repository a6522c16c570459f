"""The functions that a worker offers, and what it needs to call them."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.jobs.code.functions.capture import Capture
from tidemill.jobs.code.functions.deadlines import Deadlines
from tidemill.jobs.code.functions.execution import FunctionExecution, Surface
from tidemill.jobs.code.functions.registry import Declared
from tidemill.jobs.code.functions.threads import Threads
from tidemill.jobs.code.functions.turns import Turns
from tidemill.jobs.protocol.messages import Assignment, RegisteredFunction


class Functions:
    """Makes executions of declared functions; lives on the worker's loop."""

    def __init__(self, declared: Mapping[str, Declared], *, threads_max: int) -> None:
        self._declared = declared
        self._threads_max = threads_max
        self._shared: Surface | None = None
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
        self._shared = Surface(Threads(self._threads_max), Turns(), Deadlines())
        self._capture.install()

    def stop(self) -> None:
        """Let go of threads; a function that runs on has no job any more."""
        self._capture.remove()
        if self._shared is not None:
            self._shared.threads.pool.shutdown(wait=False, cancel_futures=True)

    def call(self, assignment: Assignment) -> FunctionExecution:
        """Return the execution of `assignment`, not begun yet."""
        if self._shared is None:
            raise RuntimeError("Functions must be started first.")
        return FunctionExecution(assignment, self._declared.get(assignment.content), self._shared)
