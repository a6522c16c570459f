"""Threads that share lanes of work: a lane is with at most `width` threads at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

J = TypeVar("J")


class Lane(Generic[J]):
    """Work that waits for one file, served in order, many at a time."""

    def __init__(self, serve: Callable[[list[J]], None], *, width: int, batch_max: int) -> None:
        self.serve = serve
        self.width = width
        self.batch_max = batch_max
        self.waiting: deque[J] = deque()
        self.serving = 0


class Crew(Generic[J]):
    """A fixed number of threads over any number of lanes, fair between them."""

    def __init__(self, name: str, threads: int) -> None:
        self._ready: SimpleQueue[Lane[J] | None] = SimpleQueue()
        self._lock = threading.Condition()
        self._busy = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"tidemill-{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane[J], job: J) -> None:
        """Queue `job`; jobs of one lane start in the order in which they came."""
        with self._lock:
            lane.waiting.append(job)
            if lane.serving >= lane.width:
                return
            lane.serving += 1
            self._busy += 1
        self._ready.put(lane)

    def stop(self, *, seconds: float) -> None:
        """Let the threads finish what is queued and end."""
        with self._lock:
            self._lock.wait_for(lambda: self._busy == 0, seconds)
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(seconds)

    def _work(self) -> None:
        while (lane := self._ready.get()) is not None:
            batch: list[J] = []
            while lane.waiting and len(batch) < lane.batch_max:
                try:
                    batch.append(lane.waiting.popleft())
                except IndexError:  # Another thread of a wide lane was faster.
                    break
            if batch:
                lane.serve(batch)
            with self._lock:
                if not lane.waiting:
                    lane.serving -= 1
                    self._busy -= 1
                    self._lock.notify_all()
                    continue
            self._ready.put(lane)
