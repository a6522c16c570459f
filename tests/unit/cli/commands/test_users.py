from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_BOB = {
    "id": "u-1",
    "email": "bob@example.org",
    "name": "Bob",
    "state": "active",
    "created_at": "2026-11-22T08:00:10Z",
    "last_login_at": None,
}


def _page(*users: object) -> Answer:
    return Answer(body={"items": list(users), "next_cursor": None})


def test_list_shows_who_may_log_in(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("GET", "/api/v1/users", _page(_BOB, {**_BOB, "state": "disabled"}))

    code = run(["users", "list"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.split()[2] for line in lines] == ["STATE", "active", "disabled"]


@pytest.mark.parametrize(
    ("options", "body"), [([], None), (["--force"], {"force": True})], ids=["", "force"]
)
def test_disable_finds_the_user_by_the_address(
    server: Answers,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    body: dict[str, bool] | None,
) -> None:
    server.prepare("GET", "/api/v1/users", _page(_BOB))
    server.prepare("POST", "/api/v1/users/u-1/disable", Answer(body={**_BOB, "state": "disabled"}))

    code = run(["users", "disable", "bob@example.org", *options])

    assert (code, capsys.readouterr().out) == (0, "The account of bob@example.org is closed.\n")
    assert server.asked[0].path == "/api/v1/users?limit=1&email=bob%40example.org"
    assert server.asked[1].body == body


def test_enable_says_that_the_account_is_open(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/users", _page(_BOB))
    server.prepare("POST", "/api/v1/users/u-1/enable", Answer(body=_BOB))

    code = run(["users", "enable", "bob@example.org"])

    assert (code, capsys.readouterr().out) == (0, "The account of bob@example.org is open.\n")


def test_disable_knows_no_user_of_an_address_that_nobody_has(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/users", _page())

    code = run(["users", "disable", "nobody@example.org"])

    assert (code, len(server.asked)) == (4, 1)
    assert "There is no user nobody@example.org." in capsys.readouterr().err
