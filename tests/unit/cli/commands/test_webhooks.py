from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_PATH: Final = "/api/v1/webhooks/w1/deliveries/d1"
_WAITS: Final[dict[str, Any]] = {
    "id": "d1",
    "state": "pending",
    "attempts": 1,
    "status_code": 401,
    "duration_ms": 3,
    "error": "The answer was 401.",
}
_DELIVERED: Final = {
    **_WAITS,
    "state": "delivered",
    "attempts": 2,
    "status_code": 204,
    "error": None,
}


def test_replay_tells_the_new_attempt_and_not_the_one_before(
    server: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", f"{_PATH}/replay", Answer(body=_WAITS))
    server.prepare("GET", _PATH, Answer(body=_WAITS), Answer(body=_DELIVERED))
    monkeypatch.setattr("tidemill.cli.commands.webhooks._look_seconds", 0)

    assert run(["webhooks", "replay", "w1", "d1"]) == 0

    assert capsys.readouterr().out == "Delivered: 204 within 3 ms.\n"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_ping_fails_where_nothing_was_delivered(
    server: Answers, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    failed = {**_WAITS, "state": "failed"}
    server.prepare("POST", "/api/v1/webhooks/w1/ping", Answer(body=_WAITS))
    server.prepare("GET", _PATH, Answer(body=failed))

    assert run(["webhooks", "ping", "w1", *options]) == 1

    told = capsys.readouterr()
    assert "Not delivered: The answer was 401." in told.err
    assert (json.loads(told.out) if options else told.out) == (failed if options else "")
