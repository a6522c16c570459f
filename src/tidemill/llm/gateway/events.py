"""Reads the usage out of a stream of events that passes by; no I/O.

Source of the framing: https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from tidemill.llm.usage.models import Tokens

event_bytes_max: Final = 1024 * 1024
"""An event that is longer passes in pieces, and its usage is not read."""
_USAGE: Final = re.compile(rb'"usage"\s*:\s*\{')
_END: Final = re.compile(rb"\r?\n\r?\n")


class PassingEvents:
    """Whole events of a stream, for the client, and what they say of tokens.

    No event is parsed but those with a usage, which mostly is the last. With `hide_usage` an event
    that has nothing else is kept from the client, who did not ask for it.
    """

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        self._rest = b""
        self.tokens: Tokens | None = None
        self.events = 0

    def feed(self, part: bytes) -> bytes:
        """Return the events that are whole by now; what has begun waits for its end."""
        data = self._rest + part if self._rest else part
        cut = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3)
        if cut < 3:
            if len(data) <= event_bytes_max:
                self._rest = data
                return b""
            cut = len(data)
        whole, self._rest = data[:cut], data[cut:]
        self.events += whole.count(b"data:")
        return self._without_usage(whole) if _USAGE.search(whole) else whole

    def end(self) -> bytes:
        """Return what came after the last whole event."""
        rest, self._rest = self._rest, b""
        return rest

    def _without_usage(self, whole: bytes) -> bytes:
        kept: list[bytes] = []
        begin = 0
        for found in _END.finditer(whole):
            event, begin = whole[begin : found.end()], found.end()
            if not _USAGE.search(event) or not self._is_usage_alone(event):
                kept.append(event)
        kept.append(whole[begin:])
        return b"".join(kept)

    def _is_usage_alone(self, event: bytes) -> bool:
        said = _data_of(event)
        if not isinstance(said, dict):
            return False
        self.tokens = Tokens.of_openai(said.get("usage")) or self.tokens
        return self._hide_usage and not said.get("choices")


def _data_of(event: bytes) -> Any:
    lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
    try:
        return msgspec.json.decode(b"\n".join(lines))
    except (msgspec.DecodeError, RecursionError):
        return None
