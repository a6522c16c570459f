"""Whom people mean by what they type."""

from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.client import connect
from tidemill.cli.failures import CommandFailed
from tidemill.cli.people import member_id_of

_ID = "0192b1a0-0000-7000-8000-000000000001"


def _members(server: Answers) -> None:
    people = [
        {"user_id": _ID, "name": "Ada Lovelace", "email": "ada@example.org"},
        {"user_id": "u2", "name": "Bob Ross", "email": None},
        {"user_id": "u3", "name": "Bob Dylan", "email": "dylan@example.org"},
    ]
    server.prepare("GET", "/api/v1/members", Answer(body={"items": people, "next_cursor": None}))


@pytest.mark.parametrize(
    "who", ["ada", "@Ada", "ADA LOVELACE", "adalovelace", "Ada@Example.org", _ID]
)
def test_member_id_of_a_name_an_address_or_an_id(server: Answers, who: str) -> None:
    _members(server)

    assert member_id_of(connect(), who) == _ID


def test_member_id_of_me_is_who_asks(server: Answers) -> None:
    server.prepare("GET", "/api/v1/auth/me", Answer(body={"user": {"id": "u9"}}))

    assert member_id_of(connect(), "me") == "u9"


@pytest.mark.parametrize("who", ["", None, _ID])
def test_member_id_of_nobody_or_an_id_asks_nobody(server: Answers, who: str | None) -> None:
    assert (member_id_of(connect(), who), server.asked) == (who, [])


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ("bob", "bob could be Bob Ross (u2), Bob Dylan (dylan@example.org). Give"),
        ("lovelcae", "There is no member lovelcae."),
        ("adda", "There is no member adda. Did you mean Ada Lovelace (ada@example.org)?"),
    ],
)
def test_member_id_of_several_or_none_names_candidates(
    server: Answers, who: str, message: str
) -> None:
    _members(server)

    with pytest.raises(CommandFailed) as caught:
        member_id_of(connect(), who)

    assert caught.value.message.startswith(message)
