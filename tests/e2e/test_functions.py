"""`tidemill up --app`: functions of the operator's own program, over HTTP."""

from __future__ import annotations

from typing import Final

from tests.fixtures.client import log_in
from tests.fixtures.library import ROOT
from tests.fixtures.server import OWNER, TIDEMILL, Server
from tests.fixtures.waiting import wait_until

MODULE: Final = "tests.fixtures.shop"
COMMAND: Final = (TIDEMILL, "up", "--app", MODULE)


def test_up_with_a_program_runs_its_functions() -> None:
    environment = {**OWNER, "PYTHONPATH": str(ROOT)}
    with Server(command=COMMAND, environment=environment) as server:
        client = log_in(server.url)
        wait_until(
            lambda: client.get("/functions")["items"], seconds_max=40, what="a registered function"
        )

        job = client.post("/jobs", {"function": f"{MODULE}:double", "args": {"number": 21}})
        result = client.get(f"/jobs/{job['id']}/result", wait=30)

        assert result["result"] == 42


def test_up_with_a_program_that_is_missing_says_so() -> None:
    server = Server(command=(TIDEMILL, "up", "--app", "no_such_program"))
    server.start(wait=False)
    wait_until(lambda: not server.is_running, seconds_max=40, what="its end")

    assert server.stop() == 78
    assert "worker.app: The module no_such_program cannot be imported" in server.log
    assert "Traceback" not in server.log
