from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_PATH: Final = "/api/v1/projects/TM/workflow"
_WORKFLOW: Final[dict[str, Any]] = {
    "project_id": "p",
    "initial": "ready",
    "statuses": [
        {"key": "ready", "name": "Ready", "category": "unstarted", "color": None},
        {"key": "shipped", "name": "Shipped", "category": "done", "color": None},
    ],
    "transitions": [
        {
            "from": "ready",
            "to": ["shipped"],
            "guards": [{"type": "requires_field", "field": "points"}],
        }
    ],
    "is_default": False,
    "version": 3,
    "updated_at": 1,
    "updated_by": "ada",
}
_TOML: Final = """
[[statuses]]
key = "ready"
name = "Ready"
category = "unstarted"

[[statuses]]
key = "shipped"
name = "Shipped"
category = "done"
"""


def test_show_tells_statuses_moves_and_their_conditions(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", _PATH, Answer(body=_WORKFLOW))

    code = run(["projects", "workflow", "show", "TM"])

    assert (code, capsys.readouterr().out.splitlines()) == (
        0,
        [
            "STATUS   NAME     CATEGORY   LEADS TO",
            "ready    Ready    unstarted  shipped",
            "shipped  Shipped  done",
            "New items begin in ready.",
            "From ready to shipped: requires_field points.",
        ],
    )


def test_set_takes_back_what_show_prints(
    server: Answers, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server.prepare("PUT", _PATH, Answer(body={**_WORKFLOW, "version": 4}))
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(_WORKFLOW))

    code = run(["projects", "workflow", "set", "TM", str(file)])

    assert (code, capsys.readouterr().out) == (
        0,
        "The workflow is at version 4: ready, shipped.\n",
    )
    names = ("initial", "statuses", "transitions")
    assert server.asked[0].body == {name: _WORKFLOW[name] for name in names}
    assert server.asked[0].headers["if-match"] == '"v3"'


def test_set_reads_toml_and_says_where_items_go(server: Answers, tmp_path: Path) -> None:
    server.prepare("PUT", _PATH, Answer(body=_WORKFLOW))
    file = tmp_path / "workflow.toml"
    file.write_text(f'moves = {{ todo = "ready" }}\n{_TOML}')

    code = run(["projects", "workflow", "set", "TM", str(file), "--move", "done=shipped"])

    body: Any = server.asked[0].body
    assert (code, body["moves"]) == (0, {"todo": "ready", "done": "shipped"})
    assert [status["key"] for status in body["statuses"]] == ["ready", "shipped"]
    assert "if-match" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("gone.json", None, "cannot be read"),
        ("w.json", "{", "is no JSON"),
        ("w.toml", "a =", "is no TOML"),
        ("w.json", "[]", "holds no workflow"),
    ],
)
def test_set_refuses_a_file(
    server: Answers,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    text: str | None,
    told: str,
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)

    code = run(["projects", "workflow", "set", "TM", str(file)])

    assert (code, server.asked) == (2, [])
    assert told in capsys.readouterr().err


def test_set_says_by_which_option_items_move_on(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "flow.toml"
    file.write_text(_TOML, encoding="utf-8")
    refused = {"error": {"message": "6 in backlog.", "code": "STATUS_IN_USE", "param": "moves"}}
    server.prepare("PUT", _PATH, Answer(status=409, body=refused))

    assert run(["projects", "workflow", "set", "TM", str(file)]) != 0

    assert "6 in backlog. Here: --move FROM=TO." in capsys.readouterr().err
