"""A job that was enqueued, as its program holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from tidemill.jobs.contract import JobState
from tidemill.jobs.functions.signatures import Signature
from tidemill.library.app import Tidemill
from tidemill.library.errors import JobCancelled, JobFailed, JobTimedOut

if TYPE_CHECKING:
    from tidemill.jobs.queue.models import Job

T = TypeVar("T")

_RAISED: Final = {JobState.CANCELLED: JobCancelled, JobState.TIMED_OUT: JobTimedOut}


class JobHandle(Generic[T]):
    """Waits for a job and cancels it. Its `id` is all that another process needs."""

    __slots__ = ("_app", "_signature", "id")

    def __init__(self, app: Tidemill, id_: str, signature: Signature) -> None:
        self.id = id_
        self._app = app
        self._signature = signature

    async def result(self, timeout: float | None = None) -> T:  # noqa: ASYNC109 - as futures do
        """Return what the function returned, once it has; wait for `timeout` seconds at most.

        Raises `JobFailed`, or one of its kinds, and `TimeoutError`.
        """
        queue = await self._app.open()
        job = await queue.wait(self.id, tenant=self._app.tenant, seconds=timeout)
        if not job.state.final:
            raise TimeoutError(f"Job {self.id} is {job.state} after {timeout:g} s.")
        return self._value(job)

    async def state(self) -> JobState:
        """Return where the job is."""
        queue = await self._app.open()
        return (await queue.get(self.id, tenant=self._app.tenant)).state

    async def cancel(self) -> JobState:
        """End a job that waits, or ask a running one to stop; return where it is then."""
        queue = await self._app.open()
        return (await queue.cancel(self.id, tenant=self._app.tenant)).state

    def result_sync(self, timeout: float | None = None) -> T:
        """See `result`."""
        return self._app.run(lambda: self.result(timeout))

    def state_sync(self) -> JobState:
        """See `state`."""
        return self._app.run(self.state)

    def cancel_sync(self) -> JobState:
        """See `cancel`."""
        return self._app.run(self.cancel)

    def __repr__(self) -> str:
        return f"JobHandle({self.id!r})"

    def _value(self, job: Job) -> T:
        if job.state is JobState.SUCCEEDED:
            value: T = self._signature.decode_result((job.result or "null").encode())
            return value
        error: dict[str, Any] = {} if job.error is None else msgspec.json.decode(job.error)
        raised = _RAISED.get(job.state, JobFailed)
        raise raised(
            self.id,
            str(error.get("type", job.state)),
            str(error.get("message", "")),
            str(error.get("traceback", "")),
        )
