"""Threads for synchronous functions."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Threads:
    """A bounded pool for synchronous functions; one that never returns keeps its thread.

    Whoever finds none free waits in line without a task of its own.
    """

    def __init__(self, threads_max: int) -> None:
        self.pool = ThreadPoolExecutor(threads_max, thread_name_prefix="tidemill-function")
        self.loop = asyncio.get_running_loop()
        self.lock = threading.Lock()
        self._free = threads_max
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, go: Callable[[], None]) -> None:
        """Call `go` now, or when a thread is free; it has to lead to `leave`."""
        if self._free > 0:
            self._free -= 1
            go()
        else:
            self._waiting.append(go)

    def leave(self) -> None:
        """Let the next one have the thread."""
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._free += 1
