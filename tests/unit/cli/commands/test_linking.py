from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

ITEMS = {number: f"00000000-0000-7000-8000-00000000000{number}" for number in (3, 7)}


def _linked(number: int) -> dict[str, Any]:
    return {"id": ITEMS[number], "key": f"TM-{number}", "title": "Sail", "status": "todo"}


def _link(type_: str = "blocks") -> dict[str, Any]:
    return {
        "id": "d1",
        "dependency_type": type_,
        "blocking_item_id": ITEMS[3],
        "blocked_item_id": ITEMS[7],
        "blocking_item": _linked(3),
        "blocked_item": _linked(7),
    }


@pytest.fixture
def board(server: Answers) -> Answers:
    """Return a server with two items, the first of which blocks the second."""
    server.prepare("POST", "/api/v1/dependencies", Answer(status=201, body=_link()))
    server.prepare("DELETE", "/api/v1/dependencies/d1", Answer(status=204))
    for number, id_ in ITEMS.items():
        server.prepare("GET", f"/api/v1/work-items/TM-{number}", Answer(body=_linked(number)))
        page = {"items": [_link()], "next_cursor": None}
        server.prepare("GET", f"/api/v1/work-items/{id_}/dependencies", Answer(body=page))
    return server


@pytest.mark.parametrize(
    ("words", "type_", "first", "second"),
    [
        (("TM-3", "blocks", "TM-7"), "blocks", "TM-3", "TM-7"),
        (("TM-7", "blocked-by", "TM-3"), "blocks", "TM-3", "TM-7"),
        (("TM-3", "relates-to", "TM-7"), "relates_to", "TM-3", "TM-7"),
        (("TM-7", "duplicated_by", "TM-3"), "duplicates", "TM-3", "TM-7"),
    ],
)
def test_link_says_who_stands_first(
    board: Answers, words: tuple[str, str, str], type_: str, first: str, second: str
) -> None:
    assert run(["items", "link", *words]) == 0

    assert board.asked[-1].body == {
        "dependency_type": type_,
        "blocking_item_id": first,
        "blocked_item_id": second,
    }


def test_link_closes_a_duplicate_when_asked(
    board: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["items", "link", "TM-3", "duplicates", "TM-7", "--close"]) == 0

    assert board.asked[-1].body["close"] is True
    assert capsys.readouterr().out == "TM-3 blocks TM-7.\n"


def test_link_names_the_links_that_there_are(
    board: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["items", "link", "TM-3", "eats", "TM-7"]) == 2

    assert "blocks, blocked_by, relates_to" in capsys.readouterr().err
    assert board.asked == []


def test_unlink_finds_the_link_and_removes_it(
    board: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["items", "unlink", "TM-3", "blocks", "TM-7"]) == 0

    assert (board.asked[-1].method, board.asked[-1].path) == (
        "DELETE",
        "/api/v1/dependencies/d1",
    )
    assert capsys.readouterr().out == "TM-3 blocks TM-7 no longer.\n"


def test_unlink_says_so_when_there_is_no_such_link(
    board: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["items", "unlink", "TM-7", "blocks", "TM-3"]) == 1

    assert "there is no such link" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "word"), [(3, "blocks"), (7, "blocked_by")])
def test_links_shows_the_other_item_and_how_it_is_joined(
    board: Answers, capsys: pytest.CaptureFixture[str], number: int, word: str
) -> None:
    board.prepare("GET", f"/api/v1/work-items/TM-{number}", Answer(body=_linked(number)))

    assert run(["items", "links", f"TM-{number}", "--json"]) == 0

    [row] = json.loads(capsys.readouterr().out)
    assert (row["link"], row["key"]) == (word, f"TM-{10 - number}")
