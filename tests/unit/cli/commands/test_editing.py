"""`tidemill items edit`, with programs that edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_PATH = "/api/v1/work-items"
_ITEM: dict[str, Any] = {
    "id": "i1",
    "key": "TM-1",
    "project_id": "p1",
    "version": 3,
    "title": "Sluice",
    "status": "todo",
    "priority": "medium",
    "assignee": {"id": "u1", "name": "Ada", "avatar": None},
    "labels": [{"id": "l1", "name": "harbour", "color": "#000000"}],
    "points": None,
    "estimate_seconds": 5400,
    "start_date": None,
    "due_date": None,
    "parent_id": None,
    "sprint": None,
    "description": "one\ntwo\nthree",
}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)


def _edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *rounds: str) -> None:
    """Let each opening of the file run the next `sed` script, and later ones change nothing."""
    for place, script in enumerate(rounds):
        (tmp_path / f"round-{place}").write_text(script)
    program = tmp_path / "editor"
    program.write_text(
        f"cd {tmp_path}\n"
        'for script in round-*; do [ -f "$script" ] || exit 0\n'
        'sed -i -f "$script" "$1"; cp "$1" "seen-$script"; rm "$script"; exit 0; done\n'
    )
    monkeypatch.setenv("EDITOR", f"sh {program}")


def _kept(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("tidemill-TM-1-*.md"))


def _conflict() -> Answer:
    error = {"message": "Somebody set title.", "code": "EDIT_CONFLICT", "param": "title"}
    return Answer(status=409, body={"error": error})


def _patched(server: Answers) -> list[Any]:
    return [asked.body for asked in server.asked if asked.method == "PATCH"]


def test_edit_sends_what_was_changed_and_its_base(
    server: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    server.prepare("PATCH", f"{_PATH}/i1", Answer(body={**_ITEM, "version": 4}))
    script = (
        "s/^points:.*/points: 5/\ns/^estimate:.*/estimate:/\ns/^labels:.*/labels: sea/\ns/two/2/"
    )
    _edits(tmp_path, monkeypatch, script)

    code = run(["items", "edit", "TM-1"])

    assert (code, capsys.readouterr().out) == (0, "Changed TM-1: version 4.\n")
    assert _patched(server) == [
        {
            "points": 5,
            "estimate_seconds": None,
            "add_labels": ["sea"],
            "remove_labels": ["harbour"],
            "description": "one\n2\nthree",
            "base_version": 3,
        }
    ]
    assert _kept(tmp_path) == []


def test_edit_without_a_change_sends_nothing(
    server: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    _edits(tmp_path, monkeypatch)

    code = run(["items", "edit", "TM-1", "--json"])

    assert (code, json.loads(capsys.readouterr().out)["version"]) == (0, 3)
    assert (_patched(server), _kept(tmp_path)) == ([], [])


def test_edit_merges_what_does_not_overlap(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {**_ITEM, "version": 4, "title": "Gate", "description": "one\ntwo\nTHREE"}
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    server.prepare("GET", f"{_PATH}/i1", Answer(body=theirs))
    server.prepare("PATCH", f"{_PATH}/i1", _conflict(), Answer(body={**theirs, "version": 5}))
    _edits(tmp_path, monkeypatch, "s/^one/ONE/")

    assert run(["items", "edit", "TM-1"]) == 0

    assert _patched(server)[-1] == {"description": "ONE\ntwo\nTHREE", "base_version": 4}


def test_edit_opens_the_file_again_with_both_values(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {**_ITEM, "version": 4, "title": "Gate"}
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    server.prepare("GET", f"{_PATH}/i1", Answer(body=theirs))
    server.prepare("PATCH", f"{_PATH}/i1", _conflict(), Answer(body={**theirs, "version": 5}))
    _edits(
        tmp_path,
        monkeypatch,
        "s/^title:.*/title: Lock/\ns/^two/2/",
        "/^<<<<<<< yours/d\n/^=======/,/^>>>>>>> /d",
    )

    assert run(["items", "edit", "TM-1"]) == 0

    assert _patched(server)[-1] == {
        "title": "Lock",
        "description": "one\n2\nthree",
        "base_version": 4,
    }


def test_edit_keeps_the_text_where_nobody_chooses(
    server: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    server.prepare("GET", f"{_PATH}/i1", Answer(body={**_ITEM, "version": 4, "title": "Gate"}))
    server.prepare("PATCH", f"{_PATH}/i1", _conflict())
    _edits(tmp_path, monkeypatch, "s/^title:.*/title: Lock/")

    code = run(["items", "edit", "TM-1"])

    [kept] = _kept(tmp_path)
    assert code == 5
    assert f"Your text is in {kept}." in capsys.readouterr().err
    assert "title: Lock\n=======\ntitle: Gate\n" in kept.read_text()


def test_edit_says_in_the_file_what_was_refused(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"message": "done does not follow todo.", "code": "STATUS_TRANSITION_FORBIDDEN"}
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    refused = Answer(status=422, body={"error": {**error, "param": "status"}})
    server.prepare("PATCH", f"{_PATH}/i1", refused, Answer(body={**_ITEM, "version": 4}))
    _edits(
        tmp_path,
        monkeypatch,
        "s/^status:.*/statsu: done/",
        "s/^statsu:/status:/",
        "s/^status:.*/status: review/",
    )

    assert run(["items", "edit", "TM-1"]) == 0

    assert "# Not stored: Line 5: A field is one of" in (tmp_path / "seen-round-1").read_text()
    seen = (tmp_path / "seen-round-2").read_text()
    assert "# Not stored: done does not follow todo." in seen
    assert seen.count("# Not stored") == 1
    assert [body["status"] for body in _patched(server)] == ["done", "review"]


def test_edit_opens_the_file_again_where_it_names_what_is_not_there(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"message": "There is no work item TM-99.", "code": "WORK_ITEM_NOT_FOUND"}
    refused = Answer(status=404, body={"error": {**gone, "param": "parent_id"}})
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    server.prepare("GET", "/api/v1/members", Answer(body={"items": [], "next_cursor": None}))
    server.prepare("GET", "/api/v1/sprints", Answer(body={"items": [], "next_cursor": None}))
    server.prepare("PATCH", f"{_PATH}/i1", refused, Answer(body={**_ITEM, "version": 4}))
    _edits(
        tmp_path,
        monkeypatch,
        "s/^assignee:.*/assignee: Adda/",
        "s/^assignee:.*/assignee: Ada/\ns/^sprint:.*/sprint: Neep/",
        "s/^sprint:.*/sprint:/\ns/^parent:.*/parent: TM-99/",
        "s/^parent:.*/parent: TM-9/",
    )

    assert run(["items", "edit", "TM-1"]) == 0

    told = [(tmp_path / f"seen-round-{place}").read_text() for place in (1, 2, 3)]
    assert "# Not stored: There is no member Adda." in told[0]
    assert "# Not stored: No sprint of p1 is called Neep." in told[1]
    assert "# Not stored: There is no work item TM-99." in told[2]
    assert [body["parent_id"] for body in _patched(server)] == ["TM-99", "TM-9"]


def test_edit_ends_where_the_item_itself_is_gone(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"message": "There is no work item i1.", "code": "WORK_ITEM_NOT_FOUND", "param": None}
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    server.prepare("PATCH", f"{_PATH}/i1", Answer(status=404, body={"error": gone}))
    _edits(tmp_path, monkeypatch, "s/^one/1/", "s/^two/2/")

    assert run(["items", "edit", "TM-1"]) == 4

    assert len(_patched(server)) == 1
    [kept] = _kept(tmp_path)
    assert "1\ntwo" in kept.read_text()


@pytest.mark.parametrize(
    ("editor", "code", "message"),
    [
        ("false", 1, "false ended with code 1."),
        ("no-such-editor", 2, "no-such-editor cannot be started"),
        ("", 2, "An editor needs a terminal. Set EDITOR"),
    ],
)
def test_edit_without_a_working_editor_leaves_nothing(
    server: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    editor: str,
    code: int,
    message: str,
) -> None:
    server.prepare("GET", f"{_PATH}/TM-1", Answer(body=_ITEM))
    monkeypatch.setenv("EDITOR", editor)

    assert run(["items", "edit", "TM-1"]) == code

    assert message in capsys.readouterr().err
    assert (_patched(server), _kept(tmp_path)) == ([], [])
