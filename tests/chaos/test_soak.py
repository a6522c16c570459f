"""Kills one after the other, at random, while jobs come and go: each run of a job is accounted for.

The seed is printed and taken from TIDEMILL_CHAOS_SEED, so that a failure can be told again.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import Final

import pytest

from tests.chaos.books import SqliteBooks
from tests.chaos.effects import Effects, Work, settle
from tests.chaos.place import SETTINGS, a_place, lease_seconds
from tests.chaos.seed import SEED
from tests.fixtures.client import log_in
from tests.fixtures.roles import DISPATCHER, Death
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import API, OWNER, WORKER, Server
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.chaos(reason="jobs and kills for half a minute"),
    pytest.mark.timeout(300),
]

KILLS: Final = 10
JOBS_PER_KILL: Final = 10
kill_seconds_min: Final = 0.5
kill_seconds_max: Final = 2.5
# A job may be hit several times, and what was lost twice waits a moment before it runs again.
pause_seconds: Final = 12.0
# The supervisor waits up to ten seconds before it starts a worker that keeps dying.
restart_seconds_max: Final = 10.0

Kill = Callable[[str], object]


def test_embedded_installation_accounts_for_each_run_through_random_kills() -> None:
    home = run_directory() / unique_name("e").removeprefix("tidemill_test_")
    home.mkdir()
    effects = Effects(home)
    deaths: list[Death] = []
    with Server(settings=SETTINGS, environment={**OWNER, **effects.environment}) as server:

        def kill(name: str) -> None:
            pid = server.pid_of(name)
            if pid is not None and server.kill(name):
                deaths.append(Death(name, pid, time.monotonic()))

        with log_in(server.url) as client:
            wait_until(lambda: client.get("/functions")["items"], seconds_max=60, what="a worker")
            tenant = client.get("/tenants")["items"][0]["id"]
            work = Work(client, effects)
            _soak(work, kill, [API, WORKER])
        settle(
            f"{KILLS} random kills of API and worker on SQLite, seed {SEED}",
            work,
            effects,
            SqliteBooks(server.data_dir, tenant),
            lost=[death for death in deaths if death.name == WORKER],
            lease_seconds=lease_seconds,
            pause_seconds=pause_seconds + restart_seconds_max,
        )


@pytest.mark.needs("postgres")
def test_installation_of_roles_accounts_for_each_run_through_random_kills() -> None:
    with a_place("soak") as place:
        work = place.work()
        second = f"{WORKER}-2"
        _soak(work, place.roles.kill, [API, DISPATCHER, WORKER, second])
        settle(
            f"{KILLS} random kills of API, dispatcher and workers on PostgreSQL, seed {SEED}",
            work,
            place.effects,
            place.books,
            lost=[death for death in place.roles.deaths if death.name.startswith(WORKER)],
            lease_seconds=lease_seconds,
            # When the leader was killed as well, its term has to end first.
            pause_seconds=pause_seconds + 15.0,
        )


def _soak(work: Work, kill: Kill, names: list[str]) -> None:
    chosen = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    # No process more often than the others: a supervisor gives up one that keeps dying.
    for name in chosen.sample(names * math.ceil(KILLS / len(names)), KILLS):
        work.functions(JOBS_PER_KILL - 2, name="leave_effect_on_the_loop", seconds=0.5)
        work.scripts(2, seconds=0.5)
        threading.Event().wait(chosen.uniform(kill_seconds_min, kill_seconds_max))
        kill(name)
    work.wait(seconds_max=120)
