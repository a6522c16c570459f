"""Passes events of OpenAI's dialect on and reads the usage among them; no I/O."""

from __future__ import annotations

import re
from typing import Final

from tidemill.llm.dialects.events import WholeEvents, data_of
from tidemill.llm.usage.models import Tokens

_USAGE: Final = re.compile(rb'"usage"\s*:\s*\{')
_END: Final = re.compile(rb"\r?\n\r?\n")


class PassingEvents:
    """Whole events of a stream, for the client, and what they say of tokens; see `Passing`.

    No event is parsed but those with a usage, which mostly is the last. With `hide_usage` an event
    that has nothing else is kept from the client, who did not ask for it.
    """

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        self._whole = WholeEvents()
        self.tokens: Tokens | None = None
        self.events = 0

    def feed(self, part: bytes) -> bytes:
        """See `Passing.feed`."""
        whole = self._whole.feed(part)
        self.events += whole.count(b"data:")
        return self._without_usage(whole) if _USAGE.search(whole) else whole

    def end(self) -> bytes:
        """See `Passing.end`."""
        return self._whole.end()

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
        said = data_of(event)
        if not isinstance(said, dict):
            return False
        self.tokens = Tokens.of_openai(said.get("usage")) or self.tokens
        return self._hide_usage and not said.get("choices")
