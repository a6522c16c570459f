from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tidemill.core.errors import Unavailable
from tidemill.infrastructure.observability import Health

pytestmark = pytest.mark.anyio


class Part:
    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = 0

    async def check(self) -> str | None:
        self.asked += 1
        return self.reason


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_reasons_tell_what_does_not_work() -> None:
    health = Health(answer_seconds=0.02)
    part = Part()
    part.reason = "the disk is full"

    async def refuse() -> str | None:
        raise Unavailable("PostgreSQL is away.")

    async def break_() -> str | None:
        raise RuntimeError("secret detail")

    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    health.add("disk", part.check)
    health.add("database", refuse)
    health.add("bus", break_)
    health.add("mail", hang)

    assert await health.reasons() == {
        "disk": "the disk is full",
        "database": "PostgreSQL is away.",
        "bus": "bus cannot be asked: RuntimeError.",
        "mail": "mail gave no answer within 0.02 s.",
    }


async def test_checks_ask_at_most_once_a_second() -> None:
    time, part = Time(), Part()
    health = Health(monotonic=time)
    health.add("disk", part.check)
    check = health.checks()["disk"]

    await asyncio.gather(*(check() for _ in range(50)))
    assert part.asked == 1

    time.now = 1.5
    await check()
    assert part.asked == 2


async def test_a_part_that_falls_ill_and_recovers_is_logged_once_each() -> None:
    time, part = Time(), Part()
    health = Health(monotonic=time)
    health.add("disk", part.check)
    with capture_logs() as lines:
        for reason in [None, "full", "full", None, None]:
            part.reason = reason
            time.now += 2
            await health.reasons()

    assert [(line["event"], line["part"]) for line in lines] == [
        ("health.part.failed", "disk"),
        ("health.part.recovered", "disk"),
    ]


async def test_add_refuses_a_second_part_of_a_name() -> None:
    health = Health()
    health.add("disk", Part().check)

    with pytest.raises(ValueError, match="disk"):
        health.add("disk", Part().check)
