"""What a worker needs of the machine that it is on, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.jobs.workers.conftest import Bench
from tests.fixtures.client import Client, log_in
from tests.fixtures.node import node_is_installed, worker_program
from tests.fixtures.remote import RemoteServer, RemoteWorker, started

_SANDBOXED = {"script_path": "reads", "tag": "python", "isolation": "sandbox"}
WORD = "neap tide at the west pier"
READS = """
from tidemill import context

def main():
    word = context.get_variable("harbour/word")
    print("it is", word)
    context.set_state({"seen": len(word)})
    return context.get_state()
"""


@pytest.fixture
def owner(remote: RemoteServer) -> Iterator[Client]:
    with log_in(remote.server.url) as owner:
        yield owner


def test_worker_far_away_lets_its_jobs_read_secrets_and_keep_state(
    benches: dict[str, Bench],
) -> None:
    bench = benches["python"]
    bench.owner.put("/variables/harbour/word", {"value": WORD, "is_secret": True})

    bench.owner.post("/scripts", {"path": "reads", "language": "python", "content": READS})
    ended = bench.owner.finished(bench.owner.post("/jobs", _SANDBOXED)["id"])

    assert (ended["error"], ended["result"]) == (None, {"seen": len(WORD)})
    assert bench.log(ended["id"]) == "it is [redacted]\n"


def test_worker_far_away_runs_sql_on_its_own_files_and_keeps_no_rows_that_nobody_could_read(
    benches: dict[str, Bench],
) -> None:
    bench = benches["python"]
    numbers = """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
        SELECT i FROM n
    """
    few, many = (
        bench.finished(
            bench.start(
                f"-- $database (sqlite)\n{numbers.format(count)}",
                language="sql",
                args={"database": {"path": "a.db"}},
            )
        )
        for count in (3, 2_000)
    )

    assert bench.result(few["id"])["row_count"] == 3
    assert many["state"] == "failed"
    assert "no files in common with the API" in many["error"]["message"]


def test_worker_in_node_works_over_the_socket_of_its_machine(
    remote: RemoteServer, owner: Client
) -> None:
    if not node_is_installed():
        pytest.skip("node is not installed")
    socket = f"unix:{remote.server.data_dir}/run/dispatcher"
    command = ["node", str(worker_program()), socket, "--name", "near", "--tags", "near"]

    with started(RemoteWorker(remote.directory, "near", command), owner):
        bench = Bench(remote, RemoteWorker(remote.directory, "near", command), owner)
        bench.until(lambda: _is_known(owner, "near"), "its tag")
        result = bench.result(bench.start("echo $((n + 1))", args={"n": 1}))

    assert result == 2


def _is_known(owner: Client, tag: str) -> bool:
    body = {"language": "bash", "content": "true", "tag": tag}
    return owner.ask("POST", "/jobs", json=body).status_code == 201
