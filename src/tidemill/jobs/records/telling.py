"""Who may tell anything of a job: the job itself."""

from __future__ import annotations

from tidemill.core.actor import Actor, ActorKind
from tidemill.jobs.queueing.queue.models import Job


def is_itself(actor: Actor, job: Job) -> bool:
    """Return whether `actor` is the job, by its own token."""
    return actor.kind is ActorKind.JOB and actor.id in {job.id, job.public_id}
