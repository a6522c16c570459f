from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from uuid_utils import uuid7

from tidemill.core.clock import Instant
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.records.logs.files import Chunk, LogFiles, LogKey
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter

pytestmark = pytest.mark.anyio


class _NoLive:
    def is_followed(self, tenant_id: TenantId) -> bool:
        return False

    def publish(
        self, tenant_id: TenantId, topics: Sequence[Topic], type_: str, data: object
    ) -> None:
        """Nobody watches."""


def a_job(tenant: str = "tenant") -> Claimed:
    spec = Spec(tenant, "default", "fork", 0, "{}", None, "bash", "", "", 60, 1)
    return Claimed(spec, TenantId(tenant), str(uuid7()), 1, 1, Instant(0), "{}")


async def test_flush_does_not_wait_for_a_job_that_never_stops_printing(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, bytes_max=10_000)
    writer = LogWriter(files, _NoLive(), LogArrivals())
    job, noisy = a_job(), a_job()
    printed = 0
    write = files.write
    loop, main = asyncio.get_running_loop(), threading.get_ident()

    def print_more() -> None:
        nonlocal printed
        if printed < 1000:
            printed += 1
            writer.append(noisy, printed, b"x")

    def written(chunks: Iterable[Chunk]) -> dict[LogKey, OSError]:
        assert threading.get_ident() != main, "files are not written on the loop"
        failures = write(chunks)
        asyncio.run_coroutine_threadsafe(_call(print_more), loop).result()
        return failures

    files.write = written  # type: ignore[method-assign]
    writer.append(job, 0, b"the last line")

    await writer.flush()

    assert files.read(LogKey("tenant", job.id, 1), 0, 100) == b"the last line"
    assert printed < 10, "it waited for what came later"


async def _call(what: object) -> None:
    what()  # type: ignore[operator]


async def test_append_tells_when_a_file_has_it_and_not_before(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, bytes_max=10_000)
    writer = LogWriter(files, _NoLive(), LogArrivals())
    job, told = a_job(), asyncio.Event()
    key = LogKey("tenant", job.id, 1)
    writing, may_write = threading.Event(), threading.Event()
    write = files.write

    def slowly(chunks: Iterable[Chunk]) -> dict[LogKey, OSError]:
        writing.set()
        may_write.wait(10)
        return write(chunks)

    files.write = slowly  # type: ignore[method-assign]
    writer.append(job, 0, b"a line", told.set)
    await asyncio.to_thread(writing.wait, 10)
    before = told.is_set()
    may_write.set()
    await asyncio.wait_for(told.wait(), 60)

    assert not before, "credit for more was given before the file had it"
    assert files.read(key, 0, 100) == b"a line"


async def test_append_writes_what_others_print_beside_a_log_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.records.logs.writing.retry_seconds", 0.0)
    files = LogFiles(tmp_path, bytes_max=10_000)
    writer = LogWriter(files, _NoLive(), LogArrivals())
    (tmp_path / "ebb").write_text("a file where the tenant's folder should be")
    refused, job, later = a_job("ebb"), a_job(), a_job("neap")
    for each in (refused, job, later):
        writer.append(each, 0, b"high water")

    with capture_logs() as lines:
        await writer.flush()

    assert [files.read(LogKey(each.tenant_id, each.id, 1), 0, 100) for each in (job, later)] == [
        b"high water"
    ] * 2
    assert [(line["event"], line["job_id"]) for line in lines] == [
        ("jobs.log.not_written", refused.id)
    ]


async def test_append_tries_once_more_what_the_disk_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.records.logs.writing.retry_seconds", 0.0)
    files = LogFiles(tmp_path, bytes_max=10_000)
    writer = LogWriter(files, _NoLive(), LogArrivals())
    job, write = a_job(), files._write
    refusals = [OSError(errno.ENOSPC, "No space left on device")]

    def full_at_first(*arguments: Any) -> None:
        if refusals:
            raise refusals.pop()
        write(*arguments)

    monkeypatch.setattr(files, "_write", full_at_first)
    writer.append(job, 0, b"low water")
    await writer.flush()

    assert files.read(LogKey("tenant", job.id, 1), 0, 100) == b"low water"
