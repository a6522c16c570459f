"""`tidemill up` whose worker takes its jobs from a broker, which comes and goes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from tests.conformance.bus.proxy import Proxy, proxy_to
from tests.fixtures.client import Client, log_in
from tests.fixtures.queues import remove_queue
from tests.fixtures.run import unique_name
from tests.fixtures.server import TIDEMILL, Server
from tests.fixtures.waiting import wait_until

DOUBLE = "def main(number: int) -> int:\n    return number * 2\n"
SLOW = "import time\n\ndef main() -> int:\n    time.sleep(3)\n    return 7\n"
soon_seconds_max = 30.0


@pytest.mark.full(reason="an installation with processes; its parts are tested in each run")
def test_jobs_wait_for_a_broker_and_go_on_over_its_absence(amqp_url: str) -> None:
    name = unique_name("up")
    with _proxied(amqp_url) as (proxy, url):
        settings = {
            "message_queue.url": url,
            "message_queue.carries_jobs": "true",
            "message_queue.task_queue": f"{name}_tasks",
            "message_queue.status_queue": f"{name}_status",
            "events.bus": "memory",
            "jobs.isolation_default": "fork",
        }
        proxy.open = False
        with Server(settings=settings) as server:
            client = log_in(server.url)
            waiting = _start(client, DOUBLE, number=4)
            away = _part(client, "broker")
            told = _doctor(server)

            proxy.open = True
            done = client.finished(waiting)
            slow = _start(client, SLOW)
            wait_until(
                lambda: client.get(f"/jobs/{slow}")["state"] == "running",
                seconds_max=soon_seconds_max,
            )
            proxy.open = False
            proxy.cut()
            wait_until(lambda: _part(client, "broker"), seconds_max=soon_seconds_max)
            proxy.open = True
            over = client.finished(slow)
            attempts = client.get(f"/jobs/{slow}")["attempts"]
            wait_until(lambda: _part(client, "broker") is None, seconds_max=soon_seconds_max)
            assert server.stop() == 0
    remove_queue(amqp_url, f"{name}_status")

    assert away is not None
    assert "Jobs wait, and none is lost" in away
    assert any(one["part"] == "broker" and one["verdict"] == "fails" for one in told)
    assert (done["state"], done["result"]) == ("succeeded", 8)
    assert (over["state"], over["result"], attempts) == ("succeeded", 7, 1)


@contextmanager
def _proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """Yield a proxy before the broker at `url`, and its address."""
    parts = urlsplit(url)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            proxy_to(parts.hostname or "127.0.0.1", parts.port or 5672)
        ) as proxy,
    ):
        netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}"
        cut = proxy.cut
        proxy.cut = lambda: portal.call(cut)  # type: ignore[method-assign]  # on its own loop
        try:
            yield proxy, urlunsplit(parts._replace(netloc=netloc))
        finally:
            proxy.cut = cut  # type: ignore[method-assign]  # as it was


def _start(client: Client, content: str, **args: object) -> str:
    body = {"language": "python", "content": content, "args": args}
    return str(client.post("/jobs", body)["id"])


def _part(client: Client, name: str) -> str | None:
    """Return why a part of the server is not ready, or None."""
    parts = httpx.get(f"{client.url}/ready", timeout=60).json()["parts"]
    (found,) = [part for part in parts if part["name"] == name]
    return None if found["ready"] else str(found["reason"])


def _doctor(server: Server) -> list[dict[str, Any]]:
    words = [TIDEMILL, "doctor", "--data-dir", str(server.data_dir), "--json"]
    done = subprocess.run(
        words, capture_output=True, env=server.environment(), check=False, timeout=60
    )
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told
