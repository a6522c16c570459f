from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

PATH = "/api/v1/projects/TM/imports"
PROBLEM = {
    "column": "type",
    "value": "whale",
    "problem": "there is no such type.",
    "expected": "one of: epic, story, task, bug",
}
ROWS = [
    {"line": 2, "outcome": "valid", "title": "Season", "problems": []},
    {"line": 3, "outcome": "wrong", "title": "Sail", "problems": [PROBLEM]},
]


def _report(status: str, *, wrong: int) -> dict[str, Any]:
    return {
        "status": status,
        "encoding": "cp1252",
        "columns": [{"header": "title", "field": "title"}, {"header": "mood", "field": None}],
        "rows_total": 2,
        "rows_created": 0 if wrong else 2,
        "rows_already_imported": 0,
        "rows_wrong": wrong,
        "rows": ROWS if wrong else ROWS[:1],
    }


@pytest.fixture
def backlog(tmp_path: Path) -> Path:
    path = tmp_path / "backlog.csv"
    path.write_text("title,mood\nSeason,merry\nSail,\n")
    return path


def test_import_sends_the_file_and_tells_the_counts(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", PATH, Answer(status=201, body=_report("imported", wrong=0)))

    code = run(["items", "import", str(backlog), "-p", "TM"])

    assert code == 0
    assert server.asked[0].headers["content-type"] == "text/csv"
    told = capsys.readouterr().out
    assert "Imported: 2 rows, 2 created, 0 imported before, 0 wrong." in told
    assert "nothing was taken from: mood" in told
    assert "Read as cp1252, not UTF-8" in told


def test_import_says_that_rows_without_an_id_are_made_again(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _report("imported", wrong=0) | {"rows_without_id": 2, "titles_there_already": 1}
    server.prepare("POST", PATH, Answer(status=201, body=report))

    assert run(["items", "import", str(backlog), "-p", "TM"]) == 0

    told = capsys.readouterr().out
    assert "2 rows have no id of their own, and items with the same titles are there" in told
    assert "already; with a column external_id a repeated import changes nothing." in told


def test_import_of_wrong_rows_lists_them_and_fails(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"message": "1 of 2 rows are wrong.", "code": "IMPORT_REJECTED", "param": None}
    server.prepare(
        "POST",
        PATH,
        Answer(status=422, body={"error": error}),
        Answer(body=_report("checked", wrong=1)),
    )

    code = run(["items", "import", str(backlog), "-p", "TM"])

    assert code == 1
    assert server.asked[1].path == f"{PATH}?dry_run=true"
    told = capsys.readouterr().out
    assert "whale" in told
    assert "one of: epic, story, task, bug" in told
    assert "Nothing was imported" in told


def test_import_of_many_wrong_rows_shows_the_first_and_counts_the_rest(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _report("checked", wrong=1)
    wrong_row = next(row for row in report["rows"] if row["problems"])
    report["rows"] = [{**wrong_row, "line": 2 + number} for number in range(700)]
    report["rows_total"] = report["rows_wrong"] = 700
    server.prepare("POST", PATH, Answer(body=report))

    assert run(["items", "import", str(backlog), "-p", "TM", "--dry-run"]) == 1

    told = capsys.readouterr().out
    assert told.count("whale") == 20
    assert "… and 680 more" in told
    assert "700 times type: " in told
    assert "700 rows, 0 would be created" in told


def test_import_prints_the_report_as_json(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", PATH, Answer(body=_report("checked", wrong=1)))

    code = run(["items", "import", str(backlog), "-p", "TM", "--dry-run", "--json"])

    assert code == 1
    assert json.loads(capsys.readouterr().out)["rows"] == ROWS


def test_import_of_a_heading_alone_says_that_there_are_no_rows(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = {**_report("imported", wrong=0), "rows_total": 0, "rows_created": 0, "rows": []}
    server.prepare("POST", PATH, Answer(status=201, body=empty))

    assert run(["items", "import", str(backlog), "-p", "TM"]) == 0

    assert "no rows: the file has nothing below its heading." in capsys.readouterr().out


def test_import_of_another_tool_sends_a_form_with_its_mapping(
    server: Answers, backlog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = {
        **_report("imported", wrong=0),
        "left_out": ["2 archived cards"],
        "comments_created": 3,
        "dependencies_created": 0,
    }
    server.prepare("POST", PATH, Answer(status=201, body=report))
    mapping = backlog.with_name("mapping.json")
    mapping.write_text('{"statuses": {"On air": "done"}}')

    code = run(
        ["items", "import", str(backlog), "-p", "TM", "--format", "trello", "--source", "harbour",
         "--mapping", str(mapping)]
    )  # fmt: skip

    assert code == 0
    (asked,) = server.asked
    assert asked.path == f"{PATH}?format=trello&source=harbour"
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="mapping"' in asked.body
    assert b'"On air"' in asked.body
    told = capsys.readouterr().out
    assert "Left out: 2 archived cards." in told
    assert "3 comments and 0 dependencies with them" in told
