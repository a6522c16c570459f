from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.execution.worker.output import Collected, JobLog, LastLine
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.messages import Held, LogChunk
from tidemill.jobs.protocol.receiving import Windows


@given(
    lines=st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=8),
    cut=st.integers(1, 10),
)
def test_last_line_is_the_last_that_is_not_empty_however_it_is_cut(
    lines: list[bytes], cut: int
) -> None:
    text = b"\n".join(lines)
    last = LastLine(1000)

    for start in range(0, len(text), cut):
        last.add(text[start : start + cut])

    expected = next((line for line in reversed(lines) if line.strip()), b"")
    assert last.get() == expected.strip(b"\r")


def test_last_line_remembers_no_more_than_its_limit() -> None:
    last = LastLine(10)

    for _ in range(100):
        last.add(b"x" * 1000)

    assert len(last.get()) == 11, "one byte more shows that it is too long"


@pytest.mark.parametrize(("sizes", "is_over"), [([5, 5], False), ([5, 6], True), ([11], True)])
def test_collected_notices_what_is_over_its_limit(sizes: list[int], is_over: bool) -> None:
    collected = Collected(10)

    for size in sizes:
        collected.add(b"x" * size)

    assert collected.is_over is is_over
    assert len(collected.get()) <= 10


class _Connection:
    """Takes everything, until it is lost."""

    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []

    async def send(self, chunk: LogChunk) -> None:
        self.chunks.append(chunk)


@pytest.mark.anyio
async def test_job_log_repeats_all_that_a_dispatcher_may_not_have_written() -> None:
    window = Windows().logs
    connections = [_Connection()]

    async def connected() -> WorkerConnection:
        return cast("WorkerConnection", connections[-1])

    log = JobLog(Held("job", 1), connected, bytes_max=1 << 30)
    for _ in range(window + 5):
        await log.write(b"x" * 32 * 1024)
    connections.append(_Connection())
    await log.close()
    await log.sent()
    await log.settle()

    first, second = ([chunk.offset for chunk in one.chunks] for one in connections)
    assert len(first) == window + 5
    assert second == first[-window:]


@pytest.mark.anyio
async def test_job_log_shows_the_nul_bytes_that_a_job_prints() -> None:
    connection = _Connection()

    async def connected() -> WorkerConnection:
        return cast("WorkerConnection", connection)

    log = JobLog(Held("job", 1), connected, bytes_max=1000)
    await log.write(b"a\0b")
    await log.write(b"c")
    await log.close()
    await log.sent()

    assert [(chunk.offset, chunk.data.decode()) for chunk in connection.chunks] == [
        (0, "a\N{REPLACEMENT CHARACTER}b"),
        (5, "c"),
    ]
