"""The queue without a server: what `tidemill.library` and its worker stand on."""

from __future__ import annotations

from tidemill.runtime.queue.opening import OpenQueue, open_queue
from tidemill.runtime.queue.places import DatabaseUnusable, QueuePlace, place_of
from tidemill.runtime.queue.working import QueueOptions, work_queue

__all__ = [
    "DatabaseUnusable",
    "OpenQueue",
    "QueueOptions",
    "QueuePlace",
    "open_queue",
    "place_of",
    "work_queue",
]
