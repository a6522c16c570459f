"""Commands on the server's machine, which speak to it over the socket in its data directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.server import OWNER_EMAIL, OWNER_PASSWORD, TIDEMILL, Server

ABSOLUTE = None  # The fixture chooses one.
RELATIVE = Path("data")  # As the default is.


@pytest.mark.parametrize("data_dir", [ABSOLUTE, RELATIVE], ids=["absolute", "relative"])
def test_local_commands_reach_the_running_server_of_a_data_directory(
    data_dir: Path | None,
) -> None:
    with Server(environment={}, data_dir=data_dir) as server:
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
