"""Ends attempts whose own code does not begin in time, or gives no sign of life."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tidemill.jobs.execution.worker.endings import error_of
from tidemill.jobs.protocol.messages import Assignment, Verdict

Stop = Callable[[Verdict, float], None]
"""Ends an attempt with a verdict, after seconds of grace."""


class Pulse:
    """Watches one attempt; `error` says why it was ended, if it was."""

    def __init__(self, assignment: Assignment, stop: Stop, *, grace_seconds: float) -> None:
        self.error: dict[str, str] | None = None
        self._start_seconds = assignment.start_seconds
        self._beat_seconds = assignment.heartbeat_seconds
        self._stop = stop
        self._grace_seconds = grace_seconds
        self._last: Callable[[], float] = _never
        self._began_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def expect_start(self) -> None:
        """Give the code its time to begin."""
        if self._start_seconds is not None:
            self._later(self._start_seconds, self._not_started)

    def begun(self, last_beat: Callable[[], float]) -> None:
        """Give the code its time between two signs of life; `last_beat` is monotonic seconds."""
        self.end()
        self._last, self._began_at = last_beat, time.monotonic()
        if self._beat_seconds is not None:
            self._later(self._beat_seconds, self._look)

    def end(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    def _not_started(self) -> None:
        self._give_up(
            "StartTimeout", f"The job's own code did not run within {self._start_seconds or 0:g} s."
        )

    def _look(self) -> None:
        seconds = self._beat_seconds or 0.0
        silent = time.monotonic() - max(self._last(), self._began_at)
        if silent < seconds:
            self._later(seconds - silent, self._look)
            return
        self._give_up(
            "HeartbeatTimeout",
            f"The job gave no sign of life for {seconds:g} s. Call context.heartbeat() or "
            "context.progress() more often, or raise limits.heartbeat_timeout_seconds.",
        )

    def _give_up(self, kind: str, message: str) -> None:
        self.error = error_of(kind, message)
        self._timer = None
        self._stop(Verdict.TIMED_OUT, self._grace_seconds)


def pulse_of(assignment: Assignment, stop: Stop, *, grace_seconds: float) -> Pulse | None:
    """Return what watches an attempt, where its limits ask for that."""
    if assignment.start_seconds is None and assignment.heartbeat_seconds is None:
        return None
    return Pulse(assignment, stop, grace_seconds=grace_seconds)


def _never() -> float:
    return 0.0
