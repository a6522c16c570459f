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
