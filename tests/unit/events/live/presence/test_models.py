from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.facts import Topic
from tidemill.events.live.presence.models import (
    Allowance,
    Person,
    Room,
    Stay,
    changes_burst,
    pause_seconds,
    room_of,
    unnamed,
)

TOPIC = Topic("work-item:1")
people = st.lists(
    st.builds(
        Person,
        user_id=st.sampled_from("abcdefgh"),
        kind=st.sampled_from(["user", "job"]),
        typing=st.booleans(),
    ),
    max_size=30,
)


@given(people, st.integers(0, 5), st.integers(0, 10))
def test_room_of_names_each_once_and_counts_all(
    everybody: list[Person], more: int, most: int
) -> None:
    room = room_of(TOPIC, everybody, more=more, most=most)

    names = [(one.kind, one.user_id) for one in room.people]
    assert len(names) == len(set(names)) <= most
    assert room.count == len({(one.kind, one.user_id) for one in everybody}) + more
    assert unnamed([room]) == room.count - len(names)


@given(people)
def test_room_of_names_those_who_type_first(everybody: list[Person]) -> None:
    room = room_of(TOPIC, everybody, most=3)

    typing = {(one.kind, one.user_id) for one in everybody if one.typing}
    shown = [one.typing for one in room.people]
    assert shown == sorted(shown, reverse=True)
    assert sum(shown) == min(3, len(typing))


def test_room_of_keeps_the_order_of_coming() -> None:
    ada, bob = Person(user_id="ada", kind="user"), Person(user_id="bob", kind="user")

    assert room_of(TOPIC, [bob, ada, bob], most=9) == Room(topic=TOPIC, people=(bob, ada), count=2)


def test_stay_types_until_its_time() -> None:
    stay = Stay(person=Person(user_id="ada", kind="user"), typing_until=8.0)

    assert stay.at(7.9).typing
    assert not stay.at(8.0).typing


def test_allowance_ends_and_comes_back_with_time() -> None:
    allowance: Allowance | None = Allowance(since=100.0)
    taken = 0
    while allowance is not None:
        before, allowance = allowance, allowance.taken(100.0)
        taken += allowance is not None

    assert taken == changes_burst
    assert before.taken(100.4) is None
    assert before.taken(100.5) is not None


def test_pause_grows_with_the_room() -> None:
    assert pause_seconds(2) < 0.25
    assert pause_seconds(500) > 2
