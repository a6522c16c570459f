"""`kill -9` of API, dispatcher or worker on PostgreSQL: at each crash point, and at any moment.

The seed is printed and taken from TIDEMILL_CHAOS_SEED, so that a failure can be told again.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.books import PostgresBooks
from tests.chaos.points import ROLE_POINTS
from tests.chaos.seed import SEED, story_seconds
from tests.chaos.story import SETTINGS, tell_to_the_end
from tests.fixtures.brokers import BusKind, wipe
from tests.fixtures.databases import a_database
from tests.fixtures.roles import DISPATCHER, Roles
from tests.fixtures.run import unique_name
from tests.fixtures.server import API, WORKER
from tests.fixtures.services import need

# Three interpreters start at once; on a busy machine that alone takes half a minute.
pytestmark = [pytest.mark.needs("postgres", "nats"), pytest.mark.timeout(300)]

INSTANTS: Final = 25
BUSES: Final[tuple[BusKind, ...]] = ("postgres", "nats")


@contextlib.contextmanager
def _installation(
    bus: BusKind, environments: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[tuple[Roles, str]]:
    """Run an installation on a database of its own."""
    prefix = unique_name("bus")
    with a_database("chaos") as url:
        settings = {**SETTINGS, "database.url": url, "events.bus_prefix": prefix}
        if bus == "nats":
            settings["message_queue.url"] = need("nats")
        try:
            with Roles(settings=settings, environments=environments) as roles:
                yield roles, url
        finally:
            wipe(bus, settings.get("message_queue.url", ""), prefix)


@pytest.mark.chaos(reason="each case tells a whole story; SQLite's cases run in every change")
@pytest.mark.parametrize(("name", "point"), ROLE_POINTS)
def test_story_on_postgres_survives_a_kill_at(name: str, point: str, tmp_path: Path) -> None:
    mark = tmp_path / "crashed"
    armed = {"TIDEMILL_CRASH_AT": point, "TIDEMILL_CRASH_MARK": str(mark)}
    with _installation("postgres", {name: armed}) as (roles, url):
        tell_to_the_end(roles, partial(PostgresBooks, url))
        assert mark.exists(), f"{point} was never passed"


@pytest.mark.chaos(reason="twenty-five stories take minutes")
@pytest.mark.parametrize("number", range(INSTANTS))
def test_story_on_postgres_survives_a_kill_at_a_random_instant(number: int) -> None:
    chosen = random.Random(SEED + number)  # noqa: S311 - repeatable, not secret
    victim = chosen.choice([API, DISPATCHER, DISPATCHER, WORKER])
    after_seconds = chosen.uniform(0, story_seconds)
    bus = BUSES[number % len(BUSES)]
    print(f"TIDEMILL_CHAOS_SEED={SEED}: {victim} on {bus} after {after_seconds:.3f} s")
    with _installation(bus) as (roles, url):
        killed = threading.Event()

        def kill() -> None:
            if roles.kill(victim):
                killed.set()

        killer = threading.Timer(after_seconds, kill)
        killer.start()
        tell_to_the_end(roles, partial(PostgresBooks, url), before_the_end=killer.join)
        assert killed.is_set()
