"""A function that leaves a line in a file outside of every store, each time that it runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import tidemill


@tidemill.job
async def leave(number: int, file: Path, seconds: float) -> int:
    """Append the number and the worker's process; return the number."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, f"{number} {os.getpid()}\n".encode())
    finally:
        os.close(descriptor)
    await asyncio.sleep(seconds)
    return number
