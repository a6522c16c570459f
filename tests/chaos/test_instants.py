"""`kill -9` of any process at any moment of the story, the supervisor included.

The seed is printed and taken from TIDEMILL_CHAOS_SEED, so that a failure can be told again.
"""

from __future__ import annotations

import random
import threading
from functools import partial
from typing import Final

import pytest

from tests.chaos.books import SqliteBooks
from tests.chaos.seed import SEED, story_seconds
from tests.chaos.story import SETTINGS, tell_to_the_end
from tests.fixtures.server import API, SUPERVISOR, WORKER, Server
from tests.fixtures.waiting import wait_until

INSTANTS: Final = 50


class Killer(threading.Thread):
    """Kills one process of the server at one moment; starts `up` again when that was it."""

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__(daemon=True)
        chosen = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.victim = chosen.choice([API, API, WORKER, SUPERVISOR])
        self.after_seconds = chosen.uniform(0, story_seconds)
        self.error: BaseException | None = None
        self._server = server

    def run(self) -> None:
        """Wait for the moment, then kill."""
        threading.Event().wait(self.after_seconds)
        try:
            assert self._server.kill(self.victim)
            if self.victim == SUPERVISOR:
                self._server.start(wait=False)
                # From then on it ends as it is asked to; before, the old API may still answer.
                wait_until(lambda: self._server.pid_of(API), seconds_max=60, what="a new API")
        except BaseException as error:
            self.error = error
            raise


@pytest.mark.chaos(reason="fifty stories take minutes")
@pytest.mark.parametrize("number", range(INSTANTS))
def test_story_survives_a_kill_at_a_random_instant(number: int) -> None:
    with Server(settings=SETTINGS) as server:
        killer = Killer(server, SEED + number)
        print(
            f"TIDEMILL_CHAOS_SEED={SEED}: {killer.victim} after {killer.after_seconds:.3f} s",
        )
        killer.start()
        books_of = partial(SqliteBooks, server.data_dir)
        tell_to_the_end(server, books_of, before_the_end=killer.join)
        assert killer.error is None
