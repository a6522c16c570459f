"""Log lines with their time and level, as every runner writes them."""

from __future__ import annotations

import os
import time


def say(level: str, text: str) -> None:
    """Write one line: `2026-11-21T12:00:00.123Z INFO text`."""
    os.write(1, f"{stamp(time.time())} {level} {text}\n".encode())


def stamp(seconds: float) -> str:
    """Return an instant in RFC 3339, with milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03}Z"
