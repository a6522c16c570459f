"""`kill -9` at every named crash point of the story: nothing that was answered is lost."""

from __future__ import annotations

from functools import partial
from typing import Final

import pytest

from tests.chaos.books import SqliteBooks
from tests.chaos.points import CRASH_POINTS
from tests.chaos.story import SETTINGS, tell_to_the_end
from tests.fixtures.server import Server

# One kill for each hand-over, in every change: the commit that was about to be answered, the
# outcome that only the worker knows, the fact that was delivered but not yet marked so. The claim
# that nobody got is in tests/integration/jobs/test_crashes.py.
NORMAL: Final = frozenset({"after_commit:12", "worker_before_outcome"})
# Commits are passed all the time: at the start, by each write, and by the relay.
LATER: Final = {
    "before_commit": (5, 12, 25, 40, 60),
    "after_commit": (5, 12, 25, 40, 60),
    "relay_after_publish": (3, 8),
    "dispatch_after_claim": (2,),
    "dispatch_before_finish": (2,),
    "audit_after_append": (3,),
}


def _cases() -> list[object]:
    wanted = [
        *CRASH_POINTS,
        *(f"{point}:{number}" for point, numbers in LATER.items() for number in numbers),
    ]
    chaos = pytest.mark.chaos(reason="each case tells a whole story; one a hand-over is enough")
    return [pytest.param(case, marks=() if case in NORMAL else chaos) for case in wanted]


@pytest.mark.parametrize("point", _cases())
def test_story_survives_a_kill_at(point: str) -> None:
    server = Server(settings=SETTINGS)
    mark = server.directory / "crashed"
    server.start(TIDEMILL_CRASH_AT=point, TIDEMILL_CRASH_MARK=str(mark))
    with server:
        tell_to_the_end(server, partial(SqliteBooks, server.data_dir))
        assert mark.exists(), f"{point} was never passed"
