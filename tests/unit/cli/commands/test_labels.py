from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_URGENT = {
    "id": "l-1",
    "project_id": None,
    "name": "Urgent",
    "color": "#d55e00",
    "description": None,
    "version": 2,
}


def _page(*labels: object) -> Answer:
    return Answer(body={"items": list(labels), "next_cursor": None})


@pytest.mark.parametrize("reference", ["urgent", "L-1"])
def test_update_finds_the_label_by_name_or_id(
    server: Answers, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    server.prepare("GET", "/api/v1/labels", _page(_URGENT))
    server.prepare("PATCH", "/api/v1/labels/l-1", Answer(body=_URGENT))

    code = run(["labels", "update", reference, "--color", "#d55e00"])

    assert (code, capsys.readouterr().out) == (0, "Urgent is at version 2.\n")
    assert server.asked[1].body == {"color": "#d55e00"}


def test_delete_asks_which_of_two_is_meant(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/labels", _page(_URGENT, {**_URGENT, "id": "l-2"}))

    code = run(["labels", "delete", "urgent"])

    assert code == 2
    assert "2 labels are called urgent" in capsys.readouterr().err


def test_list_tells_whose_labels_are(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    own = {**_URGENT, "name": "gate", "project_id": "p"}
    server.prepare("GET", "/api/v1/labels", _page(_URGENT, own))

    code = run(["labels", "list", "-p", "TM"])

    out = capsys.readouterr().out
    assert (code, "all projects" in out, "a project" in out) == (0, True, True)
    assert "project_id=TM" in server.asked[0].path
