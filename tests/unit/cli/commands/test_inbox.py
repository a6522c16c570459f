from __future__ import annotations

from typing import Any, Final

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_ROW: Final[dict[str, Any]] = {
    "id": "n1",
    "item_key": "TM-1",
    "title": "Read the gauges",
    "is_item_deleted": False,
    "reasons": ["assigned", "commented"],
    "event_count": 2,
    "is_read": False,
    "at": 1_795_347_237,
}
_WISH: Final = {"inbox": True, "mail": "digest", "is_default": False}
_PREFERENCES: Final[dict[str, Any]] = {"reasons": {"mentioned": _WISH}, "digest_hour": 8}


def test_list_shows_items_and_why(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    gone = {**_ROW, "id": "n2", "item_key": None, "title": None, "is_item_deleted": True}
    server.prepare(
        "GET", "/api/v1/notifications", Answer(body={"items": [_ROW, gone], "next_cursor": None})
    )

    assert run(["inbox", "list", "--folder", "unread"]) == 0

    shown = capsys.readouterr().out
    assert "TM-1" in shown
    assert "assigned commented" in shown
    assert "(deleted)" in shown
    assert "unread" in shown


@pytest.mark.parametrize(
    ("words", "method", "path", "body"),
    [
        ("read n1", "PATCH", "notifications/n1", {"is_read": True}),
        ("unread n1", "PATCH", "notifications/n1", {"is_read": False}),
        ("archive n1", "PATCH", "notifications/n1", {"is_archived": True}),
        (
            "snooze n1 2026-12-01T08:00Z",
            "PATCH",
            "notifications/n1",
            {"snoozed_until": 1_796_112_000},
        ),
        (
            "read --all -p TM",
            "POST",
            "notifications/read",
            {"through_seq": 2**53, "project_id": "TM"},
        ),
        (
            "preferences --reason mentioned --inbox off --mail at_once --hour 7 --no-mail",
            "PATCH",
            "notification-preferences",
            {
                "reasons": {"mentioned": {"inbox": False, "mail": "at_once"}},
                "digest_hour": 7,
                "is_mail_stopped": True,
            },
        ),
        (
            "preferences --reason mentioned --default",
            "PATCH",
            "notification-preferences",
            {"reasons": {"mentioned": None}},
        ),
    ],
)
def test_inbox_sends_what_was_said(
    words: str, method: str, path: str, body: object, server: Answers
) -> None:
    answer = {**_PREFERENCES, "read": 1, "id": "n1"}
    server.prepare(method, f"/api/v1/{path}", Answer(body=answer))

    assert run(["inbox", *words.split()]) == 0

    assert server.asked[-1].body == body


@pytest.mark.parametrize(
    "words",
    [
        "read",
        "read n1 --all",
        "preferences --inbox on",
        "preferences --reason mentioned",
        "preferences --reason mentioned --default --mail off",
        "preferences --reason mentioned --inbox maybe",
    ],
)
def test_inbox_refuses_what_says_too_little_or_too_much(words: str, server: Answers) -> None:
    assert run(["inbox", *words.split()]) == 2
    assert server.asked == []


def test_preferences_show_who_said_what(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/notification-preferences", Answer(body=_PREFERENCES))

    assert run(["inbox", "preferences"]) == 0

    assert capsys.readouterr().out.splitlines()[1].split() == ["mentioned", "on", "digest", "you"]
