"""Tells people what a job that they follow waits for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from tidemill.cli.client import Client, segment
from tidemill.cli.failures import CommandFailed
from tidemill.cli.output import note, wants_json

look_seconds_first: Final = 3.0
look_seconds_max: Final = 60.0
_WAITING: Final = frozenset({"scheduled", "waiting", "queued"})


@contextlib.contextmanager
def telling_what_it_waits_for(client: Client, job_id: str) -> Iterator[None]:
    """Say on the standard error, while the block lasts, why a job does not run; once each reason.

    Jobs that start at once are not asked about, and none is with `--json`.
    """
    if wants_json():
        yield
        return
    waits = Waits(client, job_id)
    waits.start()
    try:
        yield
    finally:
        waits.stop()


class Waits(threading.Thread):
    """Looks now and then at a job, more and more rarely."""

    def __init__(self, client: Client, job_id: str) -> None:
        super().__init__(name="waits", daemon=True)
        self._client = client
        self._path = f"/jobs/{segment(job_id)}/why"
        self._told = ""
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look until `stop`."""
        seconds = look_seconds_first
        while not self._stopped.wait(seconds):
            # Whoever follows the job hears of a server that is away.
            with contextlib.suppress(CommandFailed, OSError):
                self.look()
            seconds = min(2 * seconds, look_seconds_max)

    def look(self) -> None:
        """Say why the job does not run, if that is another reason than the last."""
        found = self._client.get(self._path)
        message = str(found["message"])
        if found["state"] in _WAITING and message != self._told and not self._stopped.is_set():
            self._told = message
            note(message)

    def stop(self) -> None:
        """Say nothing more."""
        self._stopped.set()
