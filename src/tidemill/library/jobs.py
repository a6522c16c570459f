"""The jobs of a queue: to find, to cancel and to run again, one by one or many at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack

import msgspec
from msgspec import Struct

from tidemill.core.clock import Instant, from_datetime, to_datetime
from tidemill.jobs.contract import JobId, JobState
from tidemill.library.app import Tidemill
from tidemill.library.handles import JobHandle
from tidemill.library.kinds import KINDS, check_kinds, moment_of
from tidemill.library.wishes import check_wishes

if TYPE_CHECKING:
    from tidemill.jobs.queueing.queue.models import Job
    from tidemill.jobs.records.search.models import JobFilter
    from tidemill.jobs.steering.bulk.models import BulkResult, Refusal
    from tidemill.runtime.queue.control import QueueControl

limit_default: Final = 50


class Wanted(TypedDict, total=False):
    """Which jobs are meant, as `GET /api/v1/jobs` says it; what is left out does not matter.

    `path` is the name of a function or the path of a script, with `*` at its end for anything.
    `since` and `until` are about when the job was made: an instant, or how long ago.
    """

    state: JobState | str
    path: str
    tag: str
    label: str
    actor: str
    work_item_id: str
    parent_id: str
    root_id: str
    since: datetime | timedelta
    until: datetime | timedelta


class JobInfo(Struct, frozen=True, kw_only=True):
    """A job as it was when it was read. `function` or `script_path` is what it runs.

    A list leaves out long `args`, which then are None; `get` returns them.

    >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
    >>> info = await tidemill.Jobs().get(job.id)
    >>> info.function, info.args, info.attempts
    ('shop.tasks:charge', {'number': 7}, 0)
    """

    id: str
    state: JobState
    function: str | None
    script_path: str | None
    args: dict[str, Any] | None
    tag: str
    priority: int
    labels: tuple[str, ...]
    attempts: int
    attempts_max: int
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: dict[str, Any] | None
    parent_id: str | None
    work_item_id: str | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return what there is to see of `job`."""
        return cls(
            id=job.public_id,
            state=job.state,
            function=job.function,
            script_path=job.script_path,
            args=msgspec.json.decode(job.args) if job.args else None,
            tag=job.tag,
            priority=job.priority,
            labels=() if job.labels is None else tuple(msgspec.json.decode(job.labels)),
            attempts=job.attempts,
            attempts_max=job.attempts_max,
            created_at=to_datetime(job.created_at),
            run_at=to_datetime(job.due_at),
            started_at=_moment(job.started_at),
            finished_at=_moment(job.finished_at),
            error=None if job.error is None else msgspec.json.decode(job.error),
            parent_id=job.parent_id,
            work_item_id=job.work_item_id,
        )


class JobPage(Struct, frozen=True, kw_only=True):
    """A part of a list; `next_cursor` is for the next one, and None on the last.

    >>> later = charge.options(run_at=timedelta(hours=1), labels=["page"])
    >>> jobs = await later.enqueue_many([(7,), (8,), (9,)])
    >>> page = await tidemill.Jobs().list(label="page", limit=2)
    >>> rest = await tidemill.Jobs().list(label="page", limit=2, cursor=page.next_cursor)
    >>> sorted(info.args["number"] for info in (*page.items, *rest.items)), rest.next_cursor
    ([7, 8, 9], None)
    """

    items: list[JobInfo]
    next_cursor: str | None


class Changed(Struct, frozen=True, kw_only=True):
    """What a change of many jobs did, or a dry run of it would do.

    `more` says that a dry run stopped counting. `refused` are the first jobs that were left as
    they are, and why.

    >>> later = charge.options(run_at=timedelta(hours=1), labels=["changed"])
    >>> jobs = await later.enqueue_many([(7,), (8,)])
    >>> would = await tidemill.Jobs().cancel(label="changed", dry_run=True)
    >>> would.matched, would.changed
    (2, 0)
    """

    matched: int
    changed: int
    more: bool
    refused: tuple[Refusal, ...]


class Jobs:
    """The jobs of a queue; without one, of the program's own.

    >>> jobs = tidemill.Jobs(app)
    >>> page = await jobs.list(state="failed", since=timedelta(days=1))
    """

    def __init__(self, app: Tidemill | None = None) -> None:
        check_wishes(app=app)
        self._given = app

    def handle(self, job_id: str) -> JobHandle[Any]:
        """Return the handle of any job; one of a known function is `function.handle(id)`.

        >>> job = await charge.enqueue(7)
        >>> await tidemill.Jobs().handle(job.id).result(timeout=60)
        100
        """
        check_kinds(job_id=job_id)
        return JobHandle(self._app, JobId(job_id), None)

    async def get(self, job_id: str) -> JobInfo:
        """Return a job as it is now. Raises `JobNotFound`.

        >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
        >>> (await tidemill.Jobs().get(job.id)).state
        <JobState.SCHEDULED: 'scheduled'>
        >>> await tidemill.Jobs().get("order-7")
        Traceback (most recent call last):
        tidemill.jobs.errors.JobNotFound: There is no job 'order-7'.
        """
        check_kinds(job_id=job_id)
        queue = await self._app.open()
        return JobInfo.of(await queue.get(job_id, tenant=self._app.tenant))

    async def list(
        self, *, limit: int = limit_default, cursor: str | None = None, **wanted: Unpack[Wanted]
    ) -> JobPage:
        """Return jobs that fit, waiting, running and finished, the latest first.

        `limit` is 200 at most. Raises `InvalidJobField` for a field that no job could have,
        `InvalidInput` for the limit, `InvalidCursor`, `TypeError` for a field that there is not or
        that has another type, and `ValueError` for a time without a zone.

        >>> job = await charge.options(labels=["customer:7"]).enqueue(7)
        >>> page = await tidemill.Jobs().list(label="customer:7", path="shop.*")
        >>> [info.id == job.id for info in page.items]
        [True]
        >>> await tidemill.Jobs().list(colour="red")
        Traceback (most recent call last):
        TypeError: Jobs are not searched by colour.
        """
        check_kinds(limit=limit, cursor=cursor)
        control = await self._control()
        found = await control.list(_filter(wanted), limit=limit, cursor=cursor)
        items = [JobInfo.of(job) for job in found.items]
        return JobPage(items=items, next_cursor=found.next_cursor)

    async def cancel(self, *, dry_run: bool = False, **wanted: Unpack[Wanted]) -> Changed:
        """Cancel all jobs that fit and have not ended; some field has to say which.

        They are taken in portions, each in a transaction of its own. Raises `FilterMissing` when
        no field besides `state` says which, `FilterStateWrong` for a state in which nothing can be
        cancelled, and for wrong fields what `list` does.

        >>> job = await charge.options(run_at=timedelta(hours=1), labels=["storm"]).enqueue(7)
        >>> (await tidemill.Jobs().cancel(label="storm")).changed
        1
        >>> await tidemill.Jobs().cancel()
        Traceback (most recent call last):
        tidemill.jobs.control_errors.FilterMissing: Say which jobs are meant, ...
        """
        check_kinds(dry_run=dry_run)
        control = await self._control()
        return _changed(await control.cancel_all(_filter(wanted), dry_run=dry_run))

    async def retry(self, *, dry_run: bool = False, **wanted: Unpack[Wanted]) -> Changed:
        """Run all jobs again that fit, have ended without success and were not retried yet.

        Without a `state` these are those that have failed for good. What cannot be retried is in
        `refused`. Raises `FilterMissing` and `FilterStateWrong`, and for wrong fields what `list`
        does.

        >>> job = await charge.options(run_at=timedelta(hours=1), labels=["calm"]).enqueue(7)
        >>> state = await job.cancel()
        >>> (await tidemill.Jobs().retry(label="calm", state="cancelled")).changed
        1
        """
        check_kinds(dry_run=dry_run)
        control = await self._control()
        return _changed(await control.retry_all(_filter(wanted), dry_run=dry_run))

    def get_sync(self, job_id: str) -> JobInfo:
        """See `get`; for programs without an event loop."""
        return self._app.run(lambda: self.get(job_id))

    def list_sync(
        self, *, limit: int = limit_default, cursor: str | None = None, **wanted: Unpack[Wanted]
    ) -> JobPage:
        """See `list`."""
        return self._app.run(lambda: self.list(limit=limit, cursor=cursor, **wanted))

    def cancel_sync(self, *, dry_run: bool = False, **wanted: Unpack[Wanted]) -> Changed:
        """See `cancel`."""
        return self._app.run(lambda: self.cancel(dry_run=dry_run, **wanted))

    def retry_sync(self, *, dry_run: bool = False, **wanted: Unpack[Wanted]) -> Changed:
        """See `retry`."""
        return self._app.run(lambda: self.retry(dry_run=dry_run, **wanted))

    @property
    def _app(self) -> Tidemill:
        return self._given or Tidemill.own()

    async def _control(self) -> QueueControl:
        from tidemill.runtime.queue.control import QueueControl  # noqa: PLC0415 - `import tidemill` stays cheap

        return QueueControl(await self._app.open(), self._app.tenant)


def _filter(wanted: Wanted) -> JobFilter:
    from tidemill.jobs.errors import InvalidJobField  # noqa: PLC0415 - as above
    from tidemill.jobs.records.search.models import JobFilter  # noqa: PLC0415 - as above

    fields: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    unknown = fields.keys() - Wanted.__annotations__.keys()
    if unknown:
        near = get_close_matches(min(unknown), Wanted.__annotations__, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise TypeError(f"Jobs are not searched by {', '.join(sorted(unknown))}.{meant}")
    state = fields.get("state", JobState.QUEUED)
    if not isinstance(state, str) or state not in set(JobState):
        raise InvalidJobField("state", f"one of {', '.join(JobState)}")
    moments = {name: fields.pop(name) for name in ("since", "until") if name in fields}
    check_kinds(**{name: value for name, value in fields.items() if name != "state"})
    for name, moment in moments.items():
        # Both may be said as how long ago.
        check_kinds({name: KINDS["since"]}, **{name: moment})
        fields[name] = from_datetime(moment_of(name, moment, ago=True))
    if "actor" in fields:
        fields["actor_id"] = fields.pop("actor")
    if "state" in fields:
        fields["state"] = JobState(fields["state"])
    return JobFilter(**fields)


def _changed(result: BulkResult) -> Changed:
    return Changed(
        matched=result.matched, changed=result.changed, more=result.more, refused=result.refused
    )


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
