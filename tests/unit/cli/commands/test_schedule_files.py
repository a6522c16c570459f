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


def test_import_names_the_schedule_at_which_it_ended_and_how_many_came_before(
    server: Answers, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", "/api/v1/schedules/preview", Answer(body={"due_at": []}))
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": []}))
    server.prepare("POST", "/api/v1/schedules", Answer(status=201, body={}), WRONG)

    assert run(["schedules", "import", str(file)]) == 1

    told = capsys.readouterr().err
    assert "b: on_failure: Expected an object. 1 of 3 were imported before it." in told
