"""The relay of a program's outbox, before a queue that takes some jobs and not others."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.stores import until
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.errors import QueueFull
from tidemill.runtime.queue import relay as relaying
from tidemill.runtime.queue.borrowing import create_outbox, leave
from tidemill.runtime.queue.relay import OutboxRelay

pytestmark = pytest.mark.anyio


class Queue:
    """Takes each job once, but none of a tenant whose queue is full."""

    def __init__(self) -> None:
        self.full = {"full"}
        self.asked: list[str] = []
        self.faults: list[Exception] = []

    async def enqueue(self, request: JobRequest, *, tenant: str) -> None:
        self.asked.append(request.id or "")
        if self.faults:
            raise self.faults.pop()
        if tenant in self.full:
            raise QueueFull(1)


@pytest.fixture
def outbox(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "shop.db")
    create_outbox(connection)
    return connection


def left(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT id FROM tidemill_outbox ORDER BY id")]


async def test_a_full_queue_holds_up_no_other_tenant(
    outbox: sqlite3.Connection, tmp_path: Path
) -> None:
    with outbox:
        for id_, tenant in (("a", "full"), ("b", "free")):
            leave(outbox, JobRequest(function="shop:send", id=id_), tenant=tenant)
    queue: Any = Queue()
    relay = OutboxRelay([tmp_path / "shop.db"], queue)
    await relay.start()

    await until(lambda: left(outbox) == ["a"])
    queue.full.clear()
    await until(lambda: left(outbox) == [])
    await relay.stop()

    assert queue.asked.count("b") == 1


async def test_a_full_queue_holds_up_nobody_with_more_jobs_than_a_portion(
    outbox: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "rows_per_turn_max", 2)
    with outbox:
        for id_, tenant in (("a", "full"), ("b", "full"), ("c", "full"), ("d", "free")):
            leave(outbox, JobRequest(function="shop:send", id=id_), tenant=tenant)
    queue: Any = Queue()
    relay = OutboxRelay([tmp_path / "shop.db"], queue)
    await relay.start()

    await until(lambda: left(outbox) == ["a", "b", "c"])
    queue.full.clear()
    await until(lambda: left(outbox) == [])
    await relay.stop()


async def test_the_relay_goes_on_after_a_fault_that_nobody_has_thought_of(
    outbox: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "failure_seconds", 0.01)
    with outbox:
        leave(outbox, JobRequest(function="shop:send", id="a"), tenant="free")
    queue: Any = Queue()
    queue.faults = [RuntimeError("no such luck")]
    relay = OutboxRelay([tmp_path / "shop.db"], queue)
    await relay.start()

    await until(lambda: left(outbox) == [])
    await relay.stop()

    assert queue.asked == ["a", "a"]


def test_the_same_id_is_left_once(outbox: sqlite3.Connection) -> None:
    request = JobRequest(function="shop:send", id="order-7")
    with outbox:
        ids = [leave(outbox, request, tenant="shop") for _ in range(2)]

    assert ids == ["order-7", "order-7"]
    assert left(outbox) == ["order-7"]
    with pytest.raises(sqlite3.IntegrityError), outbox:
        leave(outbox, request, tenant="another")
