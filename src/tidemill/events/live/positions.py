"""Topics and positions as they stand in addresses and headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.core.facts import Topic
from tidemill.events.errors import InvalidStreamPosition
from tidemill.events.wire.incoming import check_topics

digits_max: Final = 18


def read_topics(values: Iterable[str]) -> tuple[Topic, ...]:
    """Return the topics of `topics=a,b&topics=c`. Raises `InvalidTopic`."""
    return check_topics([part for value in values for part in value.split(",") if part])


def read_position(text: str | None) -> tuple[int | None, str | None]:
    """Return number and epoch of `number` or `epoch:number`. Raises `InvalidStreamPosition`."""
    if not text:
        return None, None
    epoch, _, number = text.rpartition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= digits_max):
        raise InvalidStreamPosition
    return int(number), epoch or None
