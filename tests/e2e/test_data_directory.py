"""Data directories as people name them: relative, absolute, and where none can be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.server import OWNER_EMAIL, OWNER_PASSWORD, TIDEMILL, Server
from tests.fixtures.waiting import wait_until

RELATIVE = Path("data")  # As the default is.
_SQL = """
-- $database files (sqlite)
CREATE TABLE levels (level INTEGER);
INSERT INTO levels VALUES (7);
SELECT level FROM levels
"""


def test_local_commands_and_jobs_share_a_relative_data_directory_with_the_server() -> None:
    with Server(environment={}, data_dir=RELATIVE) as server:
        _make_an_owner_and_look(server)
        client = log_in(server.url)
        body = {"language": "sql", "content": _SQL, "args": {"files": {"path": "levels.db"}}}
        job = client.post("/jobs", body)
        ended = client.finished(job["id"])
        second = _run(server, "up", "--set", "server.port=0")

    assert second.returncode == 78
    assert second.stderr.count("\n") == 1, second.stderr
    assert "is in use by process" in second.stderr
    assert ended["state"] == "succeeded", ended["error"]
    assert ended["result"]["rows"] == [{"level": 7}]


@pytest.mark.full(reason="a server and two commands; a relative directory is the harder case")
def test_local_commands_reach_the_running_server_of_an_absolute_data_directory() -> None:
    with Server(environment={}) as server:
        _make_an_owner_and_look(server)


def test_up_with_a_data_directory_below_a_file_says_so() -> None:
    server = Server(data_dir=Path("log/data"))
    server.start(wait=False)
    wait_until(lambda: not server.is_running, seconds_max=60, what="its end")

    assert server.stop() == 78
    assert server.log.count("tidemill: ") == 1
    assert "Traceback" not in server.log


def _make_an_owner_and_look(server: Server) -> None:
    made = _run(server, "owner", "create", "--email", OWNER_EMAIL, "--password-stdin")
    found = _run(server, "doctor", "--set", f"server.port={server.port}")

    assert made.returncode == 0, made.stderr
    assert found.returncode == 0, found.stdout
    assert "✗" not in found.stdout


def _run(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TIDEMILL, *words, "--data-dir", str(server.data_dir)],
        cwd=server.directory,
        env=server.environment(),
        input=OWNER_PASSWORD,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
