from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_MADE = {"id": "t-1", "token": "tmw_secret", "name": "site-b"}


def test_create_prints_the_secret_alone(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", "/api/v1/worker-tokens", Answer(status=201, body=_MADE))

    code = run(["worker-tokens", "create", "site-b", "--tag", "gpu", "--tenant", "acme"])

    assert (code, capsys.readouterr().out) == (0, "tmw_secret\n")
    assert server.asked[-1].body == {
        "name": "site-b",
        "tags": ["gpu"],
        "tenants": ["acme"],
        "expires_in_days": 365,
    }


def test_create_asks_for_everything_unless_told(server: Answers) -> None:
    server.prepare("POST", "/api/v1/worker-tokens", Answer(status=201, body=_MADE))

    run(["worker-tokens", "create", "site-b", "--days", "9"])

    assert server.asked[-1].body == {
        "name": "site-b",
        "tags": None,
        "tenants": None,
        "expires_in_days": 9,
    }


@pytest.mark.parametrize("token", ["site-b", "t-1"])
def test_revoke_takes_the_name_of_a_token_that_holds_and_its_id(
    server: Answers, token: str
) -> None:
    rows = [
        {"id": "t-0", "name": "site-b", "revoked_at": "2026-11-22T06:00:00Z"},
        {"id": "t-1", "name": "site-b", "revoked_at": None},
    ]
    server.prepare("GET", "/api/v1/worker-tokens", Answer(body={"items": rows}))
    server.prepare("DELETE", "/api/v1/worker-tokens/t-1", Answer(status=204))

    assert run(["worker-tokens", "revoke", token]) == 0
