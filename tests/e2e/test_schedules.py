"""Schedules by the command line on a real installation, whose processes are killed meanwhile."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import API, SUPERVISOR, TIDEMILL, Server
from tests.fixtures.waiting import wait_until

SCRIPT = "def main(due: str) -> str:\n    return due\n"
runs_min = 3


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


class Terminal:
    """A person at a shell with the token of a login."""

    def __init__(self, server: Server, client: Client) -> None:
        token = client.token or ""
        self._environment = server.environment(TIDEMILL_URL=server.url, TIDEMILL_TOKEN=token)

    def run(self, *words: str) -> str:
        """Run a command of schedules; fail the test when it fails."""
        done = self._done("schedules", *words)
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def refused(self, *words: str) -> str:
        """Return what a command says that does not work."""
        done = self._done("schedules", *words)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def _done(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TIDEMILL, *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.mark.full(reason="13 s of kills; the firing itself is tested in each change")
def test_schedules_fire_through_kills_without_a_gap_or_a_double(server: Server) -> None:
    with log_in(server.url) as client:
        terminal = _prepared(server, client, "echo")
        made = json.loads(
            terminal.run(
                "import", str(_file(server, overlap="allow", missed="all", catch_up_max=1_000)),
                "--json",
            )
        )  # fmt: skip
        url = f"/schedules/{made[0]['id']}"
        wait_until(lambda: len(_succeeded(client, url)) >= runs_min, seconds_max=60, what="runs")

        server.kill(API)
        wait_until(server.is_ready, seconds_max=60, what="the API again")
        before = len(_succeeded(client, url))
        wait_until(lambda: len(_succeeded(client, url)) > before, seconds_max=60, what="more runs")
        server.kill(SUPERVISOR)
        server.start()
        before = len(_succeeded(client, url))
        wait_until(lambda: len(_succeeded(client, url)) > before, seconds_max=60, what="more runs")
        terminal.run("pause", "beat")

        found = sorted(client.pages(f"{url}/occurrences"), key=lambda one: str(one["due_at"]))
        jobs = [job["id"] for job in client.pages("/jobs", script_path="echo")]

    dues = [datetime.fromisoformat(one["due_at"]).timestamp() for one in found]
    assert {round(later - earlier, 3) for earlier, later in pairwise(dues)} == {1.0}
    started = [one["job_id"] for one in found if one["job_id"] is not None]
    assert len(started) == len(set(started))
    assert sorted(started) == sorted(jobs), "each occurrence has one job, and no job is without"


@pytest.mark.full(reason="a dozen commands take 5 s of CPU; each has its tests")
def test_schedules_by_the_command_line(server: Server) -> None:
    with log_in(server.url) as client:
        terminal = _prepared(server, client, "again")
        made = terminal.run(
            "create", "nightly", "again", "--args", '{"due": "x"}',
            "--cron", "30 2 * * *", "--zone", "Europe/Berlin",
        )  # fmt: skip
        wrong = terminal.refused("create", "x", "again", "--cron", "61 * * * *")
        listed = terminal.run("list")
        shown = terminal.run("show", "nightly")
        preview = json.loads(terminal.run("preview", "nightly", "-n", "3", "--json"))
        paused = terminal.run("pause", "nightly")
        resumed = terminal.run("resume", "nightly")
        terminal.run("run-now", "nightly")
        wait_until(
            lambda: "succeeded" in terminal.run("occurrences", "nightly"),
            seconds_max=60,
            what="the run",
        )
        exported = json.loads(terminal.run("export"))
        filled = json.loads(
            terminal.run(
                "backfill", "nightly", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", "--json"
            )
        )
        terminal.run("delete", "nightly")

    assert made.startswith("Made nightly. It is due next at ")
    assert "minute takes 0-59" in wrong
    assert "30 2 * * * (Europe/Berlin)" in listed
    assert '{"due": "x"}' in shown
    assert len(preview) == 3
    assert (paused, resumed[:14]) == ("nightly is paused.\n", "nightly is on.")
    assert [row["path"] for row in exported if row["path"] != "beat"] == ["nightly"]
    assert [row["due_at"][:16] for row in filled] == ["2026-01-01T01:30", "2026-01-02T01:30"]


def _prepared(server: Server, client: Client, script: str) -> Terminal:
    client.post("/scripts", {"path": script, "language": "python", "content": SCRIPT})
    return Terminal(server, client)


def _file(server: Server, **fields: Any) -> Any:
    file = server.directory / "schedules.json"
    row = {
        "path": "beat",
        "script_path": "echo",
        "due_argument": "due",
        "trigger": {"cron": "* * * * * *"},
        **fields,
    }
    file.write_text(json.dumps([row]))
    return file


def _succeeded(client: Client, url: str) -> list[dict[str, Any]]:
    return list(client.pages(f"{url}/occurrences", state="succeeded"))
