from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.commands import watch
from tidemill.cli.commands.watch import human
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run
from tidemill.cli.output import moment

AT = "2026-01-02T03:04:05.000000Z"
HEADER = {"type": "WorkItemUpdated", "at": AT, "actor": {"kind": "user", "id": "u1"}}


def test_human_tells_when_who_what_and_the_change() -> None:
    data = {
        "work_item": {"key": "TM-1", "title": "Sluice"},
        "changes": [{"field_name": "status", "old_value": "todo", "new_value": "done"}],
    }

    told = human({"header": HEADER, "fact": {"data": data}}, str)

    assert told == f"{moment(AT)}  u1  WorkItemUpdated  TM-1  Sluice  status → done"


def test_watch_tells_people_by_their_names_and_asks_for_each_once(
    server: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/members/u1", Answer(body={"user_id": "u1", "name": "Ada"}))
    changes = [
        {"field_name": "assignee_id", "new_value": "u1"},
        {"field_name": "job_result", "new_value": None},
    ]
    token = {"kind": "api_token", "id": "t1", "user_id": "u2"}
    item = {"work_item": {"key": "TM-1"}, "changes": changes}
    monkeypatch.setattr(
        watch,
        "follow",
        lambda *_: iter(
            [
                {"header": HEADER, "fact": {"data": item}},
                {"header": {**HEADER, "actor": token}, "fact": {"data": {}}},
            ]
        ),
    )

    assert run(["watch"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("  Ada  WorkItemUpdated  TM-1  assignee_id → Ada  no job_result any more")
    assert "  api_token:u2  " in second, "who has left is told by the id"
    assert [one.path for one in server.asked] == ["/api/v1/members/u1", "/api/v1/members/u2"]


def test_human_tells_log_lines_one_by_one() -> None:
    update = {"type": "JobLogLines", "data": {"text": "one\ntwo\n"}}

    told = human({"timestamp": AT, "ephemeral": update}, str)

    assert told.splitlines() == [f"{moment(AT)}  log  one", f"{moment(AT)}  log  two"]


def test_human_leaves_nothing_that_drives_the_terminal() -> None:
    data = {"work_item": {"title": "a\x1b]0;b"}}

    assert "\x1b" not in human({"header": HEADER, "fact": {"data": data}}, str)


def _told(*_: object) -> Iterator[dict[str, Any]]:
    yield {"connection": "open"}
    yield {"connection": "subscribed"}
    yield {"connection": "lost", "reason": "gone"}
    yield {"connection": "subscribed"}
    yield {"header": HEADER, "fact": {"data": {}}}


def test_watch_says_once_when_it_is_subscribed(
    server: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert server.asked == []
    monkeypatch.setattr(watch, "follow", _told)

    codes = [run(["watch", "--count", "1", "--json"]), run(["watch", "--count", "1"])]

    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert codes == [0, 0]
    assert json.loads(lines[0]) == {"type": "subscribed", "topics": ["tenant"]}
    assert json.loads(lines[1])["header"] == HEADER
    assert len(lines) == 3, "the last is the fact for people"
    assert said.err.count("Watching tenant.") == 1


def test_watch_of_an_unknown_job_is_refused(server: Answers) -> None:
    gone = {"error": {"message": "There is no job j9.", "code": "JOB_NOT_FOUND"}}
    server.prepare("GET", "/api/v1/jobs/j9", Answer(status=404, body=gone))

    assert run(["watch", "--job", "j9"]) == ExitCode.NOT_FOUND


@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_watch_of_a_job_that_has_ended_says_so(
    server: Answers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    ends_meanwhile: bool,
) -> None:
    runs = {"id": "j1", "state": "running", "finished_at": None}
    ended = {"id": "j1", "state": "failed", "finished_at": AT}
    answers = [runs, ended] if ends_meanwhile else [ended]
    server.prepare("GET", "/api/v1/jobs/j1", *(Answer(body=one) for one in answers))
    monkeypatch.setattr(watch, "follow", _told)

    assert run(["watch", "--job", "j1"]) == 0

    assert capsys.readouterr().out == "Job j1 has ended: failed.\n"


def _printed(offset: int, text: str, attempt: int = 1) -> dict[str, Any]:
    data = {"job_id": "j1", "attempt": attempt, "offset": offset, "text": text}
    return {"timestamp": AT, "ephemeral": {"type": "JobLogLines", "data": data}}


def test_watch_tells_no_line_of_a_log_twice_after_the_server_was_killed(
    server: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def heard(*_: object) -> Iterator[dict[str, Any]]:
        yield _printed(0, "one\ntwo\n")
        yield {"connection": "lost", "reason": "gone"}
        yield _printed(4, "two\n")
        yield _printed(4, "two\nthree\n")
        yield _printed(0, "one\n", attempt=2)

    assert server.asked == []
    monkeypatch.setattr(watch, "follow", heard)

    assert run(["watch"]) == 0

    told = [line.rpartition("  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert told == ["one", "two", "three", "one"]


def test_watch_loses_nothing_after_output_that_was_no_text(
    server: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def heard(*_: object) -> Iterator[dict[str, Any]]:
        yield _printed(0, "a\ufffd\n")  # Three bytes, of which one was no UTF-8.
        yield _printed(3, "next\n")

    assert server.asked == []
    monkeypatch.setattr(watch, "follow", heard)

    assert run(["watch"]) == 0

    told = [line.rpartition("  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert told == ["a\ufffd", "next"]
