from __future__ import annotations

from typing import Any, cast

import pytest

from tests.fixtures.stores import until
from tidemill.jobs.execution.worker.announcing import Announcer
from tidemill.jobs.protocol.messages import Held, Started

pytestmark = pytest.mark.anyio


class Call:
    def __init__(self, name: str, started_at: int | None = 5) -> None:
        self.held = Held(name, 1)
        self.started_at = started_at


class Line:
    closed = False

    def __init__(self) -> None:
        self.said: list[Started] = []

    def send_soon(self, message: Started) -> None:
        self.said.append(message)


class Stage:
    """An announcer whose calls run until they are taken off, with a line that may be away."""

    def __init__(self) -> None:
        self.line: Line | None = Line()
        self.over: set[str] = set()
        self.announcer = Announcer[Call](
            lambda: cast("Any", self.line), lambda call: call.held.job_id not in self.over
        )


async def test_announcer_tells_only_what_still_runs() -> None:
    stage = Stage()
    assert stage.line is not None
    line = stage.line
    for name in ("short", "long"):
        stage.announcer.add(Call(name))
    stage.over.add("short")

    await until(lambda: line.said)

    assert [(one.job_id, one.started_at) for one in line.said] == [("long", 5)]


async def test_announcer_tells_later_what_began_while_the_dispatcher_was_away() -> None:
    stage, back, waiting = Stage(), Line(), Call("waits for a thread", started_at=None)
    away = stage.line = Line()
    away.closed = True
    stage.announcer.add(Call("began"))
    stage.announcer.add(waiting)

    await until(lambda: len(stage.announcer._begun) == 2)
    stage.line = back
    await until(lambda: back.said)
    waiting.started_at = 7
    await until(lambda: len(back.said) == 2)

    assert away.said == []
    assert [(one.job_id, one.started_at) for one in back.said] == [
        ("began", 5),
        ("waits for a thread", 7),
    ]
