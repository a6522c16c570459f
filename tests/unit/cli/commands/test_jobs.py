from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

JOB: dict[str, Any] = {
    "id": "j1",
    "state": "failed",
    "script_path": "film/cut",
    "function": None,
    "tag": "default",
    "attempts": 2,
    "finished_at": None,
    "error": {"type": "MemoryError", "message": "", "traceback": "line 3"},
}
DEAD = {"reason": "attempts_used", "job": JOB}


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (["show", "j1"], "/jobs/j1", JOB),
        (["dead"], "/dead-jobs", {"items": [DEAD]}),
    ],
)
def test_the_error_of_a_job_is_told_with_its_type(
    server: Answers,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    path: str,
    body: dict[str, Any],
) -> None:
    server.prepare("GET", f"/api/v1{path}", Answer(body=body))

    assert run(["jobs", *words]) == 0

    assert capsys.readouterr().out.rstrip().endswith("MemoryError")


@pytest.mark.parametrize("words", [[], ["--follow"]])
def test_logs_prints_the_attempt_that_is_wanted(server: Answers, words: list[str]) -> None:
    page = {"text": "one\n", "execution": 1, "offset": 0, "next_offset": 0}
    end = Answer(
        headers={"Content-Type": "text/event-stream"}, chunks=(b"event: end\ndata: {}\n\n",)
    )
    server.prepare("GET", "/api/v1/jobs/j1/logs", end if words else Answer(body=page))

    assert run(["jobs", "logs", "j1", "--attempt", "1", *words]) == 0

    assert "attempt=1" in server.asked[0].path


def test_attempts_shows_all_of_the_error_of_one(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {
        "attempt": 2,
        "outcome": "failed",
        "peak_memory_bytes": 0,
        "cpu_microseconds": 0,
        "error": {"type": "ValueError", "message": "no", "traceback": "line 7"},
    }
    server.prepare("GET", "/api/v1/jobs/j1/attempts/2", Answer(body=one))

    assert run(["jobs", "attempts", "j1", "--attempt", "2"]) == 0

    assert capsys.readouterr().out.rstrip().endswith("line 7")


def test_why_tells_by_e_mail_who_has_cancelled_a_job(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    why = {"state": "cancelled", "job_id": "j1", "schedule_path": None}
    why["message"] = "It was cancelled by u1."
    server.prepare("GET", "/api/v1/jobs/j1/why", Answer(body=why))
    server.prepare("GET", "/api/v1/jobs/j1", Answer(body={**JOB, "cancelled_by": "u1"}))
    server.prepare("GET", "/api/v1/members/u1", Answer(body={"email": "ada@example.org"}))

    assert run(["jobs", "why", "j1"]) == 0

    assert capsys.readouterr().out == "It was cancelled by ada@example.org.\n"
