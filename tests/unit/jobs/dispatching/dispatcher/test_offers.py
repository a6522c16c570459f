from __future__ import annotations

from typing import Any

import pytest

from tidemill.jobs.dispatching.dispatcher.offers import wrong_with
from tidemill.jobs.protocol.messages import Hello


def a_hello(**fields: Any) -> Hello:
    known: dict[str, Any] = {
        "version": 1,
        "worker_id": "one",
        "secret": "",
        "host": "here",
        "slots": 1,
        "tags": ("default",),
        "isolations": (),
    }
    return Hello(**{**known, **fields})


def test_wrong_with_lets_a_plain_worker_in() -> None:
    assert wrong_with(a_hello()) is None
    assert wrong_with(a_hello(labels=("gpu",), cpu=8.0, memory_mib=1024)) is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tags": ()}, "tags"),
        ({"tags": ("No Tag",)}, "tags"),
        ({"tags": tuple(f"t{number}" for number in range(101))}, "tags"),
        ({"labels": ("a b",)}, "labels"),
        ({"labels": tuple(f"l{number}" for number in range(21))}, "labels"),
        ({"cpu": float("nan")}, "cpu"),
        ({"cpu": -1.0}, "cpu"),
        ({"memory_mib": -1}, "MiB"),
    ],
)
def test_wrong_with_says_what_cannot_hold(fields: dict[str, Any], told: str) -> None:
    assert told in (wrong_with(a_hello(**fields)) or "")
