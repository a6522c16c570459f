from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_ITEM = {"key": "TM-1", "status": "todo", "version": 2}


def test_create_sends_labels_points_and_days(server: Answers) -> None:
    server.prepare("POST", "/api/v1/work-items", Answer(body=_ITEM))

    code = run(
        [
            "items",
            "create",
            "Dredge",
            "-p",
            "TM",
            "--label",
            "a",
            "--label",
            "b",
            "--points",
            "5",
            "--start",
            "2026-03-01",
            "--due",
            "2026-03-31",
        ]
    )

    assert code == 0
    assert server.asked[0].body == {
        "project_id": "TM",
        "item_type": "task",
        "title": "Dredge",
        "labels": ["a", "b"],
        "points": 5,
        "start_date": "2026-03-01",
        "due_date": "2026-03-31",
    }


def test_update_adds_takes_off_and_clears(server: Answers) -> None:
    server.prepare("PATCH", "/api/v1/work-items/TM-1", Answer(body=_ITEM))

    code = run(
        ["items", "update", "TM-1", "--label", "a", "--unlabel", "b", "--points", "", "--due", ""]
    )

    assert code == 0
    assert server.asked[0].body == {
        "points": None,
        "due_date": None,
        "add_labels": ["a"],
        "remove_labels": ["b"],
    }


def test_update_takes_whole_points_alone(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["items", "update", "TM-1", "--points", "many"])

    assert (code, server.asked) == (2, [])
    assert "many is no whole number" in capsys.readouterr().err


def test_watch_names_who_watches(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    ada = {"id": "u", "name": "Ada", "avatar": None}
    server.prepare("PUT", "/api/v1/work-items/TM-1/watchers/me", Answer(body=ada))

    code = run(["items", "watch", "TM-1"])

    assert (code, capsys.readouterr().out) == (0, "Ada watches TM-1.\n")


def test_create_names_the_option_that_was_refused(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "item_type: 'storyy' is not one of epic, story, task, bug."
    error = {"message": message, "code": "VALIDATION_FAILED", "param": "item_type"}
    server.prepare("POST", "/api/v1/work-items", Answer(status=400, body={"error": error}))

    assert run(["items", "create", "Sluice", "-p", "TM", "--type", "storyy"]) == 1

    assert "tidemill: --type: 'storyy' is not one of epic" in capsys.readouterr().err


def test_update_sets_priority_and_assigns_by_name(server: Answers) -> None:
    people = [{"user_id": "u1", "name": "Ada Lovelace", "email": "ada@example.org"}]
    server.prepare("GET", "/api/v1/members", Answer(body={"items": people, "next_cursor": None}))
    server.prepare("PATCH", "/api/v1/work-items/TM-1", Answer(body=_ITEM))

    code = run(["items", "update", "TM-1", "--priority", "high", "--assignee", "@ada"])

    assert code == 0
    assert server.asked[-1].body == {"assignee_id": "u1", "priority": "high"}


def test_create_sets_priority(server: Answers) -> None:
    server.prepare("POST", "/api/v1/work-items", Answer(body=_ITEM))

    assert run(["items", "create", "Dredge", "-p", "TM", "--priority", "low"]) == 0

    assert server.asked[0].body["priority"] == "low"
