from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_PATH = "/api/v1/projects/TM/git"
_REPORT: dict[str, Any] = {
    "outcome": "done", "error": None, "pulled_count": 1, "pushed_count": 2, "conflict_count": 1,
    "problem_count": 0, "problems": [],
    "pulled": [{"key": "TM-1", "path": "items/TM-1.md", "deed": "changed", "fields": ["title"]}],
    "conflicts": [{"key": "TM-2", "path": "items/TM-2.md", "field": "title", "base": "a",
                   "board": "Once", "repository": "Twice"}],
}  # fmt: skip


def test_bind_sends_the_secret_of_a_file(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "token"
    secret.write_text("hush-hush\n")
    server.prepare(
        "PUT", _PATH, Answer(status=200, body={"url": "https://x.example/a.git", "branch": "main"})
    )

    code = run(
        ["projects", "git", "bind", "TM", "https://x.example/a.git", "--secret-file", str(secret)]
    )

    assert code == 0
    assert server.asked[0].body["secret"] == "hush-hush"
    assert "hush" not in capsys.readouterr().out


def test_sync_waits_and_tells_conflicts(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", f"{_PATH}/sync", Answer(status=202, body={"state": "waiting"}))
    server.prepare("GET", _PATH, Answer(status=200, body={"state": "idle", "report": _REPORT}))

    code = run(
        [
            "projects",
            "git",
            "sync",
            "TM",
            "--take",
            "TM-4.title=board",
            "--take",
            "labels.yaml=board",
        ]
    )

    told = capsys.readouterr().out
    assert code == 0
    assert server.asked[0].body["choices"] == [
        {"key": "TM-4", "side": "board", "field": "title"},
        {"key": "labels.yaml", "side": "board", "field": None},
    ]
    assert "TM-1 changed" in told
    assert "Once" in told
    assert "Twice" in told
    assert "Has changed 1 items and 2 files; 1 conflicts, 0 problems." in told


def test_sync_refuses_a_choice_of_no_side(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["projects", "git", "sync", "TM", "--take", "TM-4=mine"]) == 2
    assert "board or repository" in capsys.readouterr().err
    assert server.asked == []
