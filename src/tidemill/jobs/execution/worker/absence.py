"""Tells that no dispatcher can be reached: often enough to be seen, and not at each try."""

from __future__ import annotations

from typing import Final

import structlog

quiet_seconds: Final = 1.5
"""Worker and dispatcher may start at once, and the dispatcher takes a second longer."""
patient_seconds: Final = 5.0
"""After this it is no start any more, but a wrong address, certificate or network."""
pause_seconds_max: Final = 300.0

log = structlog.get_logger("tidemill.jobs.execution.worker")


class Absence:
    """What was told since the last connection; instants are those of a monotonic clock."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._tell_at = 0.0
        self._pause = 0.0

    def over(self) -> None:
        """Begin anew: a dispatcher has answered."""
        self._since = None

    def lasts(self, reason: str, retry_seconds: float, now: float) -> None:
        """Hear why another try has failed, and tell it where that is due."""
        if self._since is None:
            self._since = now
            self._tell_at, self._pause = now + quiet_seconds, patient_seconds - quiet_seconds
        if now < self._tell_at:
            log.debug("worker.no_dispatcher", reason=reason, retry_seconds=retry_seconds)
            return
        tell = log.info if now < self._since + patient_seconds else log.warning
        tell("worker.no_dispatcher", reason=reason, retry_seconds=retry_seconds)
        self._tell_at = now + self._pause
        self._pause = min(self._pause * 2, pause_seconds_max)
