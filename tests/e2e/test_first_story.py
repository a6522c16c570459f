"""The first story runs as its README says, against a server as a person starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.server import status_of
from tests.fixtures.waiting import wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
STORY: Final = ROOT / "examples" / "first_story" / "first_story.py"
OWNER: Final = {
    "TIDEMILL_OWNER_EMAIL": "ada@example.org",
    "TIDEMILL_OWNER_PASSWORD": "seven tide tables on the shelf",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Start Tidemill embedded with a first owner; return its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("tidemill")), "up", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [*command, "--data-dir", str(tmp_path / "data")],
            cwd=tmp_path,
            env={**_environment(tmp_path), **OWNER},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: status_of(f"{url}/health") == 200, seconds_max=60, what="its health")
        yield url
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=60)


def test_first_story_by_plain_http_and_told_twice_with_a_token_imports_once(
    server: str, tmp_path: Path
) -> None:
    token = {"TIDEMILL_TOKEN": _api_token(server)}

    told = _tell(tmp_path, server, OWNER)  # Who has a password gets a tenant for the story.
    first = _tell(tmp_path, server, token)
    second = _tell(tmp_path, server, token)

    assert "live: WorkItemUpdated PEP-20 job → " in told
    assert f" {OWNER['TIDEMILL_OWNER_EMAIL']} " in told[told.index("\nWho") :], "it says who"
    result = json.loads(told[told.index("\n{\n") : told.index("\nWho")])
    assert (result["proposals"], result["slowest"]) == (25, "PEP 649")
    for action in ("board.work_items.import", "board.projects.create"):
        assert action in told
    for story, made in ((told, 80), (first, 80), (second, 0)):
        assert f"Imported {made} of 80 rows; {80 - made} were there before." in story
        assert "PEP-20 Python 3.14: job succeeded" in story


def _tell(home: Path, url: str, credential: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, str(STORY)],
        cwd=home,
        env={**_environment(home), **credential, "TIDEMILL_URL": url},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + (home / "log").read_text()
    return done.stdout


def _api_token(url: str) -> str:
    who = {
        "email": OWNER["TIDEMILL_OWNER_EMAIL"],
        "password": OWNER["TIDEMILL_OWNER_PASSWORD"],
    }
    with httpx.Client(base_url=f"{url}/api/v1", timeout=30) as client:
        access = client.post("/auth/login", json=who).json()["access_token"]
        answer = client.post(
            "/api-tokens",
            json={"name": "story", "scopes": ["admin"], "expires_in_days": 1},
            headers={"Authorization": f"Bearer {access}"},
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": os.environ["TMPDIR"]}
