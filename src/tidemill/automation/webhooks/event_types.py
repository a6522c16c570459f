"""The names by which webhooks choose facts; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from tidemill.automation.errors import InvalidWebhook, UnknownEventType
from tidemill.core.facts import Fact

PING: Final = "webhook.ping"
patterns_max: Final = 50
_WORD_START: Final = re.compile(r"(?<!^)(?=[A-Z])")
_PATTERN: Final = re.compile(r"[a-z0-9_.]{0,80}\*|[a-z0-9_.]{1,80}")


class EventType(Struct, frozen=True, kw_only=True):
    """A fact as webhooks name it; who wants `of_one`, what tells the same of one thing, wants it.

    Otherwise what happens to many things at once would pass by those who ask for each of them.
    """

    name: str
    fact: str
    feature: str
    meaning: str
    of_one: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return by which names it is wanted."""
        return (self.name,) if self.of_one is None else (self.name, self.of_one)


def event_name(fact: str) -> str:
    """Return the event type of a fact: `WorkItemCreated` is `work_item.created`."""
    thing, _, verb = _WORD_START.sub("_", fact).lower().rpartition("_")
    return f"{thing}.{verb}" if thing else verb


def event_types(facts: Iterable[type[Fact]]) -> tuple[EventType, ...]:
    """Return the types of `facts`, without those that are bases of others, by name."""
    found = {
        fact.__name__: EventType(
            name=event_name(fact.__name__),
            fact=fact.__name__,
            feature=fact.feature,
            meaning=(fact.__doc__ or "").strip().partition("\n")[0],
            of_one=None if fact.of_one is None else event_name(fact.of_one),
        )
        for fact in facts
        if not fact.__subclasses__()
    }
    return tuple(sorted(found.values(), key=lambda one: one.name))


def fits(pattern: str, name: str) -> bool:
    """Return whether `pattern`, a name or a begin with `*` behind it, fits the event type."""
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def checked_patterns(patterns: Sequence[str], known: Sequence[EventType]) -> tuple[str, ...]:
    """Return `patterns` once each; raises `UnknownEventType` for one that fits nothing."""
    wanted = tuple(dict.fromkeys(pattern.strip().lower() for pattern in patterns))
    if not wanted or len(wanted) > patterns_max:
        raise InvalidWebhook("events", f"Name 1 to {patterns_max} event types, or * for all.")
    names = [one.name for one in known]
    for pattern in wanted:
        if not _PATTERN.fullmatch(pattern) or not any(fits(pattern, name) for name in names):
            raise UnknownEventType(pattern, names)
    return wanted
