"""A worker far away, with dispatcher and API in processes of their own on PostgreSQL."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.databases import a_database
from tests.fixtures.remote import RemotePlace, python_worker, started
from tests.fixtures.roles import DISPATCHER, Roles
from tests.fixtures.waiting import wait_until

pytestmark = [
    pytest.mark.needs("postgres"),
    pytest.mark.full(reason="starts four interpreters"),
    pytest.mark.timeout(180),
]

ended_seconds_max: Final = 30.0


@contextlib.contextmanager
def _installation() -> Iterator[tuple[RemotePlace, Roles]]:
    place = RemotePlace()
    try:
        with a_database("remote") as url:
            settings = {
                **place.settings,
                "database.url": url,
                "jobs.isolation_default": "fork",
            }
            with Roles(settings=settings, workers=0) as roles:
                yield place, roles
    finally:
        place.remove()


def test_remote_worker_outlives_its_dispatcher_and_ends_with_its_token() -> None:
    with _installation() as (place, roles), log_in(roles.url) as owner:
        token = place.token_file(owner, "far", tags=["far"])
        worker = python_worker(place, "far", token, "far")
        gate = place.directory / "gate"
        with started(worker, owner):
            content = f"while [ ! -e {gate} ]; do sleep 0.02; done\necho $TIDEMILL_ATTEMPT"
            body = {"language": "bash", "content": content, "tag": "far"}
            job = owner.post("/jobs", body)["id"]
            wait_until(
                lambda: owner.get(f"/jobs/{job}")["state"] == "running",
                seconds_max=30,
                what="a running job",
            )

            roles.kill(DISPATCHER)
            gate.touch()
            ended = owner.finished(job)

            assert (ended["state"], ended["result"]) == ("succeeded", 1)

            made = owner.get("/worker-tokens")["items"][0]
            revoked_at = time.monotonic()
            owner.delete(f"/worker-tokens/{made['id']}")
            wait_until(
                lambda: "worker.sent_away" in worker.log,
                seconds_max=ended_seconds_max,
                what="the end of the connection",
            )
            print(f"cut off {time.monotonic() - revoked_at:.2f} s after the revocation")
            assert made["last_used_at"] is not None
