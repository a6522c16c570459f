"""Reads server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct


class StreamEvent(Struct, frozen=True, kw_only=True):
    """One event of a stream."""

    id: str | None = None
    event: str = "message"
    data: str = ""

    def json(self) -> Any:
        """Return the data as what its JSON says; the text itself when it is none."""
        try:
            return json.loads(self.data)
        except ValueError:
            return self.data


def events(lines: Iterable[str]) -> Iterator[StreamEvent]:
    """Yield the events that `lines` hold; comments and empty events are passed over."""
    fields: dict[str, str] = {}
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield StreamEvent(
                    id=fields.get("id"), event=fields.get("event", "message"), data="\n".join(data)
                )
            fields, data = {}, []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name:
            fields[name] = value
