from __future__ import annotations

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

_ADA = {"id": "u-1", "name": "Ada", "avatar": None, "role": "commenter", "source": "project"}


def test_visibility_says_who_sees_a_project(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("PATCH", "/api/v1/projects/TM", Answer(body={"key": "TM"}))

    code = run(["projects", "visibility", "TM", "private"])

    assert (code, capsys.readouterr().out) == (0, "TM is seen by its members alone.\n")
    assert server.asked[0].body == {"visibility": "private"}


def test_share_gives_somebody_a_role(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("PUT", "/api/v1/projects/TM/members/u-1", Answer(body=_ADA))

    code = run(["projects", "share", "TM", "u-1", "--role", "commenter"])

    assert (code, capsys.readouterr().out) == (0, "Ada is commenter of TM.\n")
    assert server.asked[0].body == {"role": "commenter"}


def test_members_lists_names_and_roles(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    page = {"items": [_ADA], "next_cursor": None}
    server.prepare("GET", "/api/v1/projects/TM/members", Answer(body=page))

    assert run(["projects", "members", "TM"]) == 0
    out = capsys.readouterr().out
    assert "Ada" in out
    assert "commenter" in out


def test_unshare_takes_a_role(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("DELETE", "/api/v1/projects/TM/members/me", Answer(status=204))

    assert run(["projects", "unshare", "TM", "me"]) == 0
    assert capsys.readouterr().out == "me has no role in TM any more.\n"
