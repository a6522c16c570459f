"""A job that was given to a worker, as far as the dispatcher needs it; no I/O."""

from __future__ import annotations

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.jobs.code.functions.models import FUNCTION
from tidemill.jobs.contract import JobId
from tidemill.jobs.queueing.queue.models import Job, path_of, topics_of
from tidemill.jobs.queueing.specs.models import Spec


class Claimed(Struct, frozen=True, gc=False):
    """A held job: what is its own, and what it has in common with others in `spec`.

    `position` is its place in the table on SQLite, 0 where it is not known.
    """

    spec: Spec
    tenant_id: TenantId
    id: str
    epoch: int
    attempts: int
    due_at: Instant
    args: str
    key: str | None = None
    work_item_id: str | None = None
    trigger_id: str | None = None
    traceparent: str | None = None
    position: int = 0

    @property
    def public_id(self) -> JobId:
        """See `Job.public_id`."""
        return JobId(self.key if self.key is not None else self.id)

    @property
    def function(self) -> str | None:
        """See `Job.function`."""
        return function_of(self.spec)

    @property
    def followed(self) -> bool:
        """See `Job.followed`."""
        return self.work_item_id is not None or self.trigger_id is not None

    @property
    def topics(self) -> tuple[Topic, ...]:
        """See `Job.topics`."""
        path = path_of(self.spec.script_path, self.function)
        return topics_of(self.public_id, self.work_item_id, path)


def function_of(spec: Spec) -> str | None:
    """Return the function that jobs of `spec` call, if they call one."""
    return spec.content if spec.language == FUNCTION else None


def claimed(job: Job) -> Claimed:
    """Return a job that its worker holds already."""
    return Claimed(
        spec_of(job),
        job.tenant_id,
        job.id,
        job.epoch,
        job.attempts,
        job.due_at,
        job.args,
        job.key,
        job.work_item_id,
        job.trigger_id,
        job.traceparent,
    )


def spec_of(job: Job) -> Spec:
    """Return what `job` has in common with others."""
    return Spec(
        job.tenant_id,
        job.tag,
        job.isolation,
        job.priority,
        job.actor,
        job.script_path,
        job.language,
        job.content_hash,
        job.content,
        job.timeout_seconds,
        job.attempts_max,
        job.requires,
        job.limits,
        job.own,
    )
