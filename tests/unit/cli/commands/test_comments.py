from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_URL = "/api/v1/work-items/TM-1/comments"
_COMMENT = {
    "id": "c1",
    "parent_id": None,
    "author": {"id": "u1", "name": "Ada", "avatar": None},
    "content": "Looks good",
    "reactions": [{"emoji": "👍", "count": 2, "is_mine": True}],
    "version": 2,
    "created_at": 1_700_000_000,
}


def test_comments_are_listed_with_threads_and_reactions(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = {"id": "u2", "name": "", "avatar": None}
    reply = {**_COMMENT, "parent_id": "c1", "author": unknown, "reactions": []}
    gone = {**_COMMENT, "content": None}
    page = {"items": [_COMMENT, reply, gone], "next_cursor": None}
    server.prepare("GET", _URL, Answer(body=page))

    assert run(["items", "comments", "list", "TM-1", "--sort", "newest"]) == 0

    first, second, third = capsys.readouterr().out.splitlines()[1:]
    assert first.split()[0] == "Ada"
    assert "Looks good" in first
    assert "👍 2" in first
    assert second.startswith("u2")
    assert "↳ Looks good" in second
    assert "(deleted)" in third
    assert "sort=newest" in server.asked[0].path


def test_comments_begin_with_an_at_or_come_from_a_file(server: Answers, tmp_path: Path) -> None:
    server.prepare("POST", _URL, Answer(status=201, body=_COMMENT))
    server.prepare("PATCH", "/api/v1/comments/c1", Answer(body=_COMMENT))
    server.prepare("DELETE", "/api/v1/comments/c1", Answer(status=204))
    file = tmp_path / "review.md"
    file.write_text("Very **good**")

    codes = [
        run(["items", "comments", *words])
        for words in (
            ["add", "TM-1", "@ada look", "--reply-to", "c0"],
            ["edit", "c1", "-f", str(file), "--if-version", "1"],
            ["delete", "c1"],
        )
    ]

    assert codes == [0, 0, 0]
    made, edited, _ = server.asked
    assert made.body == {"content": "@ada look", "parent_id": "c0"}
    assert edited.body == {"content": "Very **good**"}
    assert edited.headers["if-match"] == '"v1"'


@pytest.mark.parametrize(
    "words", [["add", "TM-1"], ["add", "TM-1", "x", "-f", "y"], ["edit", "c1", "-f", "nowhere"]]
)
def test_comments_need_one_text(words: list[str], server: Answers) -> None:
    assert run(["items", "comments", *words]) == 2

    assert server.asked == []
