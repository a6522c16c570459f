from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run

_URL: Final = "/api/v1/work-items/TM-1/attachments"
_CONTENT: Final = b"low tide\n"
_FILE: Final[dict[str, Any]] = {
    "id": "a1",
    "name": "gauge.log",
    "media_type": "text/plain",
    "size": 9,
    "sha256": hashlib.sha256(_CONTENT).hexdigest(),
    "created_at": 1_700_000_000,
    "created_by": {"id": "u1", "name": "Ada", "avatar": None},
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_attach_sends_each_file_under_its_name(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gauge.log").write_bytes(_CONTENT)
    (tmp_path / "ö b.log").write_bytes(b"x" * 300_000)
    server.prepare("POST", _URL, Answer(status=201, body=_FILE))

    assert run(["items", "attach", "TM-1", "gauge.log", "ö b.log"]) == 0

    assert "Attached gauge.log to TM-1: a1" in capsys.readouterr().out
    assert [asked.path for asked in server.asked] == [
        f"{_URL}?name=gauge.log",
        f"{_URL}?name=%C3%B6+b.log",
    ]
    assert [asked.body for asked in server.asked] == [_CONTENT, b"x" * 300_000]


def test_attach_says_which_file_cannot_be_read(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["items", "attach", "TM-1", "none.log"]) == ExitCode.USAGE

    assert "none.log cannot be read: No such file" in capsys.readouterr().err
    assert server.asked == []


def test_attach_says_which_of_several_files_was_refused_and_which_were_attached(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gauge.log").write_bytes(_CONTENT)
    server.prepare("POST", _URL, Answer(status=201, body=_FILE))

    assert run(["items", "attach", "TM-1", "gauge.log", "none.log"]) == ExitCode.USAGE

    told = capsys.readouterr().err
    assert "none.log: none.log cannot be read" not in told
    assert "Attached before it: gauge.log." in told


def test_attachments_are_listed(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("GET", _URL, Answer(body={"items": [_FILE], "next_cursor": None}))

    assert run(["items", "attachments", "TM-1"]) == 0

    assert capsys.readouterr().out.splitlines()[1].split()[:4] == [
        "gauge.log",
        "text/plain",
        "9",
        "Ada",
    ]


def test_download_saves_a_file_once(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/attachments/a1", Answer(body={**_FILE, "name": "../gauge.log"}))
    server.prepare("GET", "/api/v1/attachments/a1/content", Answer(chunks=(_CONTENT,)))

    first = run(["items", "download", "a1"])
    again = run(["items", "download", "a1"])
    forced = run(["items", "download", "a1", "--force"])

    assert (first, again, forced) == (0, ExitCode.CONFLICT, 0)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["gauge.log"]
    assert (tmp_path / "gauge.log").read_bytes() == _CONTENT
    assert "gauge.log is there already" in capsys.readouterr().err


def test_download_refuses_what_is_another_file(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/attachments/a1", Answer(body=_FILE))
    server.prepare("GET", "/api/v1/attachments/a1/content", Answer(chunks=(b"high tide",)))

    assert run(["items", "download", "a1", "-o", "other.log"]) == ExitCode.FAILED

    assert "not the file that was attached" in capsys.readouterr().err
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_detach_removes_a_file(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("DELETE", "/api/v1/attachments/a1", Answer(status=204, body=None))

    assert run(["items", "detach", "a1"]) == 0

    assert "Deleted a1." in capsys.readouterr().out
