from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_PATH = "/api/v1/projects/TM/board-settings"
_DOING = {
    "statuses": ["in_progress", "blocked"],
    "name": "Doing",
    "limit": {"items_max": 3, "mode": "enforce"},
}
_SET: dict[str, Any] = {
    "project_id": "p",
    "columns": [{"statuses": ["todo"], "name": None, "limit": None}, _DOING],
    "lane_field": "assignee",
    "lane_limit": {"items_max": 2, "mode": "warn"},
    "person_limit": None,
    "version": 4,
}


def _sent(server: Answers, *options: str, found: dict[str, Any] = _SET) -> Any:
    server.prepare("GET", _PATH, Answer(body=found))
    server.prepare("PUT", _PATH, Answer(body={**found, "version": 5}))
    assert run(["board", "settings", "TM", *options]) == 0
    assert server.asked[-1].headers["if-match"] == f'"v{found["version"]}"'
    return server.asked[-1].body


def test_settings_shows_columns_lanes_and_limits(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", _PATH, Answer(body=_SET))

    assert run(["board", "settings", "TM"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "COLUMN       NAME   STATUSES              LIMIT",
        "todo                todo",
        "in_progress  Doing  in_progress, blocked  3 (enforced)",
        "Lanes            assignee",
        "Limit of a lane  2 (warns)",
        "Version          4",
    ]


def test_settings_changes_what_is_named_alone(server: Answers) -> None:
    sent = _sent(server, "--limit", "todo=9", "--person-limit", "4:enforce", "--lane-limit", "")

    assert sent == {
        "columns": [
            {"statuses": ["todo"], "name": None, "limit": {"items_max": 9, "mode": "warn"}},
            _DOING,
        ],
        "lane_field": "assignee",
        "lane_limit": None,
        "person_limit": {"items_max": 4, "mode": "enforce"},
    }


def test_settings_puts_columns_in_order_and_keeps_their_limits(server: Answers) -> None:
    sent = _sent(
        server, "--column", "Now=in_progress, review", "--column", "done", "--lane", "none"
    )

    assert sent["columns"] == [
        {"statuses": ["in_progress", "review"], "name": "Now", "limit": _DOING["limit"]},
        {"statuses": ["done"], "name": None, "limit": None},
    ]
    assert (sent["lane_field"], sent["lane_limit"]) == (None, None)


def test_settings_limits_a_status_where_each_is_a_column(server: Answers) -> None:
    workflow = {"statuses": [{"key": "todo"}, {"key": "done"}]}
    server.prepare("GET", "/api/v1/projects/TM/workflow", Answer(body=workflow))

    sent = _sent(server, "--limit", "todo=1", found={**_SET, "columns": [], "version": 0})

    limit = {"items_max": 1, "mode": "warn"}
    assert sent["columns"] == [
        {"statuses": ["todo"], "name": None, "limit": limit},
        {"statuses": ["done"], "name": None, "limit": None},
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--column", "=todo"], "--column takes a status"),
        (["--column", "todo", "--no-columns"], "not both"),
        (["--limit", "review=2"], "--limit takes STATUS=N for one of todo, in_progress"),
        (["--person-limit", "few"], "--person-limit takes a whole number"),
    ],
)
def test_settings_names_the_option_that_is_wrong(
    server: Answers, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    server.prepare("GET", _PATH, Answer(body=_SET))

    assert run(["board", "settings", "TM", *options]) == 2

    assert message in capsys.readouterr().err
    assert [asked.method for asked in server.asked if asked.method == "PUT"] == []
