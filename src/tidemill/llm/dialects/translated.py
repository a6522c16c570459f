"""A stream whose client and provider speak differently."""

from __future__ import annotations

from tidemill.llm.dialects.codec import EventReader, EventWriter
from tidemill.llm.usage.models import Tokens


class TranslatedEvents:
    """See `Passing`."""

    def __init__(self, reader: EventReader, writer: EventWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.tokens: Tokens | None = None
        self.is_counted = True
        self.is_told = False
        self.events = 0

    def feed(self, part: bytes) -> bytes:
        """See `Passing.feed`."""
        chunks = self._reader.read(part)
        self.events += len(chunks)
        for chunk in chunks:
            self.tokens = Tokens.of_openai(chunk.get("usage")) or self.tokens
        return self._writer.write(chunks)

    def end(self) -> bytes:
        """See `Passing.end`."""
        return self._writer.end()
