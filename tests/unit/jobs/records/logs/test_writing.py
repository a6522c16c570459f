from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from uuid_utils import uuid7

from tidemill.core.clock import Instant
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.records.logs.files import LogFiles, LogKey
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter

pytestmark = pytest.mark.anyio


class _NoLive:
    def is_followed(self, tenant_id: TenantId) -> bool:
        return False

    def publish(
        self, tenant_id: TenantId, topics: Sequence[Topic], type_: str, data: object
    ) -> None:
        """Nobody watches."""


def a_job() -> Claimed:
    spec = Spec("tenant", "default", "fork", 0, "{}", None, "bash", "", "", 60, 1)
    return Claimed(spec, TenantId("tenant"), str(uuid7()), 1, 1, Instant(0), "{}")


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

    def written(chunks: object) -> None:
        assert threading.get_ident() != main, "files are not written on the loop"
        write(chunks)  # type: ignore[arg-type]
        asyncio.run_coroutine_threadsafe(_call(print_more), loop).result()

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

    def slowly(chunks: object) -> None:
        writing.set()
        may_write.wait(10)
        write(chunks)  # type: ignore[arg-type]

    files.write = slowly  # type: ignore[method-assign]
    writer.append(job, 0, b"a line", told.set)
    await asyncio.to_thread(writing.wait, 10)
    before = told.is_set()
    may_write.set()
    await asyncio.wait_for(told.wait(), 60)

    assert not before, "credit for more was given before the file had it"
    assert files.read(key, 0, 100) == b"a line"
