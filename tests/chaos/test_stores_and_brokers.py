"""Databases and brokers stop and start again in the middle of a run: nothing is lost or doubled.

They are the test's own; the shared ones are left alone.
"""

from __future__ import annotations

import random
import signal
import threading
from typing import Final

import pytest

from tests.chaos.effects import settle, wait_for_runs
from tests.chaos.place import Place, a_place, broker_lease_seconds, carried_by, lease_seconds
from tests.chaos.seed import SEED
from tests.fixtures.owned import OwnNats, OwnPostgres, OwnRabbit, OwnServer, away

pytestmark = [
    pytest.mark.chaos(reason="servers of its own start several times"),
    pytest.mark.timeout(300),
]

JOBS: Final = 60
BROKER_KILLS: Final = 4
KILLS: Final = {
    "stopped": signal.SIGINT,
    "crashed": signal.SIGQUIT,
    "killed": signal.SIGKILL,
}
away_seconds: Final = 2 * lease_seconds
broker_away_seconds: Final = broker_lease_seconds + 2


def test_no_job_is_lost_or_runs_twice_while_the_database_restarts() -> None:
    with OwnPostgres() as postgres, a_place("restart", database=postgres.url) as place:
        for how, number in KILLS.items():
            _run_while_away(place, postgres, number, f"PostgreSQL {how} for {away_seconds} s")


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("kind", [OwnNats, OwnRabbit])
def test_no_job_is_lost_or_runs_twice_while_the_broker_restarts(kind: type[OwnServer]) -> None:
    with kind() as broker, a_place("broker", settings=carried_by(broker)) as place:
        for how, number in {"stopped": signal.SIGTERM, "killed": signal.SIGKILL}.items():
            case = f"{kind.name} {how} for {broker_away_seconds} s"
            _run_while_away(place, broker, number, case, seconds=broker_away_seconds)


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("kind", [OwnNats, OwnRabbit])
def test_each_job_ends_once_while_the_broker_is_killed_again_and_again(
    kind: type[OwnServer],
) -> None:
    chosen = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    with kind() as broker, a_place("kills", settings=carried_by(broker)) as place:
        work = place.work()
        for kill in range(1, BROKER_KILLS + 1):
            work.functions(JOBS // 2, name="leave_effect_on_the_loop", seconds=0.2)
            work.scripts(JOBS // 12, seconds=0.2)
            # With assignments and outcomes on their way: some have begun, none of the last has.
            begun = len(work.ids) - chosen.randrange(JOBS // 4, JOBS // 2)
            wait_for_runs(place.effects, begun)
            print(f"TIDEMILL_CHAOS_SEED={SEED}: kill {kill} of {kind.name} at {begun} runs")
            with away(broker, signal.SIGKILL):
                pass
        work.wait()
        account = settle(
            f"{kind.name} killed {BROKER_KILLS} times in mid-run",
            work,
            place.effects,
            place.books,
            lease_seconds=lease_seconds,
        )
        assert account.repeated == 0


def _run_while_away(
    place: Place,
    server: OwnServer,
    number: signal.Signals,
    case: str,
    *,
    seconds: float = away_seconds,
) -> None:
    before = place.effects.count()
    work = place.work().functions(JOBS // 2, name="leave_effect_on_the_loop", seconds=0.4)
    work.scripts(JOBS // 6, seconds=0.4)
    wait_for_runs(place.effects, before + 10)
    with away(server, number):
        # The absence itself: some jobs end meanwhile, and nobody can be told.
        threading.Event().wait(seconds)
    work.functions(JOBS - JOBS // 2 - JOBS // 6, name="leave_effect_on_the_loop", seconds=0.1)
    work.wait()
    settle(case, work, place.effects, place.books, lease_seconds=lease_seconds)
