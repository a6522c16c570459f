from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run


def test_rotate_says_which_key_signs_and_when(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"id": "0a1b", "signs_from": "2026-11-22T08:00:10Z"}
    server.prepare("POST", "/api/v1/signing-keys", Answer(status=201, body=made))

    code = run(["signing-keys", "rotate"])

    expected = "The key 0a1b signs from 2026-11-22T08:00:10Z on.\n"
    assert (code, capsys.readouterr().out) == (0, expected)


def test_rotate_revokes_other_keys_on_request(server: Answers) -> None:
    made = {"id": "0a1b", "signs_from": "2026-11-22T08:00:00Z"}
    server.prepare("POST", "/api/v1/signing-keys", Answer(status=201, body=made))

    assert run(["signing-keys", "rotate", "--revoke-others"]) == 0

    assert server.asked[0].body == {"revoke_others": True}
