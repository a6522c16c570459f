"""The worker in Node takes a job by the commands of its own page, as they are printed."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.node import FOLDER, copied_example, node_is_installed
from tests.fixtures.server import TIDEMILL, Server
from tests.fixtures.waiting import wait_until

_PAGE: Final = FOLDER / "README.md"
lines_max: Final = 100
columns_max: Final = 120


def test_worker_in_node_has_the_lines_that_its_page_tells() -> None:
    told = re.findall(r"^\| `(.+\.mjs)` \| (\d+) \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    lines = {file.name: file.read_text("utf-8").splitlines() for file in FOLDER.glob("*.mjs")}

    assert {name: int(count) for name, count in told} == {
        name: len(text) for name, text in lines.items()
    }
    assert max(map(len, lines.values())) <= lines_max
    assert max(len(line) for text in lines.values() for line in text) <= columns_max


@pytest.mark.skipif(not node_is_installed(), reason="node is not installed")
def test_page_of_the_worker_in_node_leads_to_a_job_that_ran_there(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", _PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    start, connect, run = blocks[:3]
    words = shlex.split(start)
    assert words[:3] == ["tidemill", "up", "--set"]
    key, value = words[3].split("=")

    with Server(settings={key: value}) as server, log_in(server.url) as client:
        (tmp_path / "data").symlink_to(server.data_dir)
        copied_example(tmp_path / "examples" / "workers" / "node")
        *prepare, begin = connect.splitlines()
        subprocess.run(["/bin/bash", "-ec", "\n".join(prepare)], cwd=tmp_path, check=True)
        log = tmp_path / "worker.log"
        with log.open("w") as told:
            worker = subprocess.Popen(shlex.split(begin), cwd=tmp_path, stderr=told)
        try:
            wait_until(lambda: "connected to" in log.read_text(), seconds_max=60, what="its word")
            done = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", run],
                cwd=tmp_path,
                env=server.environment(
                    TIDEMILL_URL=server.url,
                    TIDEMILL_TOKEN=client.token or "",
                    PATH=f"{Path(TIDEMILL).parent}:/usr/local/bin:/usr/bin:/bin",
                ),
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        finally:
            worker.terminate()
            worker.wait(60)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 0
