from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.commands import moving
from tidemill.cli.main import run


@pytest.fixture
def refused(server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of which the third line is wrong, and is sent in the second portion."""
    monkeypatch.setattr(moving, "lines_per_request", 2)
    file = tmp_path / "queue.ndjson"
    file.write_text("{}\n" * 3)
    error = {"message": "1 line is wrong.", "type": "t", "code": "JOB_IMPORT_REFUSED"}
    wrong = {"line": 1, "code": "C", "message": "id is missing.", "param": "id"}
    server.prepare(
        "POST",
        "/api/v1/job-import",
        Answer(body={"lines": 2, "imported": 2, "known": 0, "skipped": 0}),
        Answer(status=422, body={"error": error, "errors": [wrong]}),
    )

    return file


def test_import_names_each_line_that_is_wrong_by_its_place_in_the_file(
    refused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["jobs", "import", str(refused)]) == 1

    told = capsys.readouterr().err.splitlines()
    assert told == ["line 3: id is missing.", "tidemill: 1 line is wrong."]


def test_import_tells_programs_of_each_line_that_is_wrong(
    refused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["jobs", "import", str(refused), "--json"]) == 1

    told = json.loads(capsys.readouterr().err)
    assert [(one["line"], one["message"]) for one in told["errors"]] == [(3, "id is missing.")]
