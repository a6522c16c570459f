from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.cli import credentials
from tidemill.cli.credentials import Credentials, Login
from tidemill.cli.failures import CommandFailed

LOGIN = Login(access_token="a", refresh_token="r", expires_at=1, email="ada@example.org")
URL = "http://127.0.0.1:3000"


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_write_keeps_what_read_returns() -> None:
    stored = Credentials().with_login(URL, LOGIN)

    credentials.write(stored)

    assert credentials.read() == stored


def test_write_makes_a_file_that_only_its_owner_reads() -> None:
    credentials.write(Credentials().with_login(URL, LOGIN))

    assert credentials.path().stat().st_mode & 0o777 == 0o600
    assert credentials.path().parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in credentials.path().parent.iterdir()] == ["credentials.json"]


def test_read_returns_nothing_without_a_file() -> None:
    assert credentials.read() == Credentials()


def test_read_refuses_a_broken_file_and_says_what_to_do() -> None:
    credentials.path().parent.mkdir(parents=True)
    credentials.path().write_text("{")

    with pytest.raises(CommandFailed, match="Remove it"):
        credentials.read()


def test_without_forgets_the_current_server() -> None:
    left = Credentials().with_login("http://a", LOGIN).with_login(URL, LOGIN).without(URL)

    assert left.current is None
    assert list(left.logins) == ["http://a"]
