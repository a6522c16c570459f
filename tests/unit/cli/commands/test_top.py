from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.fixtures.answers import Answer, Answers
from tests.unit.cli.test_dashboard import a_tag, a_worker
from tidemill.cli.client import Client
from tidemill.cli.commands.top import Ends
from tidemill.cli.main import run

LEAVE = b"\x1b[?25h\x1b[?1049l"


@pytest.fixture
def installation(server: Answers) -> Answers:
    tags = {"items": [a_tag("default", 3)], "next_cursor": None}
    server.prepare("GET", "/api/v1/tags", Answer(body=tags))
    server.prepare("GET", "/api/v1/workers", Answer(body={"items": [a_worker("one")]}))
    return server


def test_top_prints_once_where_there_is_no_terminal(
    installation: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["top"]) == 0

    told = capsys.readouterr().out
    assert "default" in told
    assert "one" in told
    assert "\x1b" not in told


def test_top_prints_json_once(installation: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["top", "--once", "--json", "--everywhere"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["tags"][0]["queued"] == 3
    assert told["workers"][0]["id"] == "one"
    assert "everywhere=true" in installation.asked[0].path


def test_ends_counts_jobs_that_ended_and_wakes_the_screen_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidemill.cli.commands.top.time", SimpleNamespace(monotonic=lambda: 9.0))
    reader, writer = os.pipe()
    ends = Ends(Client("http://127.0.0.1:9", token="tmk_test"), writer, ["tag:default"])
    assert ends.per_second() == (None, None)

    ends._hear({"connection": "subscribed"})
    for state in ("running", "succeeded", "failed"):
        update = {"type": "JobStateChanged", "data": {"state": state}}
        ends._hear({"ephemeral": update})

    assert ends.per_second() == (2.0, 1.0)
    assert os.read(reader, 100) == b"."
    os.close(reader)
    os.close(writer)


@pytest.fixture
def on_a_terminal(installation: Answers) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    terminal, inside = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "tidemill.cli.main", "top"],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "24"},
        stdin=inside,
        stdout=inside,
        start_new_session=True,
    )
    os.close(inside)
    try:
        yield command, terminal
    finally:
        command.kill()
        command.wait()
        os.close(terminal)


def test_top_draws_on_a_terminal_until_q(
    on_a_terminal: tuple[subprocess.Popen[bytes], int],
) -> None:
    command, terminal = on_a_terminal
    told = _read_until(terminal, b"connected")
    os.write(terminal, b"s")
    told += _read_until(terminal, b"sorted by running")
    os.write(terminal, b"q")
    told += _read_until(terminal, LEAVE)

    assert command.wait(60) == 0
    assert told.startswith(b"\x1b[?1049h\x1b[?25l"), "its own screen, without a cursor"
    assert LEAVE in told, "and the terminal as it was"


def test_top_takes_each_of_the_keys_that_come_together(
    on_a_terminal: tuple[subprocess.Popen[bytes], int],
) -> None:
    command, terminal = on_a_terminal
    _read_until(terminal, b"connected")
    os.write(terminal, b"sq")
    _read_until(terminal, LEAVE)

    assert command.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_top_leaves_the_terminal_as_it_was_when_it_is_told_to_end(
    on_a_terminal: tuple[subprocess.Popen[bytes], int], number: signal.Signals
) -> None:
    command, terminal = on_a_terminal
    _read_until(terminal, b"connected")
    command.send_signal(number)
    _read_until(terminal, LEAVE)

    assert command.wait(60) == 128 + number
    local_modes = termios.tcgetattr(terminal)[3]
    assert local_modes & termios.ICANON, "keys are read line by line again"
    assert local_modes & termios.ECHO


def _read_until(terminal: int, mark: bytes) -> bytes:
    told = b""
    while mark not in told:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, told
        told += os.read(terminal, 65_536)
    return told
