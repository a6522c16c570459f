"""Server-sent events, read from pieces and written; no I/O.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

event_bytes_max: Final = 1024 * 1024
"""An event that is longer is no event of a model."""


class WholeEvents:
    """Cuts a stream after its last whole event; what has begun waits for its end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, part: bytes) -> bytes:
        """Return the events that are whole by now, or what is too long to be one."""
        data = self._rest + part if self._rest else part
        cut = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3)
        if cut < 3:  # Neither was found.
            cut = len(data) if len(data) > event_bytes_max else 0
        whole, self._rest = data[:cut], data[cut:]
        return whole

    def end(self) -> bytes:
        """Return what came after the last whole event."""
        rest, self._rest = self._rest, b""
        return rest


def data_of(event: bytes) -> Any:
    """Return the JSON that an event carries, or None where it is none."""
    lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
    try:
        return msgspec.json.decode(b"\n".join(lines)) if lines else None
    except (msgspec.DecodeError, RecursionError):
        return None


def objects_of(whole: bytes) -> list[dict[str, Any]]:
    """Return the JSON objects that whole events carry."""
    found = (data_of(event) for event in whole.replace(b"\r\n", b"\n").split(b"\n\n"))
    return [one for one in found if isinstance(one, dict)]


def event_of(data: Any, name: str | None = None) -> bytes:
    """Return an event that carries `data` as JSON."""
    head = b"" if name is None else b"event: " + name.encode() + b"\n"
    return head + b"data: " + msgspec.json.encode(data) + b"\n\n"
