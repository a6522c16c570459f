"""A server with prepared answers, and a person's empty configuration directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.answers import Answers, answering
from tidemill.cli import output


@pytest.fixture(autouse=True)
def a_fresh_command() -> None:
    """Forget the `--json` of the command before, as each process does by itself."""
    output.reset()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Serve prepared answers, to a person who has an API token."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with answering() as answers:
        monkeypatch.setenv("TIDEMILL_URL", answers.url)
        monkeypatch.setenv("TIDEMILL_TOKEN", "tmk_test")
        yield answers


@pytest.fixture
def person(server: Answers, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Serve the same to a person without any credential."""
    monkeypatch.delenv("TIDEMILL_TOKEN")
    return server
