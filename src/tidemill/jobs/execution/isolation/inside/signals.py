"""Signals as something to wait for."""

from __future__ import annotations

import os
import signal


def wake_on(*numbers: int) -> int:
    """Return a descriptor from which the numbers of these signals can be read as they come."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return read
