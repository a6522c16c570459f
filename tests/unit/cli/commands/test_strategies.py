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
    server.prepare("PUT", PATH, Answer(body={**KNOWN, "reserve_seconds": 5.0}))

    code = run(["strategies", "set", "render", "--reserve", "5", "--weight", "t2=3"])

    assert code == 0
    assert "5 s" in capsys.readouterr().out
    assert server.asked[-1].body == {
        "order": "fair_share",
        "workers": "affinity",
        "affinity_wait_seconds": 10.0,
        "reserve_seconds": 5.0,
        "weights": {"t1": 2, "t2": 3},
    }


def test_set_leaves_out_what_the_new_rules_do_not_look_at(server: Answers) -> None:
    server.prepare("GET", PATH, Answer(body={**KNOWN, "affinity_wait_seconds": 60.0}))
    server.prepare("PUT", PATH, Answer(body=KNOWN))
    said = ["--order", "priority_fifo", "--workers", "round_robin"]

    assert run(["strategies", "set", "render", *said]) == 0
    assert server.asked[-1].body == {
        "order": "priority_fifo",
        "workers": "round_robin",
        "reserve_seconds": 30.0,
    }


def test_set_refuses_a_share_without_a_number(server: Answers) -> None:
    server.prepare("GET", PATH, Answer(body=KNOWN))

    assert run(["strategies", "set", "render", "--weight", "t2"]) == 2
