from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from tidemill.core.clock import Instant
from tidemill.jobs.dispatching.dispatcher.sessions import (
    Session,
    short_microseconds_max,
    slots_by_tag,
    untaken_frames_max,
)
from tidemill.jobs.protocol.memory import memory_pair
from tidemill.jobs.protocol.messages import Held, Hello, protocol_version
from tidemill.jobs.queueing.queue.breakdown import TagSlots
from tidemill.jobs.queueing.queue.claims import Claimed

pytestmark = pytest.mark.anyio
slots = 4
outcomes_until_short = 200


def a_session(*, ahead: int = 0) -> Session:
    hello = Hello(
        version=protocol_version,
        worker_id="worker",
        secret="",
        host="here",
        slots=slots,
        tags=("default",),
        isolations=(),
        ahead=ahead,
    )
    return Session(memory_pair()[0], hello, 1)


def hold(session: Session, count: int) -> None:
    session.held = {str(number): cast("Claimed", None) for number in range(count)}


async def test_room_is_that_of_free_slots_until_jobs_have_been_short() -> None:
    session = a_session(ahead=slots)
    hold(session, slots)

    assert session.room == 0
    for _ in range(outcomes_until_short):
        session.ran(1_000)
    assert session.room == slots


async def test_room_is_never_more_than_a_batch_at_once() -> None:
    session = a_session(ahead=slots)
    for _ in range(outcomes_until_short):
        session.ran(1_000)

    assert session.room == slots
    hold(session, slots + 3)
    assert session.room == 1


async def test_room_is_what_the_slots_can_run_in_a_moment() -> None:
    session = a_session(ahead=64)
    for _ in range(5 * outcomes_until_short):
        session.ran(9_900)

    assert session.room == slots * 5
    hold(session, slots)
    assert session.room == slots * 5


async def test_room_is_within_what_the_worker_takes_ahead() -> None:
    session = a_session(ahead=64)
    for _ in range(5 * outcomes_until_short):
        session.ran(10)

    assert session.room == 64
    hold(session, slots + 60)
    assert session.room == 4


async def test_brisk_counts_what_it_has_while_jobs_are_short_and_wait_for_slots() -> None:
    session = a_session(ahead=64)
    hold(session, slots + 3)
    assert session.brisk == 0
    for _ in range(outcomes_until_short):
        session.ran(1_000)

    assert session.brisk == slots + 3
    hold(session, slots)
    assert session.brisk == 0


async def test_slots_by_tag_counts_no_job_that_waits_for_a_slot() -> None:
    session = a_session(ahead=64)
    hold(session, slots + 10)

    assert slots_by_tag([session]) == [TagSlots("default", slots, slots)]


@pytest.mark.parametrize("microseconds", [None, 40 * short_microseconds_max])
async def test_room_ends_with_a_job_that_is_long_or_was_given_back(
    microseconds: int | None,
) -> None:
    session = a_session(ahead=slots)
    for _ in range(outcomes_until_short):
        session.ran(1_000)
    hold(session, slots)

    session.ran(microseconds)

    assert session.room == 0


async def test_room_without_anything_ahead_is_that_of_free_slots() -> None:
    session = a_session()
    for _ in range(outcomes_until_short):
        session.ran(1_000)
    hold(session, slots)

    assert session.room == 0


async def test_a_worker_that_takes_nothing_of_what_it_is_told_is_given_up() -> None:
    session = a_session()

    for _ in range(untaken_frames_max + 2):
        session.taken([Held("unknown", 1)])

    assert session.connection.closed


async def test_a_job_begins_once_for_each_time_that_it_is_given() -> None:
    session = a_session()
    job = cast("Claimed", SimpleNamespace(id="job", epoch=1))
    session.held = {"job": job}

    assert session.begins("job", 1, now=Instant(7)) is job
    assert session.begins("job", 1, now=Instant(7)) is None
    session.held = {"job": (again := cast("Claimed", SimpleNamespace(id="job", epoch=2)))}
    assert session.begins("job", 1, now=Instant(7)) is None
    assert session.begins("job", 2, now=Instant(7)) is again
