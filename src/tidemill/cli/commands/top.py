"""`tidemill top`."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect
from tidemill.cli.dashboard import SORTS, Seen, frame, sorted_tags
from tidemill.cli.failures import CommandFailed, ServerUnreachable
from tidemill.cli.following import FINISHED
from tidemill.cli.lazy import single
from tidemill.cli.live import follow
from tidemill.cli.output import emit, emit_event, wants_json
from tidemill.cli.screen import screen

app = single()
rate_seconds: Final = 10.0
redraw_seconds_min: Final = 0.5
_tags_max: Final = 1_000
_followed_max: Final = 50
_QUITS: Final = "qQ\x03\x04"


@app.command(
    examples=(
        "tidemill top",
        "tidemill top --once",
        "tidemill top --once --json | jq '.tags[] | select(.queued > 0)'",
        "tidemill top --everywhere --interval 5",
    )
)
def top(
    once: Annotated[bool, typer.Option("--once", help="Print it once and end.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.2, max=3600, help="Seconds between two looks.")
    ] = 2.0,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="The jobs of all tenants, for operators.")
    ] = False,
) -> None:
    """Show queues and workers, live in the terminal.

    Keys: q ends it, s sorts by something else, any other key looks again at once. With --json it
    prints a line for each look. Without a terminal it prints once.
    """
    client = connect()
    if once or not (wants_json() or sys.stdout.isatty()):
        seen = _look(client, everywhere)
        size = shutil.get_terminal_size()
        emit(_document(seen), lambda: "\n".join(frame(seen, max(size.columns, 100), 10_000)))
    elif wants_json():
        while True:
            emit_event(_document(_look(client, everywhere)), "")
            time.sleep(interval)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            _live(client, interval, everywhere=everywhere)


def _live(client: Client, interval: float, *, everywhere: bool) -> None:
    color = "NO_COLOR" not in os.environ
    sort = SORTS[0]
    seen = _look(client, everywhere)
    with screen() as (terminal, wake):
        ends = Ends(client, wake, _topics(seen))
        ends.start()
        looked_at = time.monotonic()
        while True:
            rates = ends.per_second()
            shown = replace(
                seen,
                at=datetime.now(UTC),
                sort=sort,
                color=color,
                ended_per_second=rates[0],
                failed_per_second=rates[1],
            )
            terminal.draw(frame(shown, *terminal.size))
            # What happens is shown soon, and not more often than one can read.
            seconds = redraw_seconds_min if ends.heard else interval
            key = terminal.key(looked_at + min(seconds, interval) - time.monotonic())
            # Keys that are pressed fast come together; an arrow is one that begins with an escape.
            pressed = "" if key.startswith("\x1b") else key
            if any(one in _QUITS for one in pressed):
                return
            sort = SORTS[(SORTS.index(sort) + pressed.count("s")) % len(SORTS)]
            passed = time.monotonic() - looked_at
            if key or passed >= interval or (ends.heard and passed >= redraw_seconds_min):
                ends.heard = False
                seen = _looked_again(client, seen, everywhere)
                looked_at = time.monotonic()


class Ends(threading.Thread):
    """Hears of jobs that end, to tell how many do in a second."""

    def __init__(self, client: Client, wake: int, topics: Sequence[str]) -> None:
        super().__init__(name="top", daemon=True)
        self.heard = False
        self._client = client
        self._wake = wake
        self._topics = topics
        self._since: float | None = None
        self._ends: deque[tuple[float, bool]] = deque(maxlen=100_000)

    def run(self) -> None:
        """Follow the tags until the command ends; without events there are no rates."""
        with contextlib.suppress(CommandFailed, OSError):
            for message in follow(self._client, self._topics):
                self._hear(message)

    def per_second(self) -> tuple[float | None, float | None]:
        """Return how many jobs ended, and how many did not succeed; None while nobody knows."""
        if self._since is None:
            return None, None
        now = time.monotonic()
        recent = [failed for at, failed in list(self._ends) if now - at <= rate_seconds]
        seconds = max(1.0, min(rate_seconds, now - self._since))
        return len(recent) / seconds, sum(recent) / seconds

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message.get("connection") == "subscribed":
            self._since = time.monotonic()
            return
        update = message.get("ephemeral") or {}
        data = update.get("data")
        if update.get("type") != "JobStateChanged" or not isinstance(data, dict):
            return
        if data.get("state") in FINISHED:
            self._ends.append((time.monotonic(), data["state"] != "succeeded"))
        if not self.heard:
            self.heard = True
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake, b".")


def _topics(seen: Seen) -> list[str]:
    """Return what to follow: the tags with jobs, and those that workers take."""
    tags = {tag["tag"] for tag in seen.tags}
    tags.update(tag for worker in seen.workers for tag in worker["tags"])
    return [f"tag:{tag}" for tag in sorted(tags)[:_followed_max]] or ["tag:default"]


def _look(client: Client, everywhere: bool) -> Seen:
    query = {"everywhere": "true"} if everywhere else {}
    tags = list(client.pages("/tags", limit=_tags_max, **query))
    workers = client.get("/workers")["items"]
    return Seen(url=client.url, at=datetime.now(UTC), tags=tags, workers=workers)


def _looked_again(client: Client, seen: Seen, everywhere: bool) -> Seen:
    """Return a new look, or the last one with the reason why there is none."""
    try:
        return _look(client, everywhere)
    except ServerUnreachable as error:
        return replace(seen, trouble=f"{error.message} Trying again.")


def _document(seen: Seen) -> dict[str, Any]:
    return {
        "at": seen.at.isoformat(),
        "tags": [dict(tag) for tag in sorted_tags(seen.tags, SORTS[0])],
        "workers": [dict(worker) for worker in seen.workers],
    }
