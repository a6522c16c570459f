"""The tab key, as a shell asks for it: words in the environment, offers on standard out."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli import completing, main
from tidemill.cli.lazy import COMPLETION_VARIABLE

SCRIPTS = ["harbour/tides", "harbour/ships", "reports/daily"]


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def asked(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv(COMPLETION_VARIABLE, "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with contextlib.suppress(SystemExit):
            main.run([])
        return capsys.readouterr().out.split()

    return asked


@pytest.fixture
def server(server: Answers) -> Answers:
    server.prepare("GET", "/live", Answer(body="ok"))
    scripts = [{"path": path} for path in SCRIPTS]
    server.prepare(
        "GET",
        "/api/v1/scripts",
        Answer(body={"items": scripts[:2], "next_cursor": "more"}),
        Answer(body={"items": scripts[2:], "next_cursor": None}),
    )
    tags = [{"tag": "default"}, {"tag": "gpu"}]
    server.prepare("GET", "/api/v1/tags", Answer(body={"items": tags, "next_cursor": None}))
    return server


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tidemill jobs list --state t", ["timed_out"]),
        ("tidemill jobs list --tag g", ["gpu"]),
        ("tidemill tags pause d", ["default"]),
        ("tidemill run harbour/", ["harbour/tides", "harbour/ships"]),
        ("tidemill scripts show re", ["reports/daily"]),
    ],
)
def test_completing_offers_what_begins_so(
    server: Answers, offers: Any, line: str, expected: list[str]
) -> None:
    assert offers(line) == expected


def test_completing_asks_the_server_that_the_line_names(
    server: Answers, offers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMILL_URL", "http://127.0.0.1:1")

    assert offers(f"tidemill --url {server.url} tags pause g") == ["gpu"]


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(body=[1]), Answer(body={})])
def test_completing_offers_nothing_when_the_answer_is_none_of_ours(
    server: Answers, offers: Any, answer: Answer
) -> None:
    server.prepare("GET", "/api/v1/tags", answer)

    assert offers("tidemill tags pause g") == []


def test_completing_offers_nothing_to_nobody(person: Answers, offers: Any) -> None:
    assert offers("tidemill tags pause g") == []
    assert person.asked == []


@pytest.mark.timeout(50)  # Other commands wait for 60 s.
def test_completing_does_not_wait_for_a_server_that_is_silent(
    server: Answers, offers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completing, "seconds_max", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("TIDEMILL_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert offers("tidemill tags pause g") == []
