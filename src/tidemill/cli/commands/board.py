"""`tidemill board`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from tidemill.cli.boards import frame
from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands.board_settings import settings_app
from tidemill.cli.failures import CommandFailed, ExitCode, ServerUnreachable
from tidemill.cli.lazy import group
from tidemill.cli.live import follow
from tidemill.cli.output import emit, emit_event, wants_json, window_width
from tidemill.cli.screen import screen

app = group(
    "Show a project's board, as `tidemill board PROJECT` does; its columns, lanes and limits.",
    otherwise="show",
)
app.registered_commands += settings_app.registered_commands
redraw_seconds_min: Final = 0.5
look_seconds_max: Final = 30.0
_width_usual: Final = 120


class LaneOption(StrEnum):
    """What `--lane` takes."""

    ASSIGNEE = "assignee"
    PRIORITY = "priority"
    ITEM_TYPE = "item_type"
    PARENT = "parent"
    EPIC = "epic"
    SPRINT = "sprint"
    LABEL = "label"
    NONE = "none"


@app.command(
    "show",
    examples=(
        "tidemill board TM",
        "tidemill board TM --lane assignee --filter 'is:open -type:epic'",
        "tidemill board TM --sprint active --watch",
        "tidemill board TM --json | jq '.columns[] | {name, count}'",
    ),
)
def show(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    *,
    lane: Annotated[
        LaneOption | None, typer.Option(help="Cut it into lanes; as is set otherwise.")
    ] = None,
    filter_: Annotated[
        str | None, typer.Option("--filter", help="Only those items, such as is:open.")
    ] = None,
    sprint: Annotated[
        str | None, typer.Option(help="Only those of a sprint: its id or name, or active.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("-n", min=1, max=100, help="Cards of each column at most.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Draw it anew when it changes.")] = False,
) -> None:
    """Show a project's board: its columns, and its items in their order.

    With --watch it stays on the screen until you press q, and survives connections that break;
    with --json it then prints a line for each look.
    """
    client = connect()
    path = f"/projects/{segment(project)}/board"
    query = {"lane": lane, "filter": filter_, "sprint": sprint, "limit": limit}
    seen = client.get(path, **query)
    if not watch:
        emit(seen, lambda: "\n".join(frame(seen, window_width() or _width_usual)))
        return
    if not (wants_json() or sys.stdout.isatty()):
        raise CommandFailed("--watch needs a terminal, or --json.", ExitCode.USAGE)
    with contextlib.suppress(KeyboardInterrupt):
        _watch(client, path, query, seen)


def _watch(client: Client, path: str, query: Mapping[str, Any], seen: Any) -> None:
    heard = threading.Event()
    changes = Changes(client, f"project:{seen['project_id']}", heard)
    changes.start()
    if wants_json():
        while True:
            heard.clear()
            with contextlib.suppress(ServerUnreachable):  # The server comes back, and is heard.
                emit_event(client.get(path, **query), "")
            time.sleep(redraw_seconds_min)
            heard.wait(look_seconds_max)
            changes.check()
    with screen() as (terminal, wake):
        changes.wake = wake
        while True:
            # What is heard while one looks counts again.
            heard.clear()
            trouble = ""
            try:
                seen = client.get(path, **query)
            except ServerUnreachable as error:
                trouble = f"{error.message} Trying again."
            lines = frame(seen, terminal.size[0])
            terminal.draw([*([trouble] if trouble else ()), *lines])
            time.sleep(redraw_seconds_min)
            if not heard.is_set() and terminal.key(look_seconds_max) == "q":
                return
            changes.check()


class Changes(threading.Thread):
    """Hears of what happens in a project until the command ends."""

    def __init__(self, client: Client, topic: str, heard: threading.Event) -> None:
        super().__init__(name="board", daemon=True)
        self._client = client
        self._topic = topic
        self._heard = heard
        self.wake: int | None = None
        self._failure: CommandFailed | None = None

    def run(self) -> None:
        """Follow the project; a connection that was made anew is a reason to look, too."""
        try:
            for message in follow(self._client, [self._topic]):
                # Who looks at the board changes nothing on it.
                told = "ephemeral" in message
                if not told and message.get("connection") not in {"lost", "open"}:
                    self._tell()
        except CommandFailed as error:
            self._failure = error
            self._tell()

    def check(self) -> None:
        """Return while there is more to hear; raises what ended it for good."""
        if self._failure is not None:
            raise self._failure

    def _tell(self) -> None:
        self._heard.set()
        if self.wake is not None:
            with contextlib.suppress(OSError):
                os.write(self.wake, b".")
