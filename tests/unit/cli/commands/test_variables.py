from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run

MADE = {"path": "mail/password", "is_secret": True, "version": 1}
_REFUSED: Final = Answer(
    status=403,
    body={"error": {"message": "This needs the permission jobs.values.read.", "code": "FORBIDDEN"}},
)


@pytest.mark.parametrize("options", [["--secret"], []])
def test_set_of_nothing_at_all_leaves_a_secret_as_it_was(
    options: list[str],
    server: Answers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert run(["variables", "set", "mail/password", *options]) == ExitCode.USAGE

    assert "is empty" in capsys.readouterr().err
    assert server.asked == []


def test_set_of_nothing_is_done_where_it_is_said(
    server: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.prepare("PUT", "/api/v1/variables/mail/password", Answer(body=MADE))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert run(["variables", "set", "mail/password", "", "--secret"]) == 0
    assert run(["variables", "set", "mail/password", "--plain"]) == 0

    assert [asked.body["value"] for asked in server.asked] == ["", ""]


def test_set_of_an_empty_file_is_refused_for_a_secret(server: Answers, tmp_path: Path) -> None:
    file = tmp_path / "password.txt"
    file.write_text("\n", encoding="utf-8")

    words = ["variables", "set", "mail/password", "--secret", "--from-file", str(file)]

    assert run(words) == ExitCode.USAGE
    assert server.asked == []


def test_get_tells_a_viewer_a_plain_variable(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/variables/value", _REFUSED)
    plain = {"path": "harbour/station", "is_secret": False, "value": "west"}
    server.prepare("GET", "/api/v1/variables/harbour/station", Answer(body=plain))

    assert run(["variables", "get", "harbour/station"]) == 0

    assert capsys.readouterr().out == "west\n"


def test_get_tells_a_viewer_no_secret(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("GET", "/api/v1/variables/value", _REFUSED)
    sealed = {"path": "mail/password", "is_secret": True, "value": None}
    server.prepare("GET", "/api/v1/variables/mail/password", Answer(body=sealed))

    assert run(["variables", "get", "mail/password"]) == ExitCode.AUTH

    assert "jobs.values.read" in capsys.readouterr().err
