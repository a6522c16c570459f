from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_SEVERITY = {
    "id": "f-1",
    "project_id": None,
    "key": "severity",
    "name": "Severity",
    "type": "choice",
    "required": True,
    "choices": [{"id": "high", "retired": False}, {"id": "low", "retired": True}],
    "version": 2,
}


def _page(*fields: object) -> Answer:
    return Answer(body={"items": list(fields), "next_cursor": None})


def test_create_sends_what_is_named_alone(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", "/api/v1/custom-fields", Answer(status=201, body=_SEVERITY))

    code = run(["fields", "create", "effort", "--type", "number", "--min", "0", "-p", "TM"])

    assert (code, capsys.readouterr().out) == (0, "Made severity.\n")
    assert server.asked[0].body == {
        "key": "effort",
        "name": "Effort",
        "type": "number",
        "project_id": "TM",
        "minimum": "0",
    }


def test_update_clears_by_an_empty_text_and_replaces_choices(server: Answers) -> None:
    server.prepare("GET", "/api/v1/custom-fields", _page(_SEVERITY))
    server.prepare("PATCH", "/api/v1/custom-fields/f-1", Answer(body=_SEVERITY))

    code = run(["fields", "update", "severity", "--default", "", "--optional", "--choice", "A"])

    assert code == 0
    assert server.asked[1].body == {
        "default": None,
        "required": False,
        "choices": [{"name": "A"}],
    }


def test_delete_says_what_goes_with_it_and_asks_which_of_two_is_meant(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/custom-fields", _page(_SEVERITY, {**_SEVERITY, "id": "f-2"}))

    assert run(["fields", "delete", "severity"]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert run(["fields", "delete", "severity", "--yes"]) == 2
    assert "2 fields have the key severity" in capsys.readouterr().err


def test_items_take_fields_as_key_and_value(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {"key": "TM-1", "status": "todo", "version": 2}
    server.prepare("PATCH", "/api/v1/work-items/TM-1", Answer(body=item))

    code = run(["items", "update", "TM-1", "--field", "page=https://a?b=c", "--field", "size="])

    assert code == 0
    assert server.asked[0].body == {"custom_fields": {"page": "https://a?b=c", "size": None}}
    assert run(["items", "update", "TM-1", "--field", "size"]) == 2
    assert "Write --field size=VALUE." in capsys.readouterr().err
