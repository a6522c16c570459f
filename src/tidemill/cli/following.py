"""Follows a job: its log lines while it runs, then its outcome."""

from __future__ import annotations

import re
import time
from typing import Any, Final

from tidemill.cli.client import Client, segment
from tidemill.cli.failures import CommandFailed, ExitCode, ServerUnreachable
from tidemill.cli.http import lines
from tidemill.cli.output import emit_event, note, printable
from tidemill.cli.streams import events

FINISHED: Final = frozenset({"succeeded", "failed", "cancelled", "timed_out"})
result_wait_seconds: Final = 30
broken_streams_max: Final = 20
reconnect_seconds: Final = 0.2
reconnect_seconds_max: Final = 3.0
line_chars_max: Final = 1024 * 1024

# A script that ended by `exit`, or by Python's `sys.exit`, says so in these words.
_OWN_EXIT_CODES: Final = {
    "ExitCode": re.compile(r".*\bexit code (\d{1,3})\b.*", re.DOTALL),
    "SystemExit": re.compile(r"The script left by sys\.exit\((\d{1,3})\)\."),
}
_EXIT_CODES: Final = {"succeeded": ExitCode.OK, "timed_out": 124, "cancelled": 125}


class LogLines:
    """Prints a log that comes in pieces, line by line."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._execution: object = None
        self._open = ""

    def add(self, text: str, execution: object) -> None:
        """Print the lines that `text` completes; another execution begins a new line."""
        if execution != self._execution:
            self.end()
            self._execution = execution
        *complete, self._open = (self._open + text).split("\n")
        for line in complete:
            self._print(line)
        if len(self._open) > line_chars_max:
            self.end()

    def end(self) -> None:
        """Print what is left: a last line that nothing ended."""
        line, self._open = self._open, ""
        if line:
            self._print(line)

    def _print(self, line: str) -> None:
        # Some programs go back to the line's begin instead of ending it.
        for text in line.splitlines() or [""]:
            event = {"job_id": self._job_id, "execution": self._execution, "text": text}
            emit_event(event, printable(text))


def follow_log(
    client: Client, job_id: str, *, attempt: int | None = None, execution: int | None = None
) -> None:
    """Print the log of a job as it grows, until the job ends; survives a broken connection.

    It begins with that attempt or execution, or else with the latest one.
    """
    log = LogLines(job_id)
    try:
        _follow(client, job_id, log, {"attempt": attempt, "execution": execution})
    finally:
        log.end()


def _follow(client: Client, job_id: str, log: LogLines, which: dict[str, int | None]) -> None:
    path = f"/jobs/{segment(job_id)}/logs"
    last: str | None = None
    before: object = None
    broken = 0
    while True:
        try:
            with client.stream(path, last_event_id=last, **which) as response:
                for event in events(lines(response, client.url)):
                    if event.event == "end":
                        return
                    data = event.json()
                    if isinstance(data, dict):
                        execution = data.get("execution")
                        if before is not None and execution != before:
                            log.end()
                            note(_begun_again(client, job_id, before, execution))
                        before = execution
                        log.add(str(data.get("text", "")), execution)
                    last = event.id or last
                    broken = 0
            # It closed without saying that this was all.
            if client.get(f"/jobs/{segment(job_id)}")["state"] in FINISHED:
                return
        except ServerUnreachable:
            if broken >= broken_streams_max:
                raise
        broken += 1
        time.sleep(min(broken * reconnect_seconds, reconnect_seconds_max))


def _begun_again(client: Client, job_id: str, before: object, execution: object) -> str:
    """Return that a job begins anew, as which attempt, and why."""
    try:
        found = list(client.pages(f"/jobs/{segment(job_id)}/attempts", limit=None))
    except CommandFailed:
        found = []  # It is not worth the log, which goes on.
    told = {one["execution"]: one for one in found}
    attempt, ended = told.get(execution), told.get(before)
    number = f", attempt {attempt['attempt']}" if attempt else ""
    if ended is None:
        return f"The job begins again{number}."
    reasons = (ended["outcome"], error_line(ended.get("error")))
    why = ": ".join(reason for reason in reasons if reason)
    return f"The job begins again{number}, since attempt {ended['attempt']} ended: {why}."


def outcome(client: Client, job_id: str) -> dict[str, Any]:
    """Return how the job ended, however long that takes."""
    while True:
        path = f"/jobs/{segment(job_id)}/result"
        answer: dict[str, Any] = client.get(path, wait=result_wait_seconds)
        if answer["state"] in FINISHED:
            return answer


def exit_code_of(finished: dict[str, Any]) -> int:
    """Return the exit code that stands for how a job ended: its own, if it gave one."""
    state = str(finished["state"])
    if state in _EXIT_CODES:
        return int(_EXIT_CODES[state])
    error = finished.get("error") or {}
    words = _OWN_EXIT_CODES.get(str(error.get("type")))
    own = words.fullmatch(str(error.get("message"))) if words else None
    return int(own[1]) if own and 0 < int(own[1]) < 256 else int(ExitCode.FAILED)


def told_error(finished: dict[str, Any]) -> str:
    """Return why a job did not succeed: the traceback before, and what to do, where these are."""
    error = finished.get("error")
    if not isinstance(error, dict):
        return f"{finished['state']}: {error}" if error else str(finished["state"])
    lines = [f"{finished['state']}: {error_line(error)}"]
    if error.get("traceback"):
        lines.insert(0, str(error["traceback"]).rstrip())
    if error.get("hint"):
        lines.append(f"hint: {error['hint']}")
    return "\n".join(lines)


def error_line(error: dict[str, Any] | None) -> str:
    """Return the type and the message of a job's error; some errors have no message."""
    parts = (error.get("type"), error.get("message")) if error else ()
    return ": ".join(str(part) for part in parts if part)
