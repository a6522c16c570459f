"""Who is let in over TLS, what they get, and how soon they are sent away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pytest
from uuid_utils import uuid4

from tests.fixtures.client import Client, log_in
from tests.fixtures.jobs import SpokenWorker
from tests.fixtures.remote import RemoteServer
from tidemill.jobs.protocol.messages import (
    Hello,
    Isolation,
    Refused,
    Settings,
    protocol_version,
)
from tidemill.jobs.protocol.tls import TlsTarget, dial

pytestmark = pytest.mark.anyio

revoked_seconds_max: Final = 30.0


@pytest.fixture
async def owner(remote: RemoteServer) -> AsyncIterator[Client]:
    with log_in(remote.server.url) as owner:
        yield owner


@asynccontextmanager
async def _worker(remote: RemoteServer, token: str, **fields: Any) -> AsyncIterator[SpokenWorker]:
    """Connect a worker and say Hello; yield it once it is welcome, or was refused."""
    wanted: dict[str, Any] = {
        "version": protocol_version,
        "worker_id": "spoken",
        "secret": token,
        "host": "there",
        "slots": 1,
        "tags": ("spoken",),
        "isolations": (Isolation.FORK,),
    }
    hello = Hello(**(wanted | fields))
    target = TlsTarget(host="localhost", port=remote.port, ca_file=str(remote.authority.file))
    worker = SpokenWorker(await dial(target), hello)
    await worker.connection.send(hello)
    try:
        await worker.news(lambda: worker.welcome or worker.other)
        yield worker
    finally:
        await worker.leave()


def _state(owner: Client, name: str) -> str:
    listed = owner.get("/workers")["items"]
    return next(str(one["state"]) for one in listed if one["id"] == f"spoken@{name}")


def _reason(worker: SpokenWorker) -> str:
    refused = worker.other[-1]
    assert isinstance(refused, Refused)
    return refused.reason


async def test_token_that_is_unknown_is_refused_and_its_connection_closed(
    remote: RemoteServer,
) -> None:
    async with _worker(remote, "tmw_nonsense") as worker:
        with anyio.fail_after(60):
            await worker.connection.wait_closed()

        assert "is not known here" in _reason(worker)
        assert worker.welcome is None


async def test_token_is_refused_for_tags_that_it_does_not_allow(
    remote: RemoteServer, owner: Client
) -> None:
    made = owner.post("/worker-tokens", {"name": f"tags-{uuid4()}", "tags": ["gpu"]})

    async with _worker(remote, made["token"], tags=("gpu", "cpu")) as worker:
        assert "is for the tags gpu, not for cpu" in _reason(worker)


async def test_token_names_its_worker(remote: RemoteServer, owner: Client) -> None:
    name = f"named-{uuid4()}"
    made = owner.post("/worker-tokens", {"name": name})

    async with _worker(remote, made["token"]) as worker:
        assert worker.welcome is not None
        listed = {one["id"] for one in owner.get("/workers")["items"]}

    assert f"spoken@{name}" in listed


async def test_token_tells_its_worker_nothing_of_the_installation_but_its_log_level(
    remote: RemoteServer, owner: Client
) -> None:
    made = owner.post("/worker-tokens", {"name": f"told-{uuid4()}"})
    owner.put("/settings/limits.logins_per_minute", {"value": 600, "scope": "installation"})

    async with _worker(remote, made["token"]) as worker:
        settings = await worker.news(
            lambda: next((one for one in worker.other if isinstance(one, Settings)), None)
        )

    assert all(name.startswith("log.") for name in settings.values)


async def test_token_that_is_revoked_ends_its_connections(
    remote: RemoteServer, owner: Client
) -> None:
    made = owner.post("/worker-tokens", {"name": f"ended-{uuid4()}"})
    async with _worker(remote, made["token"]) as worker:
        assert worker.welcome is not None

        owner.delete(f"/worker-tokens/{made['id']}")

        with anyio.fail_after(revoked_seconds_max):
            await worker.connection.wait_closed()
            # Long before its lease would have ended.
            while await anyio.to_thread.run_sync(_state, owner, made["name"]) != "left":  # noqa: ASYNC110
                await anyio.sleep(0.05)
        assert "has ended" in _reason(worker)

    async with _worker(remote, made["token"]) as worker:
        assert "was revoked" in _reason(worker)
