from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from typing import Any

import pytest

from tidemill.jobs.code.functions.capture import Capture
from tidemill.jobs.code.functions.context import CURRENT, JobContext
from tidemill.jobs.protocol.messages import Assignment, Isolation

pytestmark = pytest.mark.anyio


class Lines:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def line(self, level: str, text: str) -> None:
        self.heard.append((level, text))

    def text(self, level: str, text: str) -> None:
        self.heard.append((level, text))


def a_job(lines: Lines) -> contextvars.Context:
    assignment = Assignment(
        job_id="j",
        epoch=1,
        attempt=1,
        tenant_id="t",
        language="function",
        content_hash="",
        content="shop:f",
        arguments=b"{}",
        isolation=Isolation.FUNCTION,
        timeout_seconds=1,
        token="",
    )
    context = contextvars.copy_context()
    context.run(CURRENT.set, JobContext(assignment, lambda: lines))
    return context


async def test_capture_keeps_jobs_beside_each_other_apart() -> None:
    capture, first, second = Capture(), Lines(), Lines()
    capture.install()

    async def speak(word: str) -> None:
        for _ in range(3):
            print(word, end="")
            await asyncio.sleep(0)

    try:
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            loop.create_task(speak("one"), context=a_job(first)),
            loop.create_task(speak("two"), context=a_job(second)),
        )
    finally:
        capture.remove()

    assert {text for _, text in first.heard if text} == {"one"}
    assert {text for _, text in second.heard if text} == {"two"}


def test_capture_tells_levels_and_tracebacks() -> None:
    capture, lines = Capture(), Lines()
    capture.install()

    def work() -> None:
        print("to stderr", file=sys.stderr, end="")
        try:
            int("no tide")
        except ValueError:
            logging.getLogger("shop").exception("it failed")

    try:
        a_job(lines).run(work)
    finally:
        capture.remove()

    (_, printed), (level, record) = (heard for heard in lines.heard if heard[1])
    assert printed == "to stderr"
    assert level == "ERROR"
    assert record.startswith("shop: it failed\nTraceback")
    assert record.endswith("ValueError: invalid literal for int() with base 10: 'no tide'")


def test_capture_leaves_the_process_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before: tuple[Any, ...] = (sys.stdout, sys.stderr, root.level, list(root.handlers))
    capture = Capture()
    capture.install()
    print("not of a job")
    capture.remove()

    assert (sys.stdout, sys.stderr, root.level, list(root.handlers)) == before
    assert capsys.readouterr().out == "not of a job\n"
