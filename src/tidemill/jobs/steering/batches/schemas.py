"""Bodies of batches."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tidemill.http import Body, View
from tidemill.http.bodies import ErrorDetail
from tidemill.jobs.contract import JobState
from tidemill.jobs.control_errors import ItemError
from tidemill.jobs.queueing.queue.schemas import CreateJob
from tidemill.jobs.steering.batches.models import batch_jobs_max


class CreateJobs(Body, frozen=True, kw_only=True):
    """Jobs that are accepted together or not at all."""

    jobs: Annotated[list[CreateJob], Meta(min_length=1, max_length=batch_jobs_max)]


class AcceptedJob(View, frozen=True, kw_only=True):
    """A job of the batch; its state is another one than `queued` if it was there before."""

    id: str
    state: JobState


class BatchView(View, frozen=True, kw_only=True):
    """The jobs of the batch, in its order."""

    jobs: list[AcceptedJob]


class RefusedBatch(View, frozen=True, kw_only=True):
    """Why none of the jobs was accepted: what is wrong with each."""

    error: ErrorDetail
    errors: list[ItemError]
