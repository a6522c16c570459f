"""What workers from elsewhere may say, and what becomes of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tidemill.jobs.dispatching.dispatcher.distrust import bounded, early_microseconds_max, faults_of
from tidemill.jobs.protocol.messages import (
    FromWorker,
    Heartbeat,
    Hello,
    Outcome,
    Outcomes,
    RegisteredFunction,
    Started,
    Verdict,
)

NOW = 1_800_000_000_000_000
HELLO = Hello(
    version=1,
    worker_id="w",
    secret="s",
    host="h",
    slots=1,
    tags=("cpu",),
    isolations=(),
    cpu=2.0,
    memory_mib=1024,
)
OUTCOME = Outcome(
    job_id="j",
    epoch=1,
    verdict=Verdict.SUCCEEDED,
    started_at=NOW - 5,
    finished_at=NOW,
    result=b"[1, 2]",
)


def _bounded(message: FromWorker) -> Any:
    return bounded(message, now=NOW, result_bytes_max=100)


def test_faults_of_finds_none_in_a_plain_greeting() -> None:
    assert faults_of(HELLO) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"worker_id": "w@other"},
        {"worker_id": "two words"},
        {"worker_id": "w" * 101},
        {"tags": ()},
        {"tags": ("Not a tag",)},
        {"tags": tuple(f"t{number}" for number in range(101))},
        {"labels": ("l" * 101,)},
        {"labels": ("l",) * 101},
        {"host": "h" * 256},
        {"host": "h\0"},
        {"cpu": -1.0},
        {"cpu": float("nan")},
        {"memory_mib": 1 << 62},
        {"functions": (RegisteredFunction(name="a.b:c", schema="no JSON"),)},
    ],
)
def test_faults_of_names_what_no_worker_would_say(fields: dict[str, Any]) -> None:
    assert faults_of(structs.replace(HELLO, **fields)) is not None


def test_bounded_leaves_an_outcome_as_it_is() -> None:
    assert _bounded(OUTCOME) == OUTCOME


@pytest.mark.parametrize("result", [b"{", b"\xff", b"[" * 100, b'"' + b"x" * 100 + b'"'])
def test_bounded_fails_a_job_whose_result_nobody_could_read(result: bytes) -> None:
    found = _bounded(structs.replace(OUTCOME, result=result))

    assert (found.verdict, found.result) == (Verdict.FAILED, None)
    assert found.error["type"] == "InvalidResult"


@pytest.mark.parametrize("at", [-1, 1 << 63, NOW + early_microseconds_max + 1])
def test_bounded_takes_now_for_an_instant_that_cannot_be(at: int) -> None:
    found = _bounded(structs.replace(OUTCOME, started_at=at, finished_at=at))
    began = _bounded(Started(job_id="j", epoch=1, started_at=at))

    assert (found.started_at, found.finished_at, began.started_at) == (NOW, NOW, NOW)


def test_bounded_ends_no_job_before_it_began() -> None:
    assert _bounded(structs.replace(OUTCOME, finished_at=NOW - 50)).finished_at == NOW - 5


def test_bounded_counts_nothing_where_a_number_is_no_count() -> None:
    found = _bounded(structs.replace(OUTCOME, peak_memory_bytes=-1, cpu_microseconds=1 << 63))
    beat = _bounded(Heartbeat(free_slots=1, resident_bytes=1 << 63))

    assert (found.peak_memory_bytes, found.cpu_microseconds, beat.resident_bytes) == (0, 0, 0)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_bounded_waits_as_the_job_says_where_a_wait_makes_no_sense(seconds: float) -> None:
    assert _bounded(structs.replace(OUTCOME, retry_seconds=seconds)).retry_seconds is None


def test_bounded_keeps_the_end_of_a_long_error() -> None:
    found = _bounded(structs.replace(OUTCOME, error={"message": "x" * 70_000 + "why"}))

    assert len(found.error["message"]) == 64 * 1024
    assert found.error["message"].endswith("why")
    assert set(found.error) == {"type", "message", "traceback"}


def test_bounded_looks_at_each_of_several_ends() -> None:
    found = _bounded(Outcomes(jobs=(OUTCOME, structs.replace(OUTCOME, result=b"{"))))

    assert [one.verdict for one in found.jobs] == [Verdict.SUCCEEDED, Verdict.FAILED]


def test_bounded_fails_a_result_that_its_readers_could_not_follow() -> None:
    deep = b"[" * 501 + b"]" * 501

    ended = bounded(structs.replace(OUTCOME, result=deep), now=NOW, result_bytes_max=2_000)

    assert isinstance(ended, Outcome)
    assert (ended.verdict, ended.result) == (Verdict.FAILED, None)
    assert "nested deeper than 500 levels" in (ended.error or {})["message"]
