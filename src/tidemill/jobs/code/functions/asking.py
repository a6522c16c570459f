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
    """A call that waits was made on the worker's loop, which would stand still."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"context.{name}() would hold up the worker's loop. In an asynchronous function write "
            f"`await context.{name}_async(…)`."
        )


class NothingToAsk(RuntimeError):
    """This job runs where nobody answers its questions."""

    def __init__(self) -> None:
        super().__init__("What runs this job offers neither state nor children to its functions.")


class ChildFailed(Exception):
    """A job that this one has started did not succeed; `error` says why."""

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

    What is said within half a second of the last word is left out, but not the end.
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
    """Give a figure of the job; a name has the value that was given last."""
    await _api(here()).put_metrics({name: value})


def metric(name: str, value: float) -> None:
    """See `metric_async`."""
    _wait("metric", lambda: metric_async(name, value))


async def get_state_async(function: str | None = None) -> Any:
    """Return what an earlier job of this function (or another) has kept, or None."""
    job = here()
    return await _api(job).get_state(function or job.function)


def get_state(function: str | None = None) -> Any:
    """See `get_state_async`."""
    return _wait("get_state", lambda: get_state_async(function))


async def set_state_async(value: Any, function: str | None = None) -> None:
    """Keep a value, up to 64 KiB as JSON, for the next job of this function (or another)."""
    job = here()
    await _api(job).put_state(function or job.function, value)


def set_state(value: Any, function: str | None = None) -> None:
    """See `set_state_async`."""
    _wait("set_state", lambda: set_state_async(value, function))


async def get_variable_async(path: str) -> str:
    """Return the value of a variable or secret; reading a secret is audited."""
    return await _api(here()).get_variable(path)


def get_variable(path: str) -> str:
    """See `get_variable_async`."""
    return _wait("get_variable", lambda: get_variable_async(path))


async def get_resource_async(path: str) -> Any:
    """Return the value of a resource, with what it refers to."""
    return await _api(here()).get_resource(path)


def get_resource(path: str) -> Any:
    """See `get_resource_async`."""
    return _wait("get_resource", lambda: get_resource_async(path))


async def start_job_async(what: str, args: dict[str, Any] | None = None, **fields: Any) -> str:
    """Start a script by its path, or a function by `package.module:name`, as a child of this job.

    Return the id of its job. `fields` are further ones of `POST /api/v1/jobs`, such as `run_at`.
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
    """Run a child as `start_job_async` does; return its result, or raise `ChildFailed`."""
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
