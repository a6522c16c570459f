"""Passes events of Anthropic's Messages on and reads the usage among them; no I/O."""

from __future__ import annotations

import re
from typing import Final

from msgspec import structs

from tidemill.llm.dialects.anthropic.answers import tokens_of
from tidemill.llm.dialects.events import WholeEvents, objects_of
from tidemill.llm.usage.models import Tokens

_USAGE: Final = re.compile(rb'"usage"\s*:\s*\{')


class PassingMessages:
    """See `Passing`: only the first event and the one before the last are parsed."""

    def __init__(self) -> None:
        self._whole = WholeEvents()
        self.tokens: Tokens | None = None
        self.events = 0

    def feed(self, part: bytes) -> bytes:
        """See `Passing.feed`."""
        whole = self._whole.feed(part)
        self.events += whole.count(b"data:")
        if _USAGE.search(whole):
            self._count(whole)
        return whole

    def end(self) -> bytes:
        """See `Passing.end`."""
        return self._whole.end()

    def _count(self, whole: bytes) -> None:
        for event in objects_of(whole):
            begun = event.get("message")
            said = begun if isinstance(begun, dict) else event
            counted = tokens_of(said.get("usage"))
            if counted is None:
                continue
            before = self.tokens or Tokens()
            self.tokens = structs.replace(
                counted,
                input=counted.input or before.input,
                cached=counted.cached or before.cached,
            )
