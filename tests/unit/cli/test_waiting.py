from __future__ import annotations

import threading

import pytest

from tests.fixtures.answers import Answer, Answers
from tests.unit.cli.commands.test_run import JOB
from tidemill.cli.client import connect
from tidemill.cli.main import run
from tidemill.cli.waiting import Waits

PAUSED = {"state": "queued", "message": "The tag mail is paused."}
RUNS = {"state": "running", "message": "It is running on worker west, attempt 1."}
AGAIN = {"state": "scheduled", "message": "Attempt 1 failed (ValueError: no tide)."}


def test_look_tells_each_reason_once_and_nothing_of_a_job_that_runs(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = [PAUSED, PAUSED, RUNS, AGAIN]
    server.prepare("GET", "/api/v1/jobs/j1/why", *(Answer(body=look) for look in looks))
    waits = Waits(connect(), "j1")

    for _ in looks:
        waits.look()

    assert capsys.readouterr().err.splitlines() == [PAUSED["message"], AGAIN["message"]]


def test_look_tells_nothing_once_it_was_stopped(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/jobs/j1/why", Answer(body=PAUSED))
    waits = Waits(connect(), "j1")

    waits.stop()
    waits.look()

    assert capsys.readouterr().err == ""


def test_run_says_what_a_job_waits_for(server: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    told, heard = threading.Event(), []

    def note(text: str) -> None:
        heard.append(text)
        told.set()

    monkeypatch.setattr("tidemill.cli.waiting.look_seconds_first", 0.0)
    monkeypatch.setattr("tidemill.cli.waiting.note", note)
    monkeypatch.setattr("tidemill.cli.commands.run.follow_log", lambda *_: told.wait(60))
    server.prepare("POST", "/api/v1/jobs", Answer(status=201, body=JOB))
    server.prepare("GET", "/api/v1/jobs/j1/why", Answer(body=PAUSED))
    server.prepare("GET", "/api/v1/jobs/j1/result", Answer(body={"state": "succeeded"}))

    assert run(["run", "harbour/tides"]) == 0

    assert heard == [PAUSED["message"]]
