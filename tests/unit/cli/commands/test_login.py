from __future__ import annotations

import io

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli import credentials
from tidemill.cli.main import run

TOKENS = {"access_token": "a", "refresh_token": "r", "expires_in": 900, "token_type": "Bearer"}
TENANTS = {"items": [{"id": "t2", "slug": "harbour", "name": "Harbour"}], "next_cursor": None}
ME = {"user": {"id": "u1"}, "tenant": {"id": "t1", "slug": "mill"}, "kind": "user"}


@pytest.fixture
def server_with_ada(person: Answers, monkeypatch: pytest.MonkeyPatch) -> Answers:
    person.prepare("POST", "/api/v1/auth/login", Answer(body=TOKENS))
    person.prepare("GET", "/api/v1/auth/me", Answer(body=ME))
    person.prepare("GET", "/api/v1/tenants", Answer(body=TENANTS))
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    return person


def test_login_remembers_the_server(server_with_ada: Answers) -> None:
    code = run(["login", "--email", "ada@example.org", "--password-stdin"])

    assert code == 0
    assert server_with_ada.asked[0].body == {
        "email": "ada@example.org",
        "password": "correct horse",
    }
    stored = credentials.read()
    assert stored.current == server_with_ada.url
    assert stored.logins[server_with_ada.url].email == "ada@example.org"


def test_login_never_prints_a_secret(
    server_with_ada: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["login", "--email", "ada@example.org", "--password-stdin", "--json"])

    printed = capsys.readouterr()
    assert "correct horse" not in printed.out + printed.err


def test_login_says_which_tenants_there_are(
    server_with_ada: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["login", "--email", "ada@example.org", "--password-stdin", "--tenant", "mill"]

    assert run(words) == 4

    assert "yours: harbour" in capsys.readouterr().err


def test_login_in_a_tenant_keeps_the_refresh_token(server_with_ada: Answers) -> None:
    switched = {**TOKENS, "access_token": "b", "refresh_token": None}
    server_with_ada.prepare("PUT", "/api/v1/auth/tenant", Answer(body=switched))

    run(["login", "--email", "ada@example.org", "--password-stdin", "--tenant", "harbour"])

    stored = credentials.read().logins[server_with_ada.url]
    assert (stored.access_token, stored.refresh_token) == ("b", "r")


def test_login_without_a_terminal_asks_for_the_option(
    server_with_ada: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["login", "--email", "ada@example.org"]) == 2

    assert "--password-stdin" in capsys.readouterr().err


def test_logout_forgets_the_login_even_when_the_server_is_gone(
    server_with_ada: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["login", "--email", "ada@example.org", "--password-stdin"])

    assert run(["logout"]) == 0

    assert credentials.read().logins == {}
