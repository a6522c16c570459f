"""Rooms and the people in them, as plain values. Seconds are of a clock that never goes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Self

from msgspec import Struct, structs

from tidemill.core.facts import Topic

people_shown_max: Final = 50
people_told_max: Final = 200
topics_max: Final = 10
typing_seconds: Final = 8.0
pause_seconds_min: Final = 0.2
pause_seconds_per_person: Final = 0.004
changes_per_second: Final = 2.0
changes_burst: Final = 20.0


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who is there, once, with however many windows.

    `user_id` is whose rights apply, or the credential's own id where it acts for nobody; `kind`
    is the actor's.
    """

    user_id: str
    kind: str
    typing: bool = False


class Room(Struct, frozen=True, kw_only=True):
    """Who is at `topic`: the first of them, in the order of their coming, and how many in all."""

    topic: Topic
    people: tuple[Person, ...] = ()
    count: int = 0


class Stay(Struct, frozen=True, kw_only=True):
    """One connection's being somewhere; it types until `typing_until`."""

    person: Person
    typing_until: float = 0.0

    def at(self, now: float) -> Person:
        """Return the person as it is now."""
        return structs.replace(self.person, typing=self.typing_until > now)


class Allowance(Struct, frozen=True, kw_only=True):
    """How many more changes a connection may tell of: a bucket that fills as time goes by."""

    left: float = changes_burst
    since: float = 0.0

    def taken(self, now: float) -> Self | None:
        """Return what is left after one more change, or None when that is too many."""
        left = min(changes_burst, self.left + (now - self.since) * changes_per_second)
        return None if left < 1 else structs.replace(self, left=left - 1, since=now)


def room_of(topic: Topic, people: Iterable[Person], *, more: int = 0, most: int) -> Room:
    """Return who is there, each once, at most `most` by name; `more` are known by number alone.

    Those who type come first, so that they are named even in a full room.
    """
    by_name: dict[tuple[str, str], Person] = {}
    for person in people:
        key = (person.kind, person.user_id)
        known = by_name.get(key)
        if known is None or (person.typing and not known.typing):
            by_name[key] = person
    found = sorted(by_name.values(), key=lambda one: not one.typing)
    return Room(topic=topic, people=tuple(found[:most]), count=len(found) + more)


def unnamed(rooms: Sequence[Room]) -> int:
    """Return how many are in `rooms` whom these do not name."""
    return sum(room.count - len(room.people) for room in rooms)


def pause_seconds(count: int) -> float:
    """Return how long to wait between two words about a room.

    Everybody in it is told of everybody: the fuller it is, the more each word costs.
    """
    return pause_seconds_min + pause_seconds_per_person * count
