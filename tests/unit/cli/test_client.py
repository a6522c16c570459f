from __future__ import annotations

import time
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli import credentials
from tidemill.cli.client import Client, connect, server_url
from tidemill.cli.credentials import Login
from tidemill.cli.failures import AnsweredWithError, NotLoggedIn, ServerUnreachable
from tidemill.cli.http import Request, exchange

TOKENS = {"access_token": "new", "refresh_token": "r2", "expires_in": 900, "token_type": "Bearer"}
EMPTY: dict[str, object] = {"items": [], "next_cursor": None}
EXPIRED = Answer(status=401, body={"error": {"message": "It has expired.", "code": "EXPIRED"}})


def _login(*, expires_in: int = 900) -> Login:
    return Login(access_token="old", refresh_token="r1", expires_at=int(time.time()) + expires_in)


def _logged_in(url: str, *, expires_in: int = 900) -> Client:
    client = Client(url)
    client.remember(_login(expires_in=expires_in))
    return client


def test_client_renews_a_token_that_is_about_to_end(person: Answers) -> None:
    person.prepare("POST", "/api/v1/auth/refresh", Answer(body=TOKENS))
    person.prepare("GET", "/api/v1/projects", Answer(body=EMPTY))
    client = _logged_in(person.url, expires_in=5)

    client.get("/projects")

    assert [asked.path for asked in person.asked] == ["/api/v1/auth/refresh", "/api/v1/projects"]
    assert person.asked[1].headers["authorization"] == "Bearer new"
    assert credentials.read().logins[person.url].refresh_token == "r2"


def test_client_renews_a_token_that_the_server_refuses_once(person: Answers) -> None:
    person.prepare("GET", "/api/v1/projects", EXPIRED, Answer(body=EMPTY))
    person.prepare("POST", "/api/v1/auth/refresh", Answer(body=TOKENS))

    assert _logged_in(person.url).get("/projects") == EMPTY


def test_client_does_not_ask_for_ever(person: Answers) -> None:
    person.prepare("GET", "/api/v1/projects", EXPIRED)
    person.prepare("POST", "/api/v1/auth/refresh", Answer(body=TOKENS))

    with pytest.raises(AnsweredWithError):
        _logged_in(person.url).get("/projects")
    assert len(person.asked) == 3


def test_client_names_the_variable_whose_token_the_server_refuses(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/projects", EXPIRED)

    with pytest.raises(AnsweredWithError):
        connect().get("/projects")
    assert "TIDEMILL_TOKEN" in capsys.readouterr().err


def test_client_asks_again_under_the_same_key_for_an_answer_that_was_lost(
    server: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.prepare("POST", "/api/v1/projects/TM/imports", Answer(body={"rows": 1}))
    lost = [ServerUnreachable(server.url, "the answer broke off")]

    def losing(url: str, request: Request, *, timeout: float) -> Any:
        answer = exchange(url, request, timeout=timeout)
        if lost:
            raise lost.pop()
        return answer

    monkeypatch.setattr("tidemill.cli.client.exchange", losing)
    monkeypatch.setattr("tidemill.cli.client._again_after_seconds", (0.0,))
    request = Request("POST", "/api/v1/projects/TM/imports", body=b"title")

    assert connect().ask_once(request, timeout=5).json() == {"rows": 1}
    first, second = [asked.headers["idempotency-key"] for asked in server.asked]
    assert first == second


def test_client_uses_what_another_command_renewed_meanwhile(person: Answers) -> None:
    """A refresh token is spent once: spending it twice would end the session everywhere."""
    person.prepare("GET", "/api/v1/projects", Answer(body=EMPTY))
    client = _logged_in(person.url, expires_in=5)
    other = Login(access_token="theirs", refresh_token="r9", expires_at=int(time.time()) + 900)
    credentials.write(credentials.read().with_login(person.url, other))

    client.get("/projects")

    assert [asked.headers["authorization"] for asked in person.asked] == ["Bearer theirs"]


def test_client_says_that_a_login_has_ended(person: Answers) -> None:
    person.prepare("POST", "/api/v1/auth/refresh", EXPIRED)

    with pytest.raises(NotLoggedIn, match="has ended"):
        _logged_in(person.url, expires_in=5).get("/projects")


def test_client_follows_no_redirection_with_its_token(server: Answers) -> None:
    elsewhere = {"Location": f"{server.url}/api/v1/elsewhere"}
    server.prepare("GET", "/api/v1/projects", Answer(status=302, headers=elsewhere))

    with pytest.raises(AnsweredWithError):
        connect().get("/projects")
    assert [asked.path for asked in server.asked] == ["/api/v1/projects"]


def test_pages_reads_until_the_limit(server: Answers) -> None:
    first = {"items": [{"n": n} for n in range(200)], "next_cursor": "c2"}
    second = {"items": [{"n": n} for n in range(200, 250)], "next_cursor": "c3"}
    server.prepare("GET", "/api/v1/jobs", Answer(body=first), Answer(body=second))

    rows = list(connect().pages("/jobs", limit=250, state="failed"))

    assert [row["n"] for row in rows] == list(range(250))
    assert server.asked[0].path == "/api/v1/jobs?limit=200&state=failed"
    assert server.asked[1].path == "/api/v1/jobs?limit=50&cursor=c2&state=failed"


def test_pages_reads_all_without_a_limit(server: Answers) -> None:
    first = {"items": [{"n": 1}], "next_cursor": "c2"}
    last = {"items": [{"n": 2}], "next_cursor": None}
    server.prepare("GET", "/api/v1/jobs", Answer(body=first), Answer(body=last))

    assert [row["n"] for row in connect().pages("/jobs", limit=None)] == [1, 2]


def test_server_url_prefers_the_environment_over_the_last_login(
    person: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _logged_in("http://127.0.0.1:4000")
    assert server_url() == person.url

    monkeypatch.delenv("TIDEMILL_URL")

    assert server_url() == "http://127.0.0.1:4000"
