"""Passes events of Anthropic's Messages on and reads the usage among them; no I/O."""

from __future__ import annotations

import re
from typing import Final

from msgspec import structs

from tidemill.llm.dialects.anthropic.answers import tokens_of
from tidemill.llm.dialects.codec import StreamFailed
from tidemill.llm.dialects.events import WholeEvents, objects_of
from tidemill.llm.usage.models import Tokens

_LOOKED_AT: Final = re.compile(rb'"usage"\s*:\s*\{|"type"\s*:\s*"error"')


class PassingMessages:
    """See `Passing`: only the first event and the one before the last are parsed."""

    def __init__(self) -> None:
        self._whole = WholeEvents()
        self.tokens: Tokens | None = None
        self.is_counted = False
        self.is_told = False
        self.events = 0

    def feed(self, part: bytes) -> bytes:
        """See `Passing.feed`."""
        whole = self._whole.feed(part)
        self.events += whole.count(b"data:")
        if _LOOKED_AT.search(whole):
            self._look(whole)
        return whole

    def end(self) -> bytes:
        """See `Passing.end`."""
        return self._whole.end()

    def _look(self, whole: bytes) -> None:
        for event in objects_of(whole):
            if event.get("type") == "error":
                raise StreamFailed(str(event.get("error"))[:500])
            begun = event.get("message")
            said = begun if isinstance(begun, dict) else event
            counted = tokens_of(said.get("usage"))
            if counted is None:
                continue
            # The first event counts the input, and of the output what there is: next to nothing.
            self.is_counted = said is event
            before = self.tokens or Tokens()
            self.tokens = structs.replace(
                counted,
                input=max(counted.input, before.input),
                cached=max(counted.cached, before.cached),
            )
