"""What happens in one API process is known in the other, whatever the bus."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.fixtures.client import Client, log_in
from tests.fixtures.cluster import Cluster, two_api_processes
from tests.fixtures.follower import Follower
from tests.fixtures.waiting import Stopwatch, wait_until
from tidemill.events.wire.v1 import messages_pb2 as pb

pytestmark = pytest.mark.needs("postgres")

known_seconds_max: Final = 60.0
revoked_seconds_max: Final = 2.0
_PASSWORD: Final = "another tide table"
_OTHERS: Final = pytest.mark.full(reason="what differs between buses is proved by their own suite")
BUSES: Final = [
    "nats",
    pytest.param("amqp", marks=_OTHERS),
    pytest.param("postgres", marks=_OTHERS),
]


@pytest.fixture(scope="module", params=BUSES)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with two_api_processes(request.param) as cluster:
        yield cluster


@pytest.fixture
def owner(cluster: Cluster) -> Iterator[Client]:
    with log_in(cluster.here.url) as client:
        yield client


def test_a_revoked_token_ends_in_the_second_process(cluster: Cluster, owner: Client) -> None:
    made = owner.post("/api-tokens", {"name": "watcher", "scopes": ["read"]})
    with Client(cluster.there.url, made["token"]) as there, _follow(there) as follower:
        assert there.ask("GET", "/members").status_code == 200

        owner.delete(f"/api-tokens/{made['id']}")

        _refused_in_time(there)
        _soon(lambda: follower.closes[:1] == [4401])


def test_a_guest_link_that_is_revoked_ends_in_the_second_process(
    cluster: Cluster, owner: Client
) -> None:
    owner.post("/projects", {"key": "GUEST", "name": "For guests"})
    links = "/projects/GUEST/guest-links"
    made = owner.post(links, {"name": "The harbour office"})
    with Client(cluster.there.url, made["token"]) as there, _follow(there) as follower:
        assert there.ask("GET", "/projects/GUEST").status_code == 200

        owner.delete(f"{links}/{made['id']}")

        _soon(lambda: there.ask("GET", "/projects/GUEST").status_code == 401)
        _soon(lambda: follower.closes[:1] == [4401])


def test_a_session_that_logs_out_ends_in_the_second_process(
    cluster: Cluster, owner: Client
) -> None:
    token = _a_member(owner, "bob@example.org")
    with Client(cluster.there.url, token) as there, _follow(there) as follower:
        assert there.ask("GET", "/members").status_code == 200
        with Client(cluster.here.url, token) as here:
            here.ask("POST", "/auth/logout")

        _refused_in_time(there)
        _soon(lambda: follower.closes[:1] == [4401])


def test_a_role_that_is_taken_away_ends_in_the_second_process(
    cluster: Cluster, owner: Client
) -> None:
    token = _a_member(owner, "eve@example.org", role="admin")
    with Client(cluster.there.url, token) as there, _follow(there) as follower:
        user_id = there.get("/auth/me")["user"]["id"]
        assert there.ask("GET", "/audit-events").status_code == 200

        owner.patch(f"/members/{user_id}", {"role": "viewer"})
        _soon(lambda: there.ask("GET", "/audit-events").status_code == 403)
        assert there.ask("GET", "/members").status_code == 200

        owner.delete(f"/members/{user_id}")
        _soon(lambda: there.ask("GET", "/members").status_code in {401, 403})
        _soon(lambda: follower.closes[-1:] in ([4401], [4403]))


def test_a_setting_takes_effect_in_the_second_process(cluster: Cluster, owner: Client) -> None:
    wrong = {"email": "nobody@example.org", "password": "not a tide table"}
    key = "/settings/limits.logins_per_minute"
    with Client(cluster.there.url) as there:
        assert there.ask("POST", "/auth/login", json=wrong).status_code == 401

        owner.put(key, {"value": 1, "scope": "installation"})
        _soon(lambda: there.ask("POST", "/auth/login", json=wrong).status_code == 429)

        owner.put(key, {"value": 600_000, "scope": "installation"})
        _soon(lambda: there.ask("POST", "/auth/login", json=wrong).status_code == 401)


def test_an_item_made_over_http_reaches_a_client_of_each_process_as_protobuf(
    cluster: Cluster, owner: Client
) -> None:
    """R057."""
    project = owner.post("/projects", {"key": "WS", "name": "Two clients"})
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(_subscribed(one.url, str(owner.token), project["id"]))
            for one in (cluster.here, cluster.there)
        ]
        item = owner.post(
            "/work-items", {"project_id": project["id"], "item_type": "task", "title": "Tell both"}
        )

        told = [_next_message(socket, "work_item_created") for socket in sockets]

    for message in told:
        seen = message.work_item_created.work_item
        assert (seen.id, seen.project_id, seen.key) == (item["id"], project["id"], "WS-1")
        assert (seen.item_type, seen.title, seen.version) == (pb.TASK, "Tell both", 1)
        assert message.work_item_created.user_id
        assert message.through_seq >= message.header.seq


def test_who_is_at_an_item_is_told_in_the_second_process(cluster: Cluster, owner: Client) -> None:
    topic = f"work-item:{time.time_ns()}"
    here, there = cluster.here.url, Client(cluster.there.url, owner.token)
    with there, Follower(there.url, str(owner.token), (topic,)) as follower:
        assert follower.is_subscribed.wait(known_seconds_max)
        with connect(
            f"{here.replace('http', 'ws', 1)}/ws",
            subprotocols=[Subprotocol("tidemill.json")],
            additional_headers={"Authorization": f"Bearer {owner.token}"},
            proxy=None,
        ) as socket:
            socket.send(f'{{"presence": {{"typing": ["{topic}"]}}}}')
            _soon(lambda: _rooms(follower) == [[True]])
        _soon(lambda: _rooms(follower) == [[True], []])


def _rooms(follower: Follower) -> list[list[bool]]:
    """Return who was at the topic, each time that it changed: whether they typed."""
    return [
        [person["typing"] for person in update["data"]["people"]]
        for update in follower.updates
        if update["type"] == "PresenceChanged"
    ]


@pytest.mark.parametrize(
    "clients",
    [20, pytest.param(200, marks=pytest.mark.full(reason="200 threads keep both cores busy"))],
)
def test_clients_end_with_the_databases_state_though_the_bus_is_wiped(
    cluster: Cluster, owner: Client, clients: int
) -> None:
    tenant = owner.post("/tenants", {"name": "Crew", "slug": f"crew-{time.time_ns():x}"})
    token = log_in(cluster.here.url, tenant_id=tenant["id"]).token
    both = [Client(one.url, token) for one in (cluster.here, cluster.there)]
    project = both[0].post("/projects", {"key": "TM", "name": "Tidemill"})
    with ExitStack() as stack:
        for client in both:
            stack.enter_context(client)
        followers = [stack.enter_context(_follow(both[n % 2])) for n in range(clients)]
        writers = [threading.Thread(target=_write, args=(client, project["id"])) for client in both]
        for writer in writers:
            writer.start()
        for _ in range(2):
            threading.Event().wait(0.4)  # The load runs on; any moment of it is right.
            cluster.wipe()
        for writer in writers:
            writer.join(60)
        # A fact after the last loss: what it skips over must be fetched from the log.
        both[1].post("/projects", {"key": "LAST", "name": "The last"})
        items = {item["id"]: item["version"] for item in both[0].pages("/work-items")}
        wait_until(
            lambda: all("LAST" in _projects(one) for one in followers),
            seconds_max=60,
            what="the last fact at every client",
        )

    assert len(items) == 2 * _items_of_each
    for follower in followers:
        assert follower.seqs == sorted(set(follower.seqs)), "each fact once, in order"
        assert _versions(follower) == items


_items_of_each: Final = 30


def _write(client: Client, project_id: str) -> None:
    for number in range(_items_of_each):
        body = {"project_id": project_id, "item_type": "task", "title": f"T{number}"}
        item = client.post("/work-items", body)
        client.patch(f"/work-items/{item['id']}", {"title": f"T{number} again"})


def _versions(follower: Follower) -> dict[str, int]:
    """Return the state that a client has who believes what it is told alone."""
    state: dict[str, int] = {}
    for fact in follower.facts:
        if fact["header"]["type"].startswith("WorkItem"):
            item = fact["fact"]["data"]["work_item"]
            state[item["id"]] = int(item["version"])
    return state


def _projects(follower: Follower) -> set[str]:
    created = [fact for fact in follower.facts if fact["header"]["type"] == "ProjectCreated"]
    return {fact["fact"]["data"]["project"]["key"] for fact in created}


@contextlib.contextmanager
def _subscribed(url: str, token: str, project_id: str) -> Iterator[ClientConnection]:
    with connect(
        f"{url.replace('http', 'ws', 1)}/ws",
        subprotocols=[Subprotocol("tidemill.pb")],
        additional_headers={"Authorization": f"Bearer {token}"},
        proxy=None,
    ) as socket:
        subscribe = pb.Subscribe(project_ids=[project_id])
        socket.send(pb.WebSocketMessage(subscribe=subscribe).SerializeToString())
        _next_message(socket, "subscribed")
        yield socket


def _next_message(socket: ClientConnection, payload: str) -> pb.WebSocketMessage:
    """Return the next message of that name; several may share a frame."""
    while True:
        frame = socket.recv(timeout=known_seconds_max)
        assert isinstance(frame, bytes)
        message = pb.WebSocketMessage.FromString(frame)
        for one in (message, *message.batch.messages):
            if one.WhichOneof("payload") == payload:
                one.through_seq = message.through_seq
                return one


@contextlib.contextmanager
def _follow(client: Client) -> Iterator[Follower]:
    assert client.token is not None
    with Follower(client.url, client.token) as follower:
        assert follower.is_subscribed.wait(known_seconds_max)
        yield follower


def _a_member(owner: Client, email: str, role: str = "member") -> str:
    invitation = owner.post("/invitations", {"role": role, "email": email})
    with Client(owner.url) as anonymous:
        joined = anonymous.post(
            "/auth/registrations",
            {
                "token": invitation["token"],
                "email": email,
                "name": "Somebody",
                "password": _PASSWORD,
            },
        )
    return str(joined["access_token"])


def _refused_in_time(client: Client) -> None:
    watch = Stopwatch()
    while client.ask("GET", "/members").status_code != 401:
        assert watch.look() < revoked_seconds_max
        time.sleep(0.01)


def _soon(condition: Callable[[], Any]) -> None:
    wait_until(condition, seconds_max=known_seconds_max, what="what the other process did")
