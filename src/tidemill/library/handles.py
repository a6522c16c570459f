"""A job that was enqueued, as its program holds it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from tidemill.core.clock import to_datetime
from tidemill.jobs.code.functions.signatures import Signature
from tidemill.jobs.contract import JobState
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.library.app import Tidemill
from tidemill.library.errors import JobCancelled, JobFailed, JobTimedOut, ResultExpired
from tidemill.library.kinds import check_kinds
from tidemill.library.wishes import check_wishes

if TYPE_CHECKING:
    from tidemill.jobs.queueing.queue.models import Job
    from tidemill.runtime.queue.control import QueueControl

T = TypeVar("T")

NO_CHANGES: Final[Mapping[str, Any]] = MappingProxyType({})

_RAISED: Final = {JobState.CANCELLED: JobCancelled, JobState.TIMED_OUT: JobTimedOut}


class JobHandle(Generic[T]):
    """Waits for a job and steers it. Its `id` is all that another process needs.

    Without a `signature` results are plain data, and arguments are checked by the worker alone.
    What it asks raises `JobNotFound` when the job has left the history or was never there, and
    what `Tidemill.open` does.

    >>> job = await charge.enqueue(7)
    >>> await job.result(timeout=60)
    100
    """

    __slots__ = ("_app", "_comes_later", "_signature", "id")

    def __init__(
        self,
        app: Tidemill,
        id_: str,
        signature: Signature | None,
        *,
        comes_later: bool = False,
    ) -> None:
        self.id = id_
        # Its outbox may keep it for a while, in which the queue does not know it.
        self._comes_later = comes_later
        self._app = app
        self._signature = signature

    async def result(self, timeout: float | None = None) -> T:  # noqa: ASYNC109 - as futures do
        """Return what the function returned, once it has; wait for `timeout` seconds at most.

        Raises `JobFailed`, or one of its kinds, `ResultExpired`, `TimeoutError` when it has not
        ended by then, which says what it waits for, and `TypeError` and `ValueError` for a time
        that is no number. A job that was left in a SQLite outbox by a transaction that rolled back
        never comes.

        >>> job = await refuse.enqueue(7)
        >>> await job.result(timeout=60)
        Traceback (most recent call last):
        tidemill.library.errors.JobFailed: Job ... has failed with ConnectionError: no answer to 7
        """
        check_kinds(timeout=timeout)
        queue = await self._app.open()
        job = await queue.wait(
            self.id, tenant=self._app.tenant, seconds=timeout, comes_later=self._comes_later
        )
        if not job.state.final:
            why = await (await self._control()).why(job)
            raise TimeoutError(
                f"Job {self.id} has not ended after {timeout:g} s; it is {job.state}. {why} "
                "It goes on: wait for it again with result(), or end it with cancel()."
            )
        return self._value(job)

    async def state(self) -> JobState:
        """Return where the job is. Raises `JobNotFound`.

        >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
        >>> await job.state()
        <JobState.SCHEDULED: 'scheduled'>
        """
        queue = await self._app.open()
        return (await queue.get(self.id, tenant=self._app.tenant)).state

    async def cancel(self) -> JobState:
        """End a job that waits, or ask a running one to stop; return where it is then.

        One that has ended stays as it is. Raises `JobNotFound`.

        >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
        >>> await job.cancel()
        <JobState.CANCELLED: 'cancelled'>
        """
        queue = await self._app.open()
        return (await queue.cancel(self.id, tenant=self._app.tenant)).state

    async def retry(self) -> JobHandle[T]:
        """Run it again, as a new job, if it has ended without success; the same one each time.

        Raises `JobNotRetriable` when it has not ended or has succeeded, `JobRetriedAlready` when
        its retry has left the history, `JobNotFound`, and what an enqueue does.

        >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
        >>> state = await job.cancel()
        >>> again = await job.retry()
        >>> await again.result(timeout=60)
        100
        >>> (await job.retry()).id == again.id
        True
        """
        return self._made((await (await self._control()).retry(self.id)).public_id)

    async def rerun(
        self,
        args: Mapping[str, Any] = NO_CHANGES,
        *,
        tag: str | None = None,
        priority: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of the job
        attempts: int | None = None,
    ) -> JobHandle[T]:
        """Run what it ran once more, as a new job each time; `args` are put over the old ones.

        Raises `ArgumentsInvalid`, which names the argument, `TypeError` and `ValueError` for what
        a change cannot be, `JobNotFound`, and what an enqueue does.

        >>> job = await charge.enqueue(7)
        >>> again = await job.rerun({"cents": 300}, priority=1)
        >>> await again.result(timeout=60)
        300
        """
        from tidemill.jobs.steering.control.models import Changes  # noqa: PLC0415 - `import tidemill` stays cheap

        check_wishes(tag=tag, priority=priority, timeout=timeout, attempts=attempts)
        if not isinstance(args, Mapping):
            raise TypeError(
                f'args must be arguments by name, such as {{"number": 1}}, not {args!r}.'
            )
        changes = Changes(
            args=await self._arguments(args) if args else None,
            tag=tag,
            priority=priority,
            timeout_seconds=None if timeout is None else max(1, round(timeout)),
            attempts_max=attempts,
        )
        return self._made((await (await self._control()).rerun(self.id, changes)).public_id)

    async def snooze(self, delay: float | timedelta) -> datetime:
        """Let it wait for so long from now on, if it has not started; return until when.

        Raises `JobNotWaiting` when a worker has it or it has ended, `InvalidJobField` for less
        than a second, more than 366 days, or longer than its limits let it live, `TypeError`, and
        `JobNotFound`.

        >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
        >>> await job.snooze(timedelta(days=1)) > datetime.now(UTC) + timedelta(hours=1)
        True
        """
        check_wishes(delay=delay)
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
        return to_datetime((await (await self._control()).snooze(self.id, seconds)).due_at)

    async def run_now(self) -> JobState:
        """Let it start that waits for its time, or for its next attempt; return where it is.

        Raises `JobNotWaiting` when a worker has it or it has ended, and `JobNotFound`.

        >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
        >>> state = await job.run_now()
        >>> await job.result(timeout=60)
        100
        """
        return (await (await self._control()).run_now(self.id)).state

    def result_sync(self, timeout: float | None = None) -> T:
        """See `result`."""
        return self._app.run(lambda: self.result(timeout))

    def state_sync(self) -> JobState:
        """See `state`."""
        return self._app.run(self.state)

    def cancel_sync(self) -> JobState:
        """See `cancel`."""
        return self._app.run(self.cancel)

    def retry_sync(self) -> JobHandle[T]:
        """See `retry`."""
        return self._app.run(self.retry)

    def rerun_sync(
        self,
        args: Mapping[str, Any] = NO_CHANGES,
        *,
        tag: str | None = None,
        priority: int | None = None,
        timeout: float | None = None,
        attempts: int | None = None,
    ) -> JobHandle[T]:
        """See `rerun`."""
        return self._app.run(
            lambda: self.rerun(args, tag=tag, priority=priority, timeout=timeout, attempts=attempts)
        )

    def snooze_sync(self, delay: float | timedelta) -> datetime:
        """See `snooze`."""
        return self._app.run(lambda: self.snooze(delay))

    def run_now_sync(self) -> JobState:
        """See `run_now`."""
        return self._app.run(self.run_now)

    def __repr__(self) -> str:
        return f"JobHandle({self.id!r})"

    def _value(self, job: Job) -> T:
        if job.result_expired:
            raise ResultExpired(self.id)
        if job.state is JobState.SUCCEEDED:
            result = (job.result or "null").encode()
            value: T = (
                msgspec.json.decode(result)
                if self._signature is None
                else self._signature.decode_result(result)
            )
            return value
        error: dict[str, Any] = {} if job.error is None else msgspec.json.decode(job.error)
        raised = _RAISED.get(job.state, JobFailed)
        raise raised(
            self.id,
            str(error.get("type", job.state)),
            str(error.get("message", "")),
            str(error.get("traceback", "")),
        )

    async def _control(self) -> QueueControl:
        from tidemill.runtime.queue.control import QueueControl  # noqa: PLC0415 - as above

        return QueueControl(await self._app.open(), self._app.tenant)

    def _made(self, job_id: str) -> JobHandle[T]:
        return JobHandle(self._app, job_id, self._signature)

    async def _arguments(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as plain data: the job's own, with `changes` over them, checked."""
        if self._signature is None:
            try:
                msgspec.json.encode(changes)
            except (TypeError, ValueError) as error:
                raise ArgumentsInvalid(None, f"They have no form in JSON ({error}).") from None
            return dict(changes)
        queue = await self._app.open()
        job = await queue.get(self.id, tenant=self._app.tenant)
        encoded = self._signature.encode((), {**msgspec.json.decode(job.args), **changes})
        arguments: dict[str, Any] = msgspec.json.decode(encoded)
        return arguments
