from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

PATH = "/api/v1/project-imports"
PROBLEM = {"column": "status", "value": "x", "problem": "there is no such status.", "expected": "y"}


def _report(status: str, **fields: Any) -> dict[str, Any]:
    return {
        "status": status,
        "project_id": None,
        "project_key": "TM",
        "counts": {"items": 2, "sprints": 0, "time_entries": 1},
        "people_matched": 1,
        "people_named": [],
        "parts_wrong": 0,
        "wrong": [],
        "left_out": [],
        **fields,
    }


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "tm.zip"
    path.write_bytes(b"PK")
    return path


def test_project_import_sends_the_file_and_tells_what_came(
    server: Answers, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _report("imported", people_named=["Carl"], left_out=["2 links to items elsewhere"])
    server.prepare("POST", PATH, Answer(status=201, body=report))

    code = run(["projects", "import", str(archive), "--key", "SEA"])

    assert code == 0
    assert server.asked[0].path == f"{PATH}?key=SEA"
    assert server.asked[0].body == b"PK"
    told = capsys.readouterr().out
    assert "Imported: TM: 2 items, 1 time entries." in told
    assert "No members here, and shown by name alone: Carl." in told
    assert "Left out: 2 links to items elsewhere." in told


def test_project_import_shows_what_is_wrong_with_a_file_that_is_refused(
    server: Answers, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"message": "No.", "type": "t", "code": "PROJECT_IMPORT_REJECTED", "param": None}
    wrong = [{"path": "items[3]", "key": "TM-4", "problems": [PROBLEM]}]
    checked = _report("checked", parts_wrong=1, wrong=wrong)
    server.prepare("POST", PATH, Answer(status=422, body={"error": error}), Answer(body=checked))

    code = run(["projects", "import", str(archive)])

    assert code == 1
    assert [asked.body for asked in server.asked] == [b"PK", b"PK"]
    told = capsys.readouterr().out
    assert "items[3]" in told
    assert "there is no such status." in told
    assert "Nothing was imported: TM" in told
