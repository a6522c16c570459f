"""The server is killed again and again under load; its clients miss nothing and get it all once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.fleet import JSON, PROTOBUF, Fleet, Sailor
from tests.fixtures.server import API, Server
from tests.fixtures.waiting import wait_until

SETTINGS: Final = {
    # All clients are of one user here, and come back at once.
    "events.replays_per_minute": "100000",
    "events.connections_per_actor_max": "1000",
    "events.heartbeat_seconds": "1",
}
writes_between_kills: Final = 30
wait_seconds_max: Final = 120.0


class Writers:
    """Two threads that make and change items until the block ends."""

    def __init__(self, server: Server, token: str, project_ids: list[str]) -> None:
        self.answered = 0
        self._server = server
        self._token = token
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(project_id,), daemon=True)
            for project_id in project_ids
        ]

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write for the block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._end.set()
            for thread in self._threads:
                thread.join(60)

    def _write(self, project_id: str) -> None:
        with Client(self._server.url, self._token) as client:
            while not self._end.is_set():
                body = {"project_id": project_id, "item_type": "task", "title": "Made"}
                item = client.post("/work-items", body)
                for number in range(3):
                    client.patch(f"/work-items/{item['id']}", {"title": f"Changed {number}"})
                    self.answered += 1


def kill_again_and_again(
    server: Server, writers: Writers, sailors: list[Sailor], *, kills: int
) -> None:
    """Kill the API process `kills` times, each time while all follow and much is written."""
    for turn in range(1, kills + 1):
        _soon(lambda turn=turn: all(one.connections >= turn for one in sailors), "all to follow")
        goal = writers.answered + writes_between_kills
        _soon(lambda goal=goal: writers.answered >= goal, "a load of writes")
        assert server.kill(API)
    _soon(lambda: all(one.connections > kills for one in sailors), "all to be back")


@pytest.mark.parametrize(
    ("clients", "kills"),
    [
        (12, 1),
        pytest.param(
            120,
            5,
            marks=[
                pytest.mark.chaos(reason="a hundred clients through five kills take minutes"),
                pytest.mark.timeout(600),
            ],
        ),
    ],
)
def test_clients_end_with_the_databases_state_though_the_server_is_killed(
    clients: int, kills: int
) -> None:
    with Server(settings=SETTINGS) as server, log_in(server.url) as owner:
        projects = [owner.post("/projects", {"key": key, "name": key})["id"] for key in "AB"]
        first = {"project_id": projects[0], "item_type": "task", "title": "The first"}
        item = owner.post("/work-items", first)
        topics = ["tenant", *(f"project:{id_}" for id_ in projects), f"work-item:{item['id']}"]
        sailors = [
            Sailor(topics[n % len(topics)], (JSON, PROTOBUF)[n // len(topics) % 2])
            for n in range(clients)
        ]
        writers = Writers(server, str(owner.token), projects)
        with Fleet(server.url, str(owner.token), sailors) as fleet:
            with writers.writing():
                kill_again_and_again(server, writers, sailors, kills=kills)
            # A last word under every topic: whoever has it has all that came before it.
            for number, project_id in enumerate(projects):
                last = {"project_id": project_id, "item_type": "task", "title": f"Last {number}"}
                owner.post("/work-items", last)
            owner.patch(f"/work-items/{item['id']}", {"title": "The first, at last"})
            truth = Truth(server, owner.get("/auth/me")["tenant"]["id"])
            _soon(lambda: all(one.through >= truth.head for one in sailors), "the last fact")
            assert fleet.error is None
        items = {one["id"]: one for one in owner.pages("/work-items")}

    for sailor in sailors:
        assert sailor.complaints == []
        assert sailor.seqs == truth.seqs_of(sailor.topic), (sailor.topic, sailor.protocol)
        assert sailor.items == _items_of(sailor.topic, items)


class Truth:
    """The stream as it lies in the tenant's database."""

    def __init__(self, server: Server, tenant_id: str) -> None:
        file = server.data_dir / "tenants" / tenant_id / "main.db"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT seq, topics FROM stream ORDER BY seq").fetchall()
        self._topics: dict[int, list[str]] = {seq: json.loads(topics) for seq, topics in rows}
        self.head = rows[-1][0]
        assert list(self._topics) == list(range(1, self.head + 1))

    def seqs_of(self, topic: str) -> list[int]:
        """Return the numbers of the facts under `topic`."""
        return [seq for seq, topics in self._topics.items() if topic in {"tenant", *topics}]


def _items_of(topic: str, items: dict[str, Any]) -> dict[str, tuple[int, str]]:
    kind, _, id_ = topic.partition(":")
    field = {"project": "project_id", "work-item": "id"}.get(kind)
    return {
        one["id"]: (int(one["version"]), str(one["title"]))
        for one in items.values()
        if field is None or one[field] == id_
    }


def _soon(condition: Any, what: str) -> None:
    wait_until(condition, seconds_max=wait_seconds_max, what=what)
