from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

ENTRY: dict[str, Any] = {
    "id": "t-1",
    "work_item": {"id": "i-1", "key": "TM-1", "title": "Read"},
    "project_id": "p-1",
    "user": {"id": "u-1", "name": "Ada"},
    "started_at": 1_772_442_000,
    "ended_at": 1_772_447_400,
    "duration_seconds": 5_400,
    "date": None,
    "description": None,
    "source": "timer",
    "job_id": None,
    "version": 2,
    "overlaps": [],
    "stopped_entry": None,
}


def test_start_tells_what_it_stopped(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    other = {**ENTRY, "work_item": {**ENTRY["work_item"], "key": "TM-2"}}
    running = {**ENTRY, "ended_at": None, "duration_seconds": None, "stopped_entry": other}
    server.prepare("POST", "/api/v1/timer", Answer(status=201, body=running))

    code = run(["time", "start", "TM-1", "-d", "Reading"])

    told = "Started the timer of TM-1, and stopped that of TM-2 after 1h30m.\n"
    assert (code, capsys.readouterr().out) == (0, told)
    assert server.asked[0].body == {"work_item_id": "TM-1", "description": "Reading"}


def test_stop_tells_how_long_and_what_overlaps(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    overlap = {"id": "t-2", "started_at": 1, "ended_at": 2}
    server.prepare("POST", "/api/v1/timer/stop", Answer(body={**ENTRY, "overlaps": [overlap]}))

    code = run(["time", "stop"])

    printed = capsys.readouterr()
    assert (code, printed.out) == (0, "1h30m on TM-1.\n")
    assert "overlaps 1 other" in printed.err


def test_status_says_when_none_runs(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("GET", "/api/v1/timer", Answer(body={"time_entry": None}))

    assert run(["time", "status"]) == 0
    assert capsys.readouterr().out == "No timer runs.\n"


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--date", "2026-03-02"], {"date": "2026-03-02"}),
        (["--from", "2026-03-02T09:00:00Z"], {"started_at": 1_772_442_000}),
    ],
    ids=["date", "from"],
)
def test_add_sends_a_duration_with_its_day_or_begin(
    server: Answers, options: list[str], body: dict[str, Any]
) -> None:
    server.prepare("POST", "/api/v1/time-entries", Answer(status=201, body=ENTRY))

    code = run(["time", "add", "TM-1", "1h30m", *options])

    assert code == 0
    assert server.asked[0].body == {"work_item_id": "TM-1", "duration_seconds": 5_400, **body}


@pytest.mark.parametrize(
    "words",
    [
        ["add", "TM-1", "soon"],
        ["add", "TM-1", "1h", "--date", "monday"],
        ["add", "TM-1", "1h", "--date", "2026-03-02", "--from", "1h"],
        ["edit", "t-1"],
    ],
)
def test_time_refuses_what_it_cannot_read(
    server: Answers, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["time", *words]) == 2
    assert server.asked == []
    assert capsys.readouterr().err


def test_edit_changes_what_is_named(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("PATCH", "/api/v1/time-entries/t-1", Answer(body={**ENTRY, "version": 3}))

    code = run(["time", "edit", "t-1", "--duration", "2h", "-d", "", "--if-version", "2"])

    assert (code, capsys.readouterr().out) == (0, "1h30m on TM-1, version 3.\n")
    assert server.asked[0].body == {"duration_seconds": 7_200, "description": None}


def test_report_sums_up_by_the_days_of_the_person(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    group = {"user": ENTRY["user"], "day": "2026-03-02", "entries": 2, "seconds": 5_400}
    me = {"user": {"id": "u-1", "time_zone": "Europe/Berlin"}}
    server.prepare("GET", "/api/v1/auth/me", Answer(body=me))
    server.prepare(
        "GET", "/api/v1/time-reports", Answer(body={"items": [group], "next_cursor": None})
    )

    code = run(["time", "report", "--by", "user,day", "--from", "2026-03-01"])

    printed = capsys.readouterr()
    assert code == 0
    assert [line.split() for line in printed.out.splitlines()] == [
        ["WHO", "DAY", "ENTRIES", "TIME"],
        ["Ada", "2026-03-02", "2", "1h30m"],
    ]
    assert "1h30m in all" in printed.err
    assert "time_zone=Europe%2FBerlin" in server.asked[1].path
