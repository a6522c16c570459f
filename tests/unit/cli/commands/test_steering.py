from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

JOB: dict[str, Any] = {"id": "j1", "state": "cancelled", "finished_at": "2026-01-01T00:00:00Z"}


def portion(*, changed: int, cursor: str | None, dry_run: bool = False) -> Answer:
    return Answer(
        body={
            "matched": 2,
            "changed": changed,
            "more": False,
            "refused": [],
            "dry_run": dry_run,
            "next_cursor": cursor,
        }
    )


def test_cancel_by_filter_goes_on_until_all_are_cancelled(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare(
        "POST",
        "/api/v1/jobs/cancel",
        portion(changed=2, cursor="c"),
        portion(changed=1, cursor=None),
    )

    code = run(["jobs", "cancel", "--path", "reports/*", "--json"])

    assert code == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["matched"], told["changed"]) == (4, 3)
    assert [asked.body.get("cursor") for asked in server.asked] == [None, "c"]
    assert server.asked[0].body["filter"] == {"path": "reports/*"}


def test_a_dry_run_says_how_many_it_would_be(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = portion(changed=0, cursor=None, dry_run=True)
    server.prepare("POST", "/api/v1/dead-jobs/replay", answer)

    assert run(["jobs", "replay", "--all", "--dry-run"]) == 0
    assert capsys.readouterr().out == "2 jobs would be replayed.\n"


def test_cancel_takes_several_ids(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("j1", "j2"):
        server.prepare("POST", f"/api/v1/jobs/{name}/cancel", Answer(body=JOB))

    assert run(["jobs", "cancel", "j1", "j2"]) == 0
    assert capsys.readouterr().out == "j1 is cancelled.\nj2 is cancelled.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["cancel"],
        ["cancel", "j1", "--tag", "mail"],
        ["cancel", "j1", "--dry-run"],
        ["cancel", "--tag", "mail", "--tree"],
        ["retry", "j1", "--dry-run"],
        ["replay"],
        ["replay", "--dry-run"],
        ["replay", "--all", "--tag", "mail"],
        ["replay", "--all", "j1"],
    ],
    ids=" ".join,
)
def test_a_change_of_many_wants_one_way_to_say_which(server: Answers, words: list[str]) -> None:
    assert run(["jobs", *words]) == 2
    assert server.asked == []


def test_cancel_of_a_job_that_has_ended_says_that_nothing_was_cancelled(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {"id": "j1", "state": "succeeded", "finished_at": "2026-01-02T03:04:05.000000Z"}
    server.prepare("POST", "/api/v1/jobs/j1/cancel", Answer(body=ended))

    assert run(["jobs", "cancel", "j1"]) == 0

    assert capsys.readouterr().out == "j1 has succeeded already; nothing was cancelled.\n"
