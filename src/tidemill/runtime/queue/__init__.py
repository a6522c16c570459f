"""The queue without a server: what `tidemill.library` and its worker stand on."""

from __future__ import annotations

from tidemill.infrastructure.database.migrations import MigrationFailed
from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse
from tidemill.infrastructure.messaging.errors import BusUnavailable
from tidemill.runtime.queue.borrowing import (
    NoTransaction,
    OutboxMissing,
    WrongDatabase,
    create_outbox,
    enqueue_in,
    enqueue_in_sync,
    leave,
    prepare,
)
from tidemill.runtime.queue.identity import TooManyWorkers
from tidemill.runtime.queue.opening import OpenQueue, open_queue
from tidemill.runtime.queue.places import DatabaseUnusable, QueuePlace, place_of
from tidemill.runtime.queue.working import QueueOptions, QueueWorker, queue_worker, work_queue

__all__ = [
    "BusUnavailable",
    "DataDirectoryInUse",
    "DatabaseUnusable",
    "MigrationFailed",
    "NoTransaction",
    "OpenQueue",
    "OutboxMissing",
    "QueueOptions",
    "QueuePlace",
    "QueueWorker",
    "TooManyWorkers",
    "WrongDatabase",
    "create_outbox",
    "enqueue_in",
    "enqueue_in_sync",
    "leave",
    "open_queue",
    "place_of",
    "prepare",
    "queue_worker",
    "work_queue",
]
