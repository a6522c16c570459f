"""What a running function says and asks: from a thread as a call, on the loop with `await`.

Each has two forms: a plain one for synchronous functions, which waits in the function's thread,
and one that ends in `_async`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from tidemill.jobs.code.functions.api import REACH, JobApi, Reach
from tidemill.jobs.code.functions.context import JobContext, check_cancelled, here

T = TypeVar("T")

seconds_between_progress: Final = 0.5
look_seconds: Final = 5.0
_all_percent: Final = 100.0


class AwaitIt(RuntimeError):
    """A call that waits was made on the worker's loop, which would stand still.

    >>> context.get_state()
    Traceback (most recent call last):
    tidemill.jobs.code.functions.asking.AwaitIt: context.get_state() would hold up the worker's ...
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"context.{name}() would hold up the worker's loop. In an asynchronous function write "
            f"`await context.{name}_async(…)`."
        )


class NothingToAsk(RuntimeError):
    """This job runs where nobody answers its questions.

    >>> try:
    ...     await context.progress_async(50)
    ... except context.NothingToAsk:
    ...     pass  # Nobody watches.
    """

    def __init__(self) -> None:
        super().__init__("What runs this job offers neither state nor children to its functions.")


class ChildFailed(Exception):
    """A job that this one has started did not succeed; `error` says why.

    >>> try:
    ...     await context.run_job_async("shop.tasks:refuse", {"number": 7})
    ... except context.ChildFailed as failed:
    ...     print(failed.state, failed.error["message"])
    failed no answer to 7
    """

    def __init__(self, what: str, state: str, error: dict[str, Any] | None) -> None:
        super().__init__(f"The job of {what} is {state}: {(error or {}).get('message', '')}")
        self.state = state
        self.error = error


async def progress_async(
    percent: float | None = None,
    text: str = "",
    *,
    done: float | None = None,
    total: float | None = None,
) -> None:
    """Say how far the job is: `percent`, 0 to 100, or `done` of `total`.

    What is said within half a second of the last word is left out, but not the end. Raises
    `ValueError` for what is no share of a whole, `NotInJob`, `NothingToAsk` and, where a server
    says no, `Refused`.

    >>> await context.progress_async(done=3, total=4, text="three quarters")
    >>> await context.progress_async(110)
    Traceback (most recent call last):
    ValueError: Say percent, between 0 and 100, or how many are done of a total.
    """
    job, share = here(), _share(percent, done, total)
    now = time.monotonic()
    job.beat_at = now
    if share < _all_percent and job.told_at and now - job.told_at < seconds_between_progress:
        return
    job.told_at = now
    await _api(job).put_progress(share, text)


def progress(
    percent: float | None = None,
    text: str = "",
    *,
    done: float | None = None,
    total: float | None = None,
) -> None:
    """See `progress_async`."""
    _wait("progress", lambda: progress_async(percent, text, done=done, total=total))


async def metric_async(name: str, value: float) -> None:
    """Give a figure of the job; a name has the value that was given last.

    Raises `Refused` for a name or number that cannot be one, or more than 50 names, `NotInJob`
    and `NothingToAsk`.

    >>> await context.metric_async("ships", 12)
    >>> await context.metric_async("ships", float("nan"))
    Traceback (most recent call last):
    tidemill.jobs.code.functions.api.Refused: values.ships: it must be a finite number.
    """
    await _api(here()).put_metrics({name: value})


def metric(name: str, value: float) -> None:
    """See `metric_async`."""
    _wait("metric", lambda: metric_async(name, value))


async def get_state_async(function: str | None = None) -> Any:
    """Return what an earlier job of this function (or another) has kept, or None.

    Raises `NotInJob`, `NothingToAsk` and, where a server says no, `Refused`.

    >>> await context.set_state_async({"day": "Monday"})
    >>> await context.get_state_async()
    {'day': 'Monday'}
    """
    job = here()
    return await _api(job).get_state(function or job.function)


def get_state(function: str | None = None) -> Any:
    """See `get_state_async`."""
    return _wait("get_state", lambda: get_state_async(function))


async def set_state_async(value: Any, function: str | None = None) -> None:
    """Keep a value, up to 64 KiB as JSON, for the next job of this function (or another).

    Raises `Refused` for a larger one, `TypeError` for one without a form in JSON, `NotInJob` and
    `NothingToAsk`.

    >>> await context.set_state_async({"day": "Tuesday"}, "shop.tasks:weekly")
    """
    job = here()
    await _api(job).put_state(function or job.function, value)


def set_state(value: Any, function: str | None = None) -> None:
    """See `set_state_async`."""
    _wait("set_state", lambda: set_state_async(value, function))


async def get_variable_async(path: str) -> str:
    """Return the value of a variable or secret; reading a secret is audited.

    Raises `Refused` for one that is not there or not for whoever started the job, and without a
    server for each, `NotInJob` and `NothingToAsk`.

    >>> try:
    ...     host = await context.get_variable_async("mail/host")
    ... except context.Refused as refused:
    ...     print(refused.code)
    NO_SERVER
    """
    return await _api(here()).get_variable(path)


def get_variable(path: str) -> str:
    """See `get_variable_async`."""
    return _wait("get_variable", lambda: get_variable_async(path))


async def get_resource_async(path: str) -> Any:
    """Return the value of a resource, with what it refers to.

    Raises as `get_variable_async` does: `Refused`, `NotInJob` and `NothingToAsk`.

    >>> try:
    ...     warehouse = await context.get_resource_async("shop/warehouse")
    ... except context.Refused as refused:
    ...     print(refused.code)
    NO_SERVER
    """
    return await _api(here()).get_resource(path)


def get_resource(path: str) -> Any:
    """See `get_resource_async`."""
    return _wait("get_resource", lambda: get_resource_async(path))


async def start_job_async(what: str, args: dict[str, Any] | None = None, **fields: Any) -> str:
    """Start a script by its path, or a function by `package.module:name`, as a child of this job.

    Return the id of its job. `fields` are further ones of `POST /api/v1/jobs`, such as `run_at`.
    Raises `Refused` for what an enqueue would refuse, `NotInJob` and `NothingToAsk`.

    >>> child = await context.start_job_async("shop.tasks:charge", {"number": 7}, priority=1)
    >>> (await tidemill.Jobs().get(child)).parent_id == context.job_id()
    True
    >>> await context.start_job_async("shop.tasks:charge", {"number": 7}, priority="high")
    Traceback (most recent call last):
    tidemill.jobs.code.functions.api.Refused: priority: Expected `int | null`, got `str`.
    """
    job = here()
    kind = "function" if ":" in what else "script_path"
    body = {kind: what, "args": args or {}, **fields}
    if job.work_item_id is not None:
        body.setdefault("work_item_id", job.work_item_id)
    return await _api(job).start_job(body)


def start_job(what: str, args: dict[str, Any] | None = None, **fields: Any) -> str:
    """See `start_job_async`."""
    return _wait("start_job", lambda: start_job_async(what, args, **fields))


async def run_job_async(what: str, args: dict[str, Any] | None = None, **fields: Any) -> Any:
    """Run a child as `start_job_async` does; return its result.

    Raises `ChildFailed` when it did not succeed, `JobCancelled` when this job shall end, and what
    `start_job_async` does.

    >>> await context.run_job_async("shop.tasks:charge", {"number": 7, "cents": 250})
    250
    """
    child = await start_job_async(what, args, **fields)
    api = _api(here())
    while True:
        check_cancelled()
        end = await api.child(child, look_seconds)
        if not end.finished:
            continue
        if end.state == "succeeded":
            return end.result
        raise ChildFailed(what, end.state, end.error)


def run_job(what: str, args: dict[str, Any] | None = None, **fields: Any) -> Any:
    """See `run_job_async`. Its thread waits, so the child needs another one."""
    return _wait("run_job", lambda: run_job_async(what, args, **fields))


def _share(percent: float | None, done: float | None, total: float | None) -> float:
    if percent is None and done is not None and total is not None and total > 0:
        percent = _all_percent * done / total
    if percent is None or not 0 <= percent <= _all_percent:
        raise ValueError("Say percent, between 0 and 100, or how many are done of a total.")
    return float(percent)


def _api(job: JobContext) -> JobApi:
    if job.api is None:
        job.api = _reach().api_of(job.assignment)
    return job.api


def _reach() -> Reach:
    reach = REACH.get()
    if reach is None:
        raise NothingToAsk
    return reach


def _wait(name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the worker's loop for a function in a thread, and wait for it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise AwaitIt(name)
    here()
    return asyncio.run_coroutine_threadsafe(work(), _reach().loop).result()
