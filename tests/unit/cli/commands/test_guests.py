from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_MADE = {"id": "g-1", "token": "tmg_x", "url": "http://tide.example/api/v1/projects/p"}


def test_create_prints_the_token_alone_on_the_output(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("POST", "/api/v1/projects/TM/guest-links", Answer(status=201, body=_MADE))

    code = run(["projects", "guests", "create", "TM", "Office", "--days", "2"])

    told = capsys.readouterr()
    assert (code, told.out) == (0, "tmg_x\n")
    assert _MADE["url"] in told.err
    assert server.asked[0].body == {"name": "Office", "expires_in_days": 2}


def test_revoke_ends_a_link(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("DELETE", "/api/v1/projects/TM/guest-links/g-1", Answer(status=204))

    assert run(["projects", "guests", "revoke", "TM", "g-1"]) == 0
    assert capsys.readouterr().out == "Revoked.\n"
