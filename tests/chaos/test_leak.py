"""Workers whose functions never give back their memory begin anew in time, and no job notices."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.effects import settle
from tests.chaos.place import a_place, lease_seconds
from tests.fixtures.roles import Roles
from tests.fixtures.server import WORKER

pytestmark = [
    pytest.mark.chaos(reason="it fills memory until workers begin anew"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
]

JOBS: Final = 120
leaked_mebibytes: Final = 8
memory_mib_max: Final = 256
WORKERS: Final = (WORKER, f"{WORKER}-2")


def test_worker_that_leaks_begins_anew_and_no_job_is_lost_or_runs_twice() -> None:
    settings = {
        "worker.memory_mib_max": str(memory_mib_max),
        "worker.max_concurrent_tasks": "4",
        "worker.stop_seconds_max": "20",
    }
    with a_place("leak", settings=settings) as place:
        pids = {name: place.roles.pid_of(name) for name in WORKERS}
        peak = Peak(place.roles)
        peak.start()
        work = place.work()
        for _ in range(JOBS):
            work.one("leak", mebibytes=leaked_mebibytes)
        work.wait(seconds_max=120)
        peak.stop()
        renewals = place.roles.log.count('"worker.worn"')
        account = settle(
            f"{JOBS * leaked_mebibytes} MiB leaked, {renewals} workers began anew, "
            f"at most {peak.mebibytes:.0f} MiB held by one",
            work,
            place.effects,
            place.books,
            lease_seconds=lease_seconds,
        )
        assert renewals >= 2
        assert account.repeated == 0
        assert pids == {name: place.roles.pid_of(name) for name in WORKERS}, "the same children"
        # All that it leaks in the second between two looks, and while its last jobs end.
        assert peak.mebibytes < memory_mib_max * 3


class Peak(threading.Thread):
    """Watches how much memory the workers hold."""

    def __init__(self, roles: Roles) -> None:
        super().__init__(daemon=True)
        self.mebibytes = 0.0
        self._roles = roles
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopped.wait(0.1):
            for name in WORKERS:
                pid = self._roles.pid_of(name)
                if pid is not None:
                    self.mebibytes = max(self.mebibytes, _resident(pid))

    def stop(self) -> None:
        """Return when it looks no more."""
        self._stopped.set()
        self.join()


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / 1024**2
