"""Files that were answered for are there after `kill -9`, and those that were not are nowhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import API_ROLE, Server
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.full(reason="it starts a server twice; what it rests on has its tests")


def test_files_survive_a_kill_once_they_are_answered_for() -> None:
    with Server(command=API_ROLE) as server:
        with log_in(server.url) as owner:
            owner.post("/projects", {"key": "TM", "name": "Tides"})
            item = {"project_id": "TM", "item_type": "task", "title": "Read gauges"}
            owner.post("/work-items", item)
            made = owner.upload("/work-items/TM-1/attachments?name=a.log", b"low tide")
            token = owner.token
        _kill_within_an_upload(server, str(token))
        server.start()
        with Client(server.url, token) as owner:
            listed = owner.get("/work-items/TM-1/attachments")["items"]
            content = owner.once("GET", f"/attachments/{made['id']}/content").content

    assert listed == [made]
    assert content == b"low tide"


def _kill_within_an_upload(server: Server, token: str) -> None:
    """Kill the server while it writes a file that never ends."""
    killed = threading.Event()

    def parts() -> Iterator[bytes]:
        while not killed.wait(0.01):
            yield b"tide" * 10_000

    def upload() -> None:
        url = f"{server.url}/api/v1/work-items/TM-1/attachments?name=b.log"
        headers = {"Authorization": f"Bearer {token}"}
        with pytest.raises(httpx.TransportError):
            httpx.post(url, content=parts(), headers=headers, timeout=60)

    sender = threading.Thread(target=upload)
    sender.start()
    incoming = server.data_dir / "tenants"
    try:
        wait_until(
            lambda: any(file.stat().st_size for file in incoming.glob("*/blobs/incoming/*")),
            seconds_max=60,
            what="the begin of the file",
        )
        assert server.kill()
    finally:
        killed.set()
        sender.join()
