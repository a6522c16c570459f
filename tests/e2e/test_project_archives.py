"""The commands take a project with its files along, over a real connection."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.server import API_ROLE, TIDEMILL, Server

pytestmark = pytest.mark.full(reason="it starts a server; what it rests on has its tests")


def test_commands_make_a_project_of_the_archive_of_another_one(tmp_path: Path) -> None:
    # More than one part, and nothing that would become small.
    content = b"".join(f"{number * number} ".encode() for number in range(200_000))
    with Server(command=API_ROLE) as server, log_in(server.url) as owner:
        owner.post("/projects", {"key": "TM", "name": "Tides"})
        item = {"project_id": "TM", "item_type": "task", "title": "Read gauges"}
        owner.post("/work-items", item)
        owner.upload("/work-items/TM-1/attachments?name=a.txt", content, "text/plain")
        asks = server.environment(TIDEMILL_URL=server.url, TIDEMILL_TOKEN=str(owner.token))
        archive = tmp_path / "tm.zip"

        def run(*words: str) -> dict[str, object]:
            done = subprocess.run(
                [TIDEMILL, *words, "--json"], env=asks, capture_output=True, check=True
            )
            return dict(json.loads(done.stdout))

        written = run("projects", "export", "TM", "--format", "zip", "--output", str(archive))
        checked = run("projects", "import", str(archive), "--key", "SEA", "--dry-run")
        made = run("projects", "import", str(archive), "--key", "SEA")
        again = run("projects", "import", str(archive), "--key", "SEA")
        [file] = owner.get("/work-items/SEA-1/attachments")["items"]
        came = owner.once("GET", f"/attachments/{file['id']}/content").content

    assert written["bytes"] == archive.stat().st_size
    with zipfile.ZipFile(archive) as opened:
        assert len(opened.namelist()) == 2
    statuses = [one["status"] for one in (checked, made, again)]
    assert statuses == ["checked", "imported", "already_imported"]
    assert came == content
