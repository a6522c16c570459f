"""Where the lines of all logs of this process go: one stream."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from contextlib import suppress
from typing import BinaryIO, Final

# What a pipe takes in one piece, so that lines of several processes never mix within a line.
_piece_bytes_max: Final = 4096
_held_lines_max: Final = 256


class Sink:
    """Writes lines; a log that cannot be written must not break what is logged.

    A line of a request may be held until the loop has served all that is ready, so that busy
    processes write once for many. Any other line writes what is held before it.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self.stream = stream or sys.stderr.buffer
        self._held: deque[bytes] = deque()
        self._flushing: asyncio.AbstractEventLoop | None = None

    def write(self, line: bytes) -> None:
        """Write `line` now."""
        if self._held:
            self._held.append(line)
            self.flush()
        else:
            self._out(line)

    def hold(self, line: bytes) -> None:
        """Write `line` at the end of this turn of the running loop."""
        self._held.append(line)
        loop = asyncio.get_running_loop()
        if self._flushing is not loop:
            # A loop that closed before its call came cannot keep another one waiting.
            self._flushing = loop
            loop.call_soon(self._turn_ended)
        elif len(self._held) >= _held_lines_max:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        piece = bytearray()
        # Threads may flush at once: each line is taken by one of them.
        with suppress(IndexError):
            while True:
                line = self._held.popleft()
                if piece and len(piece) + len(line) > _piece_bytes_max:
                    self._out(piece)
                    piece = bytearray()
                piece += line
        if piece:
            self._out(piece)

    def _turn_ended(self) -> None:
        self._flushing = None
        self.flush()

    def _out(self, piece: bytes | bytearray) -> None:
        try:
            self.stream.write(piece)
            self.stream.flush()
        except (OSError, ValueError):
            return


SINK: Final = Sink()

# A fork would write its copy of what is held a second time.
os.register_at_fork(before=SINK.flush)
