from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

PATH = "/api/v1/tags/render/strategy"
KNOWN: dict[str, Any] = {
    "tag": "render",
    "order": "fair_share",
    "workers": "affinity",
    "affinity_wait_seconds": 10.0,
    "reserve_seconds": 30.0,
    "own": True,
    "weights": {"t1": 2},
}


def test_set_changes_what_is_named_and_keeps_the_rest(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", PATH, Answer(body=KNOWN))
    server.prepare("PUT", PATH, Answer(body={**KNOWN, "order": "priority_fifo"}))

    code = run(["strategies", "set", "render", "--order", "priority_fifo", "--weight", "t2=3"])

    assert code == 0
    assert "priority_fifo" in capsys.readouterr().out
    assert server.asked[-1].body == {
        "order": "priority_fifo",
        "workers": "affinity",
        "affinity_wait_seconds": 10.0,
        "reserve_seconds": 30.0,
        "weights": {"t1": 2, "t2": 3},
    }


def test_set_refuses_a_share_without_a_number(server: Answers) -> None:
    server.prepare("GET", PATH, Answer(body=KNOWN))

    assert run(["strategies", "set", "render", "--weight", "t2"]) == 2
