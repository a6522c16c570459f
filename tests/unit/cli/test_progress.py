from __future__ import annotations

import json
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Final

import pytest

from tests.fixtures.answers import Answers
from tests.unit.cli.commands.test_steering import portion
from tidemill.cli.main import run
from tidemill.cli.progress import shown

_END: Final = "the end of what was drawn"


class Screen:
    """What was drawn on a terminal."""

    def __init__(self) -> None:
        self.drawn = ""


@contextmanager
def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Make standard error a terminal for the block; tell afterwards what was drawn on it."""
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    shows, end = pty.openpty()
    try:
        with os.fdopen(end, "w") as stderr:
            with redirect_stderr(stderr):
                yield screen
            stderr.write(_END)
            stderr.flush()
            drawn = b""
            while not drawn.endswith(_END.encode()):  # A terminal hands it on in pieces.
                drawn += os.read(shows, 65_536)
            screen.drawn = drawn.decode().removesuffix(_END)
    finally:
        os.close(shows)


def test_shown_draws_how_far_the_work_is_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_terminal(monkeypatch) as screen, shown("Tenants") as show:
        show(3, 40)

    assert "Tenants" in screen.drawn
    assert "3/40" in screen.drawn


def test_shown_draws_nothing_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("Tenants") as show:
        show(3, 40)

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("more", "draws"), [([], True), (["--json"], False)])
def test_long_changes_draw_nothing_beside_json(
    server: Answers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    more: list[str],
    draws: bool,
) -> None:
    server.prepare("POST", "/api/v1/jobs/cancel", portion(changed=2, cursor=None))

    with a_terminal(monkeypatch) as screen:
        assert run(["jobs", "cancel", "--path", "reports/*", *more]) == 0

    assert ("Jobs cancelled" in screen.drawn) is draws
    if more:
        assert json.loads(capsys.readouterr().out)["changed"] == 2
