"""What other features may know of jobs: ids, facts, and what jobs do for them."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any, ClassVar, Final, NewType, Protocol

import msgspec
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact, Topic, topic
from tidemill.core.module import Port
from tidemill.jobs.folders.models import function_path, place_topics
from tidemill.jobs.limits.models import Limits
from tidemill.jobs.requirements.models import Requires

JobId = NewType("JobId", str)
ScriptId = NewType("ScriptId", str)


class JobState(StrEnum):
    """Where a job is; the last four are final."""

    SCHEDULED = "scheduled"
    """Waits for its time: `run_at`, or the next attempt."""
    WAITING = "waiting"
    """Its time has come, and it waits for one of its limits: a slot of its key, or its rate."""
    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        """Return whether nothing happens to the job any more.

        >>> [str(state) for state in tidemill.JobState if state.final]
        ['succeeded', 'failed', 'cancelled', 'timed_out']
        """
        return self in FINAL_STATES


FINAL_STATES: Final = frozenset(
    {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT}
)


class JobRequest(Struct, frozen=True, kw_only=True):
    """What to run, when and for what: a deployed script by its path, a function, or code in place.

    `function` is the name of a function of the operator's own code, `package.module:name`. `id`
    is chosen by the client: the same id never runs twice. `trigger_id` names what started the job
    other than a person; such jobs have their facts on the stream. `parent_id` is the job that this
    one belongs to; what a job starts with its own token belongs to it without a word. Where the
    request is silent about `tag`, `priority` and other numbers, what was deployed decides.
    """

    script_path: str | None = None
    function: str | None = None
    language: str | None = None
    content: str | None = None
    args: dict[str, Any] = {}
    tag: str | None = None
    priority: int | None = None
    run_at: Instant | None = None
    work_item_id: str | None = None
    id: str | None = None
    timeout_seconds: int | None = None
    attempts_max: int | None = None
    isolation: str | None = None
    trigger_id: str | None = None
    labels: tuple[str, ...] = ()
    parent_id: str | None = None
    requires: Requires | None = None
    limits: Limits | None = None
    affinity_key: str | None = None


class JobSnapshot(Struct, frozen=True, kw_only=True):
    """A job as other features see it; `result` and `error` are JSON."""

    id: JobId
    state: JobState
    created_at: Instant
    work_item_id: str | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


class _JobFact(Fact, frozen=True, kw_only=True):
    """What the facts of a job have in common: the job, and the item that it runs for."""

    feature: ClassVar[str] = "jobs"

    job_id: JobId
    work_item_id: str | None
    trigger_id: str | None
    script_path: str | None
    queued_at: Instant
    function: str | None = None

    def topics(self) -> tuple[Topic, ...]:
        """Return the topics of the job, of its work item, and of the place of what it runs."""
        path = self.script_path
        if path is None and self.function is not None:
            path = function_path(self.function)
        own = (topic("job", self.job_id), *place_topics(path))
        if self.work_item_id is None:
            return own
        return (*own, topic("work-item", self.work_item_id))

    @property
    def subject(self) -> str:
        """Return the job's id."""
        return self.job_id


class JobQueued(_JobFact, frozen=True, kw_only=True):
    """A job was accepted for a work item or a trigger."""

    run_at: Instant


class JobStarted(_JobFact, frozen=True, kw_only=True):
    """An attempt of such a job began to run."""

    attempt: int
    started_at: Instant


class JobRetryScheduled(_JobFact, frozen=True, kw_only=True):
    """An attempt of such a job did not succeed, and another one will follow."""

    attempt: int
    error: str | None
    run_at: Instant


class JobFinished(_JobFact, frozen=True, kw_only=True):
    """A job of a work item or trigger has ended, or any job has failed for good.

    `result` is the result as JSON when it is short, else the beginning of its text, and then
    `result_truncated` is set. `error` is the message of the last error.
    """

    state: JobState
    attempts: int
    started_at: Instant | None
    finished_at: Instant
    result: msgspec.Raw = msgspec.Raw(b"null")
    result_truncated: bool = False
    error: str | None = None


class ScriptDeployed(Fact, frozen=True, kw_only=True):
    """A script has a new version."""

    feature: ClassVar[str] = "jobs"

    script_id: ScriptId
    path: str
    version: int
    language: str
    content_hash: str
    parent_hash: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the topics of the script and of its place."""
        return (topic("script", self.script_id), *place_topics(self.path))

    @property
    def subject(self) -> str:
        """Return the script's id."""
        return self.script_id


class ScriptArchived(Fact, frozen=True, kw_only=True):
    """A script was taken out of use; its versions stay."""

    feature: ClassVar[str] = "jobs"

    script_id: ScriptId
    path: str

    def topics(self) -> tuple[Topic, ...]:
        """Return the topics of the script and of its place."""
        return (topic("script", self.script_id), *place_topics(self.path))

    @property
    def subject(self) -> str:
        """Return the script's id."""
        return self.script_id


class _ScheduleFact(Fact, frozen=True, kw_only=True):
    """What the facts of a schedule have in common."""

    feature: ClassVar[str] = "jobs"

    schedule_id: str
    path: str

    def topics(self) -> tuple[Topic, ...]:
        """Return the topics of the schedule and of its place."""
        return (topic("schedule", self.schedule_id), *place_topics(self.path))

    @property
    def subject(self) -> str:
        """Return the schedule's id."""
        return self.schedule_id


class ScheduleCreated(_ScheduleFact, frozen=True, kw_only=True):
    """There is a new schedule."""


class ScheduleChanged(_ScheduleFact, frozen=True, kw_only=True):
    """A schedule was changed; `change` is `update`, `pause` or `resume`."""

    change: str


class ScheduleDeleted(_ScheduleFact, frozen=True, kw_only=True):
    """A schedule is gone."""


class OccurrenceSkipped(_ScheduleFact, frozen=True, kw_only=True):
    """A due time, or `dues` of them up to `through_at`, started no job, for `reason`."""

    occurrence_id: str
    due_at: Instant
    through_at: Instant
    dues: int
    missed: bool
    reason: str


class Jobs(Protocol):
    """What jobs do for the features above them."""

    async def enqueue(self, request: JobRequest, *, actor: Actor) -> JobSnapshot:
        """Accept a job; return once that is durable. Raises what `POST /jobs` answers."""
        ...

    async def find(self, reference: str, *, actor: Actor) -> JobSnapshot:
        """Return a job by its id; raises `JobNotFound`."""
        ...

    async def wait(self, reference: str, *, seconds: float, actor: Actor) -> JobSnapshot:
        """Return the job once it is final, or as it is after `seconds`."""
        ...

    async def cancel(self, reference: str, *, actor: Actor) -> JobSnapshot:
        """Ask the job to end; safe to repeat."""
        ...


class WorkItemLinks(Protocol):
    """Says who may start jobs for work items, and see them; filled above the features."""

    async def check(self, actor: Actor, work_item_id: str) -> None:
        """Return when `actor` may start jobs for the item; raises `NotFound` or `Forbidden`."""
        ...

    async def hidden(self, actor: Actor, work_item_ids: Collection[str]) -> frozenset[str]:
        """Return those of the items that are in projects which `actor` may not see."""
        ...


JOBS: Final = Port[Jobs]("jobs")
WORK_ITEM_LINKS: Final = Port[WorkItemLinks]("work item links")
