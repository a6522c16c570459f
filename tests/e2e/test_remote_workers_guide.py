"""The guide to workers on other machines leads to one, by its own file and commands."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.library import ROOT
from tests.fixtures.ports import free_port
from tests.fixtures.remote import RemoteWorker, started
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.server import TIDEMILL, Server

_PAGE: Final = ROOT / "docs" / "guide" / "remote-workers.md"
_BLOCK: Final = re.compile(r"^```(?:toml|sh)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.full(reason="starts three interpreters; the suite of workers is in each change")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_guide_leads_to_a_worker_that_takes_jobs() -> None:
    here = run_directory() / unique_name("g").removeprefix("tidemill_test_")
    here.mkdir()
    try:
        _follow(here)
    finally:
        shutil.rmtree(here)


def _follow(here: Path) -> None:
    file, certificate, token, worker = _BLOCK.findall(_for_this_machine(here))
    subprocess.run(["/bin/bash", "-ec", certificate], cwd=here, check=True, capture_output=True)
    dispatcher = {
        f"dispatcher.{key}": value for key, value in tomllib.loads(file)["dispatcher"].items()
    }

    with Server(settings=dispatcher) as server, log_in(server.url) as owner:
        told = server.environment(
            TIDEMILL_URL=server.url,
            TIDEMILL_TOKEN=owner.token or "",
            PATH=f"{Path(TIDEMILL).parent}:/usr/local/bin:/usr/bin:/bin",
        )
        subprocess.run(["/bin/bash", "-ec", token], cwd=here, env=told, check=True)
        command = worker.replace("\\\n", "")
        words = shlex.split(f"{command} --set worker.worker_id=far")
        with started(RemoteWorker(here, "far", [TIDEMILL, *words[1:]]), owner) as far:
            body = {"language": "bash", "content": "echo 4.2", "tag": "site-b"}
            ended = owner.finished(owner.post("/jobs", body)["id"])
            far.end(signal.SIGTERM)

    assert ended["result"] == 4.2


def _for_this_machine(here: Path) -> str:
    text = _PAGE.read_text(encoding="utf-8")
    port = free_port()
    for shown, own in {
        "0.0.0.0:7443": f"127.0.0.1:{port}",
        "jobs.example.org:7443": f"localhost:{port}",
        "jobs.example.org": "localhost",
        "/etc/tidemill": here,
        "/var/lib/tidemill-worker": here / "worker",
        "worker.token ": f"{here}/worker.token ",
        "--ca jobs.crt": f"--ca {here}/jobs.crt",
    }.items():
        assert shown in text
        text = text.replace(shown, str(own))
    return text
