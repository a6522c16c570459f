"""C7 with real processes: what one API process revokes, another refuses within two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.fixtures.databases import a_database
from tests.fixtures.server import OWNER, OWNER_EMAIL, OWNER_PASSWORD, Server
from tests.fixtures.waiting import Stopwatch

seconds_max = 2.0


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    command = (sys.executable, "-m", "tidemill.api")
    with a_database("revocation") as url, ExitStack() as stack:
        environment = {**OWNER, "TIDEMILL_DATABASE_URL": url, "JWT_SECRET": "r" * 48}
        here, there = (Server(environment=environment, command=command) for _ in range(2))
        yield stack.enter_context(here), stack.enter_context(there)


@pytest.mark.full(
    reason="two servers, 5 s of CPU; over NATS test_two_processes.py measures it in each change"
)
def test_revocation_crosses_api_processes_within_two_seconds(
    servers: tuple[Server, Server],
) -> None:
    here, there = (f"{server.url}/api/v1" for server in servers)
    phone, laptop = _log_in(here), _log_in(here)
    made = httpx.post(
        f"{here}/api-tokens", json={"name": "ci", "scopes": ["read"]}, headers=_bearer(laptop)
    ).json()
    for token in (phone, laptop, made["token"]):
        assert _status(there, token) == 200

    httpx.post(f"{here}/auth/logout", headers=_bearer(phone), timeout=60)
    _refused_in_time(there, phone)
    httpx.delete(f"{here}/api-tokens/{made['id']}", headers=_bearer(laptop), timeout=60)
    _refused_in_time(there, made["token"])

    assert _status(there, laptop) == 200, "what was not revoked goes on"


def _log_in(url: str) -> str:
    answer = httpx.post(
        f"{url}/auth/login", json={"email": OWNER_EMAIL, "password": OWNER_PASSWORD}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def _refused_in_time(url: str, token: str) -> None:
    watch = Stopwatch()
    while _status(url, token) != 401:
        assert watch.look() < seconds_max
        time.sleep(0.01)


def _status(url: str, token: str) -> int:
    return httpx.get(f"{url}/members", headers=_bearer(token), timeout=60).status_code


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
