"""What waiting for a job's result may raise."""

from __future__ import annotations

from typing import ClassVar


class JobFailed(Exception):
    """The job has failed for good; `type`, `message` and `traceback` are those of its error.

    >>> job = await refuse.enqueue(7)
    >>> try:
    ...     await job.result(timeout=60)
    ... except tidemill.JobFailed as failed:
    ...     print(failed.type, failed.message)
    ConnectionError no answer to 7
    """

    _ended: ClassVar[str] = "has failed with {type}: {message}"

    def __init__(self, job_id: str, type_: str, message: str, traceback: str) -> None:
        super().__init__(f"Job {job_id} {self._ended.format(type=type_, message=message)}")
        self.job_id = job_id
        self.type = type_
        self.message = message
        self.traceback = traceback


class JobCancelled(JobFailed):
    """The job was cancelled, by `cancel` or by the limits of another one.

    >>> job = await charge.options(run_at=timedelta(hours=1)).enqueue(7)
    >>> state = await job.cancel()
    >>> try:
    ...     await job.result(timeout=60)
    ... except tidemill.JobCancelled as cancelled:
    ...     print(cancelled.job_id == job.id)
    True
    """

    _ended = "was cancelled."


class JobTimedOut(JobFailed):
    """The job ran longer than it may, in its last attempt.

    >>> job = await sail.options(timeout=1).enqueue()
    >>> try:
    ...     await job.result(timeout=60)
    ... except tidemill.JobTimedOut:
    ...     print("It took too long.")
    It took too long.
    """

    _ended = "has run out of time: {message}"


class ResultExpired(LookupError):
    """The job has succeeded, and its result was kept for as long as its limits said.

    >>> brief = charge.options(limits=tidemill.Limits(result_ttl_seconds=60))
    >>> job = await brief.enqueue(7)
    >>> try:
    ...     cents = await job.result(timeout=60)
    ... except tidemill.ResultExpired:
    ...     cents = None
    """

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"The result of job {job_id} is gone (limits.result_ttl_seconds); the job succeeded."
        )
        self.job_id = job_id


class NoDatabase(RuntimeError):
    """Nothing says where the queue is."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing says where the queue is. Make tidemill.Tidemill(database=…) before the first "
            "enqueue, or set TIDEMILL_DATABASE_URL to postgresql://… or sqlite:///jobs.db."
        )


class NotInTransaction(RuntimeError):
    """`enqueue_in` was given a connection on which no transaction is open.

    >>> connection = sqlite3.connect("shop.db", isolation_level=None)
    >>> try:
    ...     job = await charge.enqueue_in(connection, 7)
    ... except tidemill.NotInTransaction:
    ...     print("Begin one first.")
    ... finally:
    ...     connection.close()
    Begin one first.
    """

    def __init__(self) -> None:
        super().__init__(
            "No transaction is open on this connection, so the job would not share its fate. "
            "Begin one first, or use enqueue()."
        )


class ConnectionUnknown(TypeError):
    """`enqueue_in` was given something that is no connection that it knows."""

    def __init__(self, connection: object, expected: str) -> None:
        super().__init__(
            f"{type(connection).__module__}.{type(connection).__qualname__}: {expected}"
        )
