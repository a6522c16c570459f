from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run


def test_create_names_the_option_that_was_refused(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {
        "message": "expires_in_days: Expected a whole number of at least 1.",
        "code": "VALIDATION_FAILED",
        "param": "expires_in_days",
    }
    server.prepare("POST", "/api/v1/api-tokens", Answer(status=400, body={"error": error}))

    assert run(["tokens", "create", "ci", "--scope", "read", "--days", "0"]) == 1

    told = capsys.readouterr().err
    assert told == "tidemill: --days: Expected a whole number of at least 1.\n"
