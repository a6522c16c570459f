"""The job that runs this script, and what it may ask of the server that runs it.

Everything goes to `TIDEMILL_URL` with the job's own token: the rights of whoever started the job,
until the job ends.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from typing import Any
from urllib.parse import quote, urlsplit

_SECONDS_BETWEEN_PROGRESS = 0.5
_SECONDS_BETWEEN_BEATS = 0.2
_WAIT_SECONDS = 30
_TIMEOUT_SECONDS = 60.0
_told = ("", 0.0)
_beat_at = 0.0


class Refused(Exception):
    """A request was refused; `code` is the stable one of the API's error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class JobFailed(Exception):
    """A job that this one has started did not succeed; `error` says why."""

    def __init__(self, message: str, error: dict[str, Any] | None) -> None:
        super().__init__(message)
        self.error = error


def job_id() -> str:
    """Return the id of this job."""
    return os.environ.get("TIDEMILL_JOB_ID", "")


def attempt() -> int:
    """Return which try of the job this is, from 1."""
    return int(os.environ.get("TIDEMILL_ATTEMPT", "1"))


def tenant_id() -> str:
    """Return the tenant that the job belongs to."""
    return os.environ.get("TIDEMILL_TENANT_ID", "")


def work_item_id() -> str | None:
    """Return the work item that the job runs for, if any."""
    return os.environ.get("TIDEMILL_WORK_ITEM_ID")


def script_path() -> str | None:
    """Return the path of the deployed script; None for code in place."""
    return os.environ.get("TIDEMILL_SCRIPT_PATH")


def is_cancelled() -> bool:
    """Return False: a script that is cancelled gets the signal TERM."""
    return False


def check_cancelled() -> None:
    """Do nothing: a script that is cancelled gets the signal TERM."""


def heartbeat() -> None:
    """Give a sign of life, where the job's limits ask for one; any request of the job is one.

    What comes within a fifth of a second of the last one is left out.
    """
    global _beat_at
    now = time.monotonic()
    if _beat_at and now - _beat_at < _SECONDS_BETWEEN_BEATS:
        return
    _beat_at = now
    with contextlib.suppress(Refused):
        _ask("GET", f"/jobs/{job_id()}/progress")


def progress(
    percent: float | None = None,
    text: str = "",
    *,
    done: float | None = None,
    total: float | None = None,
) -> None:
    """Say how far the job is: `percent`, 0 to 100, or `done` of `total`.

    What is said within half a second of the last word is left out, but not the end.
    """
    global _told
    if percent is None and done is not None and total is not None and total > 0:
        percent = 100 * done / total
    if percent is None:
        message = "Say percent, between 0 and 100, or how many are done of a total."
        raise ValueError(message)
    now = time.monotonic()
    # A warm process runs job after job.
    before = _told[1] if _told[0] == job_id() else 0.0
    if percent < 100 and before and now - before < _SECONDS_BETWEEN_PROGRESS:
        return
    _told = (job_id(), now)
    _ask("PUT", f"/jobs/{job_id()}/progress", {"percent": percent, "text": text})


def metric(name: str, value: float) -> None:
    """Give a figure of the job; a name has the value that was given last."""
    _ask("PUT", f"/jobs/{job_id()}/metrics", {"values": {name: value}})


def get_state(path: str | None = None) -> Any:
    """Return what an earlier run of this script has kept, or None."""
    return _ask("GET", f"/script-states?path={_place(path)}")["value"]


def set_state(value: Any, path: str | None = None) -> None:
    """Keep a value, up to 64 KiB as JSON, for the next run of this script."""
    _ask("PUT", f"/script-states?path={_place(path)}", {"value": value})


def get_variable(path: str) -> str:
    """Return the value of a variable or secret."""
    value: str = _ask("GET", f"/variables/value?path={quote(path, safe='')}")["value"]
    return value


def get_resource(path: str) -> Any:
    """Return the value of a resource, with what it refers to."""
    return _ask("GET", f"/resources/value?path={quote(path, safe='')}")["value"]


def start_job(what: str, args: dict[str, Any] | None = None, **fields: Any) -> str:
    """Start a script by its path, or a function by `package.module:name`, as a child of this job.

    Return the id of its job.

    `fields` are further ones of `POST /api/v1/jobs`, such as `run_at` or `priority`.
    """
    kind = "function" if ":" in what else "script_path"
    body = {kind: what, "args": args or {}, "work_item_id": work_item_id()}
    started: str = _ask("POST", "/jobs", {**body, **fields})["id"]
    return started


def run_job(what: str, args: dict[str, Any] | None = None, **fields: Any) -> Any:
    """Run a child as `start_job` does; return its result, or raise `JobFailed`."""
    child = start_job(what, args, **fields)
    while True:
        answer = _ask("GET", f"/jobs/{child}/result?wait={_WAIT_SECONDS}")
        if not answer["finished"]:
            continue
        if answer["state"] == "succeeded":
            return answer["result"]
        error = answer["error"] or {}
        message = f"The job of {what} is {answer['state']}: {error.get('message', '')}"
        raise JobFailed(message, answer["error"])


def _place(path: str | None) -> str:
    place = path or script_path()
    if not place:
        message = "Code in place has no state of its own; name the path of a script."
        raise ValueError(message)
    return quote(place, safe="")


def _ask(method: str, path: str, body: Any = None) -> Any:
    parts = urlsplit(os.environ.get("TIDEMILL_URL", ""))
    if not parts.hostname:
        message = "This process is no job of Tidemill: TIDEMILL_URL is not set."
        raise RuntimeError(message)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
    headers = {
        "authorization": f"Bearer {os.environ.get('TIDEMILL_TOKEN', '')}",
        "content-type": "application/json",
    }
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, f"/api/v1{path}", text, headers)
        response = connection.getresponse()
        said = response.read()
    finally:
        connection.close()
    answer = json.loads(said) if said else None
    if response.status >= 400:
        error = (answer or {}).get("error", {})
        raise Refused(response.status, error.get("code", ""), error.get("message", ""))
    return answer
