from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run


def test_add_sends_the_line_as_it_is(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    made = Answer(body={"key": "TM-7", "title": "Fix the sluice"})
    server.prepare("POST", "/api/v1/work-items/quick", made)

    code = run(["add", "Fix the sluice", "#bug", "^next week", "-p", "TM"])

    assert (code, capsys.readouterr().out) == (0, "Made TM-7: Fix the sluice\n")
    assert server.asked[0].body == {"text": "Fix the sluice #bug ^next week", "project_id": "TM"}


def test_add_shows_what_a_dry_run_understood(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {
        "title": "Fix",
        "project": {"key": "TM"},
        "assignee": {"id": "u", "name": "Ada"},
        "labels": [{"name": "harbour"}],
        "due_date": "2026-03-31",
        "sprint": None,
    }
    server.prepare("POST", "/api/v1/work-items/quick/previews", Answer(body=said))

    code = run(["add", "Fix @ada #harbour", "--dry-run", "--time-zone", "Europe/Berlin"])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "Title     Fix",
        "Project   TM",
        "Assignee  Ada",
        "Labels    harbour",
        "Due       2026-03-31",
    ]
    assert server.asked[0].body == {
        "text": "Fix @ada #harbour",
        "time_zone": "Europe/Berlin",
    }


def test_add_without_words_asks_nobody(server: Answers) -> None:
    assert (run(["add", "  "]), server.asked) == (2, [])
