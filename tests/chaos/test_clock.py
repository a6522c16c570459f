"""The clock of the machine is set forward and back in the middle of a run.

`libfaketime` shows every process of the installation another time; PostgreSQL keeps its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct, structs

from tests.chaos.effects import settle, wait_for_runs
from tests.chaos.place import Place, a_place, lease_seconds
from tests.fixtures.client import Client
from tests.fixtures.roles import DISPATCHER
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import WORKER
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.chaos(reason="it waits for leases, and for the end of a leader's term"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
]

JOBS: Final = 20
HOUR: Final = 3600
_LIBRARIES: Final = "*/faketime/libfaketimeMT.so.1"


class Timed(Struct, frozen=True):
    """An installation, and the file that says how far its clock is off."""

    place: Place
    file: Path

    def set_clock(self, seconds: int) -> None:
        """Set the clock so far off the machine's."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}")
        draft.replace(self.file)


@pytest.fixture
def timed() -> Iterator[Timed]:
    library = next(iter(sorted(Path("/usr/lib").glob(_LIBRARIES))), None)
    if library is None:
        pytest.skip("needs libfaketime: install the package to include this case")
    file = run_directory() / unique_name("clock").removeprefix("tidemill_test_")
    file.write_text("+0")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        # As on a machine whose clock is set: what measures time is not touched.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with a_place("clock", environment=environment) as place:
        # A login ends within the hour.
        token = place.client.post("/api-tokens", {"name": "clock", "scopes": ["write"]})["token"]
        with Client(place.client.url, token) as client:
            yield Timed(structs.replace(place, client=client), file)
    file.unlink()


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_clock_that_jumps_takes_no_job_from_its_worker(timed: Timed, seconds: int) -> None:
    place = timed.place
    work = place.work().functions(JOBS, name="leave_effect_on_the_loop", seconds=3.0)
    wait_for_runs(place.effects, JOBS)
    timed.set_clock(seconds)
    # Not in threads: what shows the other time breaks `time.sleep`.
    work.functions(JOBS, name="leave_effect_on_the_loop", seconds=0.1)
    work.wait()
    settle(
        f"the clock jumps by {seconds} s",
        work,
        place.effects,
        place.books,
        lease_seconds=lease_seconds,
    )


def test_clock_that_jumps_back_holds_up_neither_leadership_nor_rescues(timed: Timed) -> None:
    place = timed.place
    work = place.work().functions(JOBS, name="leave_effect_on_the_loop", seconds=3.0)
    wait_for_runs(place.effects, JOBS)
    timed.set_clock(-HOUR)
    # Whoever leads next knows the last term only by the books.
    place.roles.kill(DISPATCHER)
    place.roles.hold_down(WORKER)
    wait_until(
        lambda: any(death.name == WORKER for death in place.roles.deaths),
        seconds_max=10,
        what="the worker's end",
    )
    began = time.monotonic()
    work.wait()
    lost = [death for death in place.roles.deaths if death.name == WORKER]
    account = settle(
        "the clock jumps back, and leader and worker are killed",
        work,
        place.effects,
        place.books,
        lost=lost,
        lease_seconds=lease_seconds,
    )
    assert account.repeated > 0
    print(f"all ended {time.monotonic() - began:.1f} s after the kills")
