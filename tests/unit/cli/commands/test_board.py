from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from tests.fixtures.answers import Answer, Answers
from tests.unit.cli.test_boards import a_board
from tidemill.cli.client import Client
from tidemill.cli.commands.board import Changes
from tidemill.cli.failures import CommandFailed
from tidemill.cli.main import run


def test_board_prints_once_and_asks_for_what_was_said(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/projects/TM/board", Answer(body=a_board()))

    assert run(["board", "TM", "--lane", "none", "--filter", "is:open", "-n", "5"]) == 0
    told = capsys.readouterr().out
    assert run(["board", "TM", "--json"]) == 0

    assert "TM-1" in told
    assert json.loads(capsys.readouterr().out) == a_board()


def test_board_refuses_to_watch_without_a_terminal(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/projects/TM/board", Answer(body=a_board()))

    assert run(["board", "TM", "--watch"]) == 2
    assert "--watch needs a terminal, or --json." in capsys.readouterr().err


def test_changes_are_heard_when_subscribed_anew_and_not_when_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = threading.Event()
    was_heard = []

    def follow(client: object, topics: list[str]) -> Iterator[dict[str, object]]:
        assert topics == ["project:p"]
        messages: list[dict[str, object]] = [
            {"connection": "lost"},
            {"connection": "subscribed"},
            {"fact": {}},
        ]
        for message in messages:
            heard.clear()
            yield message
            was_heard.append(heard.is_set())
        raise CommandFailed("You may not follow this any more.")

    monkeypatch.setattr("tidemill.cli.commands.board.follow", follow)
    changes = Changes(Client("http://127.0.0.1:9", token="tmk_test"), "project:p", heard)

    changes.run()

    assert was_heard == [False, True, True]
    with pytest.raises(CommandFailed, match="any more"):
        changes.check()
