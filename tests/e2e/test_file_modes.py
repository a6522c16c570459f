"""What Tidemill writes can be read by its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.fixtures.client import log_in
from tests.fixtures.server import Server
from tests.fixtures.waiting import wait_until


def test_data_directory_opens_for_its_owner_alone() -> None:
    with Server() as server, log_in(server.url) as owner:
        job = owner.post("/jobs", {"language": "python", "content": "def main(): print(1)"})
        wait_until(
            lambda: owner.get(f"/jobs/{job['id']}")["state"] == "succeeded",
            seconds_max=30,
            what="the job",
        )
        data = server.data_dir
        wait_until(lambda: any((data / "logs").rglob("*.*")), seconds_max=10, what="a log")

        workers = data / "run" / "workers"
        found = [data, *(path for path in data.rglob("*") if workers not in path.parents)]
        names = {str(path.relative_to(data)) for path in found}
        assert {"control.db", "jobs.db", "tenants", "logs"} <= names
        assert {str(path) for path in found if _opens_for_others(path)} == set()


def _opens_for_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077)
    except FileNotFoundError:  # Journals come and go.
        return False
