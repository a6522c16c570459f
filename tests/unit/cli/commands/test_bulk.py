from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run

PATH = "/api/v1/work-items/batch"
_REFUSAL = {"code": "NULL_NOT_ALLOWED", "message": "status cannot be null.", "param": "status"}


def _report(status: str = "applied", **fields: Any) -> dict[str, Any]:
    changed = {"reference": "TM-1", "key": "TM-1", "outcome": "changed", "error": None}
    refused = {"reference": "TM-2", "key": None, "outcome": "refused", "error": _REFUSAL}
    return {
        "status": status,
        "action": "change",
        "total": 2,
        "changed": 1,
        "unchanged": 0,
        "refused": 1,
        "items": [changed, refused],
        **fields,
    }


def test_bulk_sends_what_is_set_and_what_is_cleared(server: Answers) -> None:
    server.prepare("POST", PATH, Answer(body=_report(refused=0, items=[])))

    done = run(
        [
            *("items", "bulk", "--filter", "is:open", "-p", "TM", "--set", "status=done"),
            *("--set", "assignee=", "--set", "points=3", "--set", "estimate=1h30m"),
            *("--add-label", "harbour", "--skip-refused", "--dry-run"),
        ]
    )

    assert done == 0
    assert server.asked[-1].body == {
        "ids": [],
        "filter": "is:open",
        "project_id": "TM",
        "action": "change",
        "changes": {
            "status": "done",
            "assignee_id": None,
            "points": 3,
            "estimate_seconds": 5_400,
            "add_labels": ["harbour"],
        },
        "on_error": "skip",
        "dry_run": True,
    }


def test_bulk_fails_when_items_are_refused_and_says_why(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"message": "1 of 2 items were refused.", "code": "BULK_CHANGE_REFUSED"}
    refused = {"error": error, "report": _report("refused", changed=0)}
    server.prepare("POST", PATH, Answer(status=422, body=refused), Answer(body=_report()))
    words = ["items", "bulk", "TM-1", "TM-2", "--set", "status="]

    assert run(words) == ExitCode.FAILED
    all_refused = capsys.readouterr().out
    assert run([*words, "--skip-refused", "--json"]) == ExitCode.FAILED
    skipped = json.loads(capsys.readouterr().out)

    assert "TM-2  NULL_NOT_ALLOWED  status cannot be null." in all_refused
    assert all_refused.endswith("Nothing was changed: 0 unchanged, 1 refused of 2 items.\n")
    assert skipped["changed"] == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--delete", "--restore"),
        ("--delete", "--set", "status=done"),
        ("--set", "title=One for all"),
        ("--set", "status"),
        ("--set", "points=many"),
    ],
)
def test_bulk_refuses_what_is_unclear_before_it_asks(
    server: Answers, words: tuple[str, ...]
) -> None:
    assert run(["items", "bulk", "TM-1", *words]) == ExitCode.USAGE

    assert server.asked == []
