"""What happens to a job that somebody follows; no I/O."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.logs.service import LogPage
from tidemill.jobs.records.progress.models import Progress


class Created(Struct, frozen=True):
    """The job is durable; always the first event."""

    job: Job


class Ended(Struct, frozen=True):
    """The job has come to its end; always the last event, unless the stream was cut."""

    job: Job


Event: TypeAlias = Created | LogPage | Progress | Ended
