"""A terminal as a screen: drawn as a whole, with keys that count at once."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_END_OF_LINE: Final = "\x1b[K"
_END_OF_SCREEN: Final = "\x1b[J"
_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
_KILLED_BY: Final = 128
"""What shells add to a signal's number, to tell that it ended a command."""


class Screen:
    """What `screen` opens."""

    def __init__(self, wake: int) -> None:
        self._wake = wake
        self._input = sys.stdin.fileno() if sys.stdin.isatty() else None

    @property
    def size(self) -> tuple[int, int]:
        """Return columns and lines."""
        size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, lines: Sequence[str]) -> None:
        """Show `lines` in place of what was shown."""
        text = "".join(f"{line}{_END_OF_LINE}\r\n" for line in lines[: self.size[1] - 1])
        sys.stdout.write(f"{_HOME}{text}{_END_OF_SCREEN}")
        sys.stdout.flush()

    def key(self, seconds: float) -> str:
        """Return the key that is pressed within `seconds`; empty when none is, or on a wake-up."""
        watched = [self._wake] if self._input is None else [self._wake, self._input]
        ready, _, _ = select.select(watched, [], [], max(0.0, seconds))
        if self._wake in ready:
            os.read(self._wake, 4096)
        if self._input is not None and self._input in ready:
            # The end of the input is the end of the person.
            return os.read(self._input, 16).decode(errors="replace") or "q"
        return ""


@contextmanager
def screen() -> Iterator[tuple[Screen, int]]:
    """Take the terminal over while the block lasts, and leave it as it was, also when told to end.

    Also returns a file descriptor: a byte written to it ends a wait for a key, as a change of the
    window's size does.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    is_tty = sys.stdin.isatty()
    before = termios.tcgetattr(sys.stdin.fileno()) if is_tty else None
    handlers = {signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: os.write(writer, b"."))}
    handlers |= {number: signal.signal(number, _end) for number in _ENDS}
    sys.stdout.write(_ENTER)
    try:
        if is_tty:
            tty.setcbreak(sys.stdin.fileno())
        yield Screen(reader), writer
    finally:
        for number in _ENDS:
            signal.signal(number, signal.SIG_IGN)  # A second one must not break this off.
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        if before is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(_KILLED_BY + number)
