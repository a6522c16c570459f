from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

WRONG = Answer(
    status=422, body={"error": {"message": "on_failure: Expected an object.", "code": "C"}}
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "schedules.json"
    rows = [{"path": name, "script_path": "x", "enabled": True} for name in ("a", "b", "c")]
    path.write_text(json.dumps(rows))
    return path


def test_import_writes_nothing_where_a_definition_is_wrong_and_names_it(
    server: Answers, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", "/api/v1/schedules/preview", Answer(body={"due_at": []}), WRONG)

    assert run(["schedules", "import", str(file)]) == 1

    told = capsys.readouterr().err
    assert told == "tidemill: b: on_failure: Expected an object. Nothing was imported.\n"
    assert [asked.path for asked in server.asked] == ["/api/v1/schedules/preview"] * 2
    assert server.asked[0].body == {"script_path": "x", "count": 1}


def test_import_takes_the_others_where_writing_finds_one_wrong_and_names_it(
    server: Answers, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", "/api/v1/schedules/preview", Answer(body={"due_at": []}))
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": []}))
    made = Answer(status=201, body={})
    server.prepare("POST", "/api/v1/schedules", made, WRONG, made)

    assert run(["schedules", "import", str(file)]) == 1

    told = capsys.readouterr().err
    assert "b: on_failure: Expected an object.\n" in told
    assert f"2 of 3 schedules are as {file} says; 2 were written." in told
    written = [asked.body for asked in server.asked if asked.path == "/api/v1/schedules"]
    assert [row["path"] for row in written if row] == ["a", "b", "c"]


def test_import_leaves_alone_what_is_as_the_file_says_already(
    server: Answers, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"path": name, "script_path": "x", "enabled": True, "id": f"id-{name}", "version": 3}
        for name in ("a", "b", "c")
    ]
    rows[1]["enabled"] = False
    server.prepare("POST", "/api/v1/schedules/preview", Answer(body={"due_at": []}))
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": rows}))
    server.prepare("PUT", "/api/v1/schedules/id-b", Answer(body=rows[1]))

    assert run(["schedules", "import", str(file)]) == 0

    told = capsys.readouterr().out
    assert told.endswith(f"3 of 3 schedules are as {file} says; 1 were written.\n")
    assert [asked.method for asked in server.asked].count("PUT") == 1
