"""Passes events of OpenAI's dialect on and reads the usage among them; no I/O."""

from __future__ import annotations

import re
from typing import Final

from tidemill.llm.dialects.codec import StreamFailed
from tidemill.llm.dialects.events import WholeEvents, data_of
from tidemill.llm.usage.models import Tokens

_LOOKED_AT: Final = re.compile(rb'"(?:usage|error)"\s*:\s*\{')
_DONE: Final = re.compile(rb"data: ?\[DONE\]\s*$")
_END: Final = re.compile(rb"\r?\n\r?\n")


class PassingEvents:
    """Whole events of a stream, for the client, and what they say of tokens; see `Passing`.

    No event is parsed but those with a usage, which mostly is the last, or with an error, which
    ends the stream. With `hide_usage` an event that has nothing else than the usage is kept from
    the client, who did not ask for it.
    """

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        self._whole = WholeEvents()
        self.tokens: Tokens | None = None
        self.is_counted = True
        self.is_told = False
        self._failure: StreamFailed | None = None
        self.events = 0

    def feed(self, part: bytes) -> bytes:
        """See `Passing.feed`."""
        if self._failure is not None:
            raise self._failure
        whole = self._whole.feed(part)
        self.events += whole.count(b"data:")
        self.is_told = _DONE.search(whole[-32:]) is not None
        return self._shown(whole) if _LOOKED_AT.search(whole) else whole

    def end(self) -> bytes:
        """See `Passing.end`."""
        if self._failure is not None:
            raise self._failure
        return self._whole.end()

    def _shown(self, whole: bytes) -> bytes:
        kept: list[bytes] = []
        begin = 0
        for found in _END.finditer(whole):
            event, begin = whole[begin : found.end()], found.end()
            if not _LOOKED_AT.search(event) or not self._is_hidden(event):
                kept.append(event)
            if self._failure is not None:
                # What came before it is shown; then the stream has failed.
                self.is_told = False
                return b"".join(kept)
        kept.append(whole[begin:])
        return b"".join(kept)

    def _is_hidden(self, event: bytes) -> bool:
        said = data_of(event)
        if not isinstance(said, dict):
            return False
        if isinstance(failure := said.get("error"), dict):
            self._failure = StreamFailed(str(failure.get("message", ""))[:500])
            return True
        self.tokens = Tokens.of_openai(said.get("usage")) or self.tokens
        return self._hide_usage and not said.get("choices")
