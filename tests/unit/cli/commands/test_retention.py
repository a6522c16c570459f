from __future__ import annotations

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run

RULE = {"name": "pings", "path": "pings/*", "label": None, "keep_days": 0}
WORDS = ["retention", "set", "pings", "--path", "pings/*", "--days", "0"]


def test_set_of_no_days_at_all_wants_a_yes(server: Answers) -> None:
    server.prepare("PUT", "/api/v1/retention-rules/pings", Answer(body=RULE))

    assert run(WORDS) == ExitCode.USAGE
    assert server.asked == []
    assert run([*WORDS, "--yes"]) == 0

    assert server.asked[0].body == {"path": "pings/*", "keep_days": 0}
