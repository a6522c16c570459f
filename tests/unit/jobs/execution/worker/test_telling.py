from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from tidemill.jobs.execution.worker import telling as tellings
from tidemill.jobs.execution.worker.output import JobLog
from tidemill.jobs.execution.worker.telling import (
    Telling,
    details_chars_max,
    outcomes_per_message_max,
)
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Held, LogChunk, Outcome, Outcomes, Verdict

pytestmark = pytest.mark.anyio


class Line:
    """A connection that breaks at its first messages."""

    closed = False

    def __init__(self, *, breaks: int = 0) -> None:
        self.breaks = breaks
        self.sent: list[list[str]] = []

    async def send(self, message: Outcome | Outcomes | LogChunk) -> None:
        if self.breaks:
            self.breaks -= 1
            raise ConnectionLost("It broke.")
        if isinstance(message, LogChunk):
            self.sent.append([f"{message.job_id} {message.offset} {message.data.decode()}"])
            return
        jobs = message.jobs if isinstance(message, Outcomes) else (message,)
        self.sent.append([one.job_id for one in jobs])


def _telling(directory: Path, line: Line) -> Telling:
    async def connected() -> Any:
        return line

    telling = Telling(directory, connected)
    telling.open()
    return telling


def _outcomes(count: int, result: bytes | None = None) -> list[Outcome]:
    return [
        Outcome(
            job_id=f"job-{number}",
            epoch=1,
            verdict=Verdict.SUCCEEDED,
            started_at=1,
            finished_at=2,
            result=result,
        )
        for number in range(count)
    ]


async def test_tell_puts_what_ended_together_into_few_messages(tmp_path: Path) -> None:
    line, outcomes = Line(), _outcomes(2 * outcomes_per_message_max + 1)

    await _telling(tmp_path, line).tell(outcomes, None)

    assert [len(message) for message in line.sent] == [100, 100, 1]
    assert [job for message in line.sent for job in message] == [one.job_id for one in outcomes]


async def test_tell_bounds_what_results_make_of_a_message(tmp_path: Path) -> None:
    line = Line()

    await _telling(tmp_path, line).tell(_outcomes(5, b"1" * (details_chars_max // 2)), None)
    await _telling(tmp_path, line).tell(_outcomes(2, b"1" * (details_chars_max * 2)), None)

    assert [len(message) for message in line.sent] == [2, 2, 1, 1, 1]


async def test_tell_goes_on_over_the_next_connection(tmp_path: Path) -> None:
    line, outcomes = Line(breaks=3), _outcomes(2)
    telling = _telling(tmp_path, line)

    await telling.keep(outcomes)
    await telling.tell(outcomes, None)

    assert line.sent == [["job-0", "job-1"]]
    assert telling.held() == (Held("job-0", 1), Held("job-1", 1))


async def test_repeat_sends_what_is_told_and_not_confirmed(tmp_path: Path) -> None:
    line, outcomes = Line(), _outcomes(3)
    telling = _telling(tmp_path, line)
    await telling.keep(outcomes)
    await telling.tell(outcomes[:2], None)
    telling.confirmed([Held("job-0", 1)])
    again = Line()

    await telling.repeat(cast("Any", again))

    assert again.sent == [["job-1"]], "job-2 is still to be told by who told the others"


async def test_tell_gives_a_log_up_once_and_tells_the_outcome_over_the_next_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tellings, "log_seconds_max", 0.01)
    (outcome,) = _outcomes(1)
    deaf, heard = Line(breaks=1), Line()
    lines = [deaf, heard]

    async def connected() -> Any:
        return lines.pop(0) if len(lines) > 1 else lines[0]

    async def never() -> Any:
        await asyncio.Event().wait()

    output = JobLog(Held("job-0", 1), never, bytes_max=100)
    writing = asyncio.create_task(output.write(b"a line"))
    await asyncio.sleep(0)
    await output.close()
    await writing
    telling = Telling(tmp_path, connected)
    telling.open()
    await telling.keep([outcome])
    async with asyncio.timeout(60):
        await telling.tell([outcome], output)

    assert (deaf.sent, heard.sent) == ([], [["job-0"]])


async def test_close_leaves_the_rest_of_logs_to_the_next_worker(tmp_path: Path) -> None:
    nobody: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def alone() -> Any:
        return await nobody

    telling = Telling(tmp_path, alone)
    telling.open()
    (outcome,) = _outcomes(1)
    output = JobLog(Held("job-0", 1), alone, bytes_max=100)
    await output.close()
    await output.write(b"low ")
    await output.write(b"tide")
    await telling.keep([outcome])
    ending = asyncio.create_task(telling.tell([outcome], output))
    await asyncio.sleep(0)
    telling.close()
    ending.cancel()
    output.abandon()
    line = Line()
    # A worker that is ended before it could tell leaves it to the one after.
    _telling(tmp_path, Line()).close()

    last = _telling(tmp_path, line)
    await last.repeat(cast("Any", line))
    last.confirmed([Held("job-0", 1)])
    last.close()

    assert line.sent == [["job-0 0 low "], ["job-0 4 tide"], ["job-0"]]
    assert not (tmp_path / "logs").exists()


async def test_open_goes_on_without_logs_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "logs").write_bytes(b"torn")
    telling = _telling(tmp_path, Line())
    await telling.keep(_outcomes(1))

    telling.close()

    assert not (tmp_path / "logs").exists()
    assert _telling(tmp_path, Line()).held() == (Held("job-0", 1),)
