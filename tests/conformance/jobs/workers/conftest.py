"""One server, and a worker of each kind that is connected to it over TLS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.node import node_is_installed
from tests.fixtures.remote import (
    RemoteServer,
    RemoteWorker,
    node_worker,
    python_worker,
    remote_server,
    started,
)
from tests.fixtures.waiting import wait_until

_MAKERS: Final = {"python": python_worker, "node": node_worker}


class Bench:
    """A worker of one kind, and the server that it works for."""

    def __init__(self, remote: RemoteServer, worker: RemoteWorker, owner: Client) -> None:
        self.remote = remote
        self.worker = worker
        self.owner = owner

    def start(self, content: str, **fields: Any) -> str:
        """Enqueue a job in bash for the worker; return its id."""
        wanted = {"language": "bash", "content": content, "tag": self.worker.name, **fields}
        return str(self.owner.post("/jobs", wanted)["id"])

    def finished(self, job_id: str) -> dict[str, Any]:
        """Return the job once it has ended."""
        self.owner.finished(job_id)
        return self.job(job_id)

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the job as it is now."""
        return dict(self.owner.get(f"/jobs/{job_id}"))

    def result(self, job_id: str) -> Any:
        """Return what the job gave, once it has ended."""
        return self.owner.finished(job_id)["result"]

    def log(self, job_id: str) -> str:
        """Return what the job has printed so far."""
        return str(self.owner.get(f"/jobs/{job_id}/logs")["text"])

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for what must come."""
        wait_until(condition, seconds_max=60, what=what)


@pytest.fixture(scope="package")
def remote() -> Iterator[RemoteServer]:
    with remote_server({"jobs.isolation_default": "fork"}) as remote:
        yield remote


@pytest.fixture(scope="package")
def benches(remote: RemoteServer) -> Iterator[dict[str, Bench]]:
    """Start a worker of each kind, which live as long as the server."""
    with ExitStack() as stack:
        owner = stack.enter_context(log_in(remote.server.url))
        workers = [
            make(remote, kind, remote.token_file(owner, f"of-{kind}", tags=[kind]), kind)
            for kind, make in _MAKERS.items()
            if kind != "node" or node_is_installed()
        ]
        yield {
            worker.name: Bench(remote, stack.enter_context(started(worker, owner)), owner)
            for worker in workers
        }


@pytest.fixture(params=_MAKERS)
def bench(request: pytest.FixtureRequest, benches: dict[str, Bench]) -> Bench:
    if request.param not in benches:
        pytest.skip(f"{request.param} is not installed")
    return benches[request.param]


class Gate:
    """Holds jobs at a line of their script until the test opens it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.line = f"while [ ! -e {path} ]; do sleep 0.02; done"

    def open(self) -> None:
        self._path.touch()


@pytest.fixture
def gate(remote: RemoteServer) -> Iterator[Gate]:
    path = remote.directory / f"gate-{time.monotonic_ns()}"
    yield Gate(path)
    path.unlink(missing_ok=True)
