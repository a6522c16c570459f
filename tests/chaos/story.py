"""The story as the kill tests tell it, and what must be true at its end whatever was killed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

from tests.chaos.books import UNDELIVERED, Books
from tests.fixtures.client import Client, log_in
from tests.fixtures.follower import Follower
from tests.fixtures.waiting import wait_until

SETTINGS: Final = {
    "dispatcher.lease_seconds": "1.5",
    "worker.heartbeat_interval_seconds": "0.3",
    "worker.stop_seconds_max": "2",
}
quiet_seconds_max: Final = 20.0
_BACKLOG: Final = b"Issue key,Issue Type,Summary\n1,Epic,Tides\n2,Task,Read gauges\n3,Task,Report\n"
_SCRIPT: Final = """
import time
def main(number: int) -> int:
    print(f"number {number}", flush=True)
    time.sleep(0.2)
    return number * 2
"""
_FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "timed_out"})

_UNSEEN: Final = """
    SELECT name || ' has not seen ' || stream.seq FROM stream JOIN followers
    ON stream.seq > followers.seq AND name = 'automation.job_links' AND type LIKE 'Job%'
"""


class Installation(Protocol):
    """Where the story is told."""

    @property
    def url(self) -> str:
        """Where it answers."""
        ...

    def wait_ready(self) -> None:
        """Return when it answers."""
        ...

    def stop(self) -> int:
        """Stop it; return its exit code."""
        ...


class Story:
    """What one team does; each answered write is kept, to be looked for at the end."""

    def __init__(self, server: Installation, books_of: Callable[[str], Books]) -> None:
        self.server = server
        self.tenant_id = ""
        self._books_of = books_of
        self.project: dict[str, Any] = {}
        self.items: list[dict[str, Any]] = []
        self.jobs: dict[str, tuple[dict[str, Any], int]] = {}

    def tell(self) -> None:
        """Tell it to its end: every job has ended, its items show it, and followers know."""
        with log_in(self.server.url) as owner:
            tenant = owner.post("/tenants", {"name": "Crew", "slug": "crew"})
        self.tenant_id = tenant["id"]
        self.books = self._books_of(self.tenant_id)
        client = log_in(self.server.url, tenant_id=self.tenant_id)
        assert client.token is not None
        with client, Follower(self.server.url, client.token) as follower:
            self._plan(client)
            self._run(client)
            self._check_answers(client)
            self._wait_until_quiet(client, follower)
            self._check_follower(follower)

    def _plan(self, client: Client) -> None:
        self.project = client.post("/projects", {"key": "TM", "name": "Tidemill"})
        report = client.upload(f"/projects/{self.project['id']}/imports", _BACKLOG)
        assert report["rows_created"] + report["rows_already_imported"] == 3, report
        for number in range(2):
            body = {"project_id": self.project["id"], "item_type": "task", "title": f"T{number}"}
            self.items.append(client.post("/work-items", body))
        client.post("/scripts", {"path": "double", "language": "python", "content": _SCRIPT})

    def _run(self, client: Client) -> None:
        deployed = {"script_path": "double"}
        inline = {"language": "python", "content": _SCRIPT}
        starts: list[dict[str, Any]] = [
            {**deployed, "work_item_id": self.items[0]["id"]},
            {**inline, "work_item_id": self.items[1]["id"], "id": "chosen-by-the-client"},
            inline,
        ]
        for number, start in enumerate(starts):
            if start is inline:
                # However late the worker came, there is a second claim and a second end to kill at.
                client.finished(next(iter(self.jobs)))
            job = client.post("/jobs", {**start, "args": {"number": number}})
            self.jobs[job["id"]] = (job, number)
        for item in self.items:
            # The item moves on by itself while its job runs: a change is made on what it is now.
            client.patch(f"/work-items/{item['id']}", {"title": item["title"] + " again"})
        for job_id, (_, number) in self.jobs.items():
            finished = client.finished(job_id)
            assert finished["state"] == "succeeded", finished
            assert finished["result"] == number * 2

    def _check_answers(self, client: Client) -> None:
        """Look for every write that was answered: each is there, and there once."""
        assert [one["id"] for one in client.pages("/projects")] == [self.project["id"]]
        items = list(client.pages("/work-items"))
        titles = {"Tides", "Read gauges", "Report", "T0 again", "T1 again"}
        assert sorted(item["title"] for item in items) == sorted(titles)
        assert {item["id"] for item in self.items} <= {item["id"] for item in items}
        jobs = {job["id"]: job for job in client.pages("/jobs")}
        assert jobs.keys() == self.jobs.keys()
        for job_id in self.jobs:
            text = client.get(f"/jobs/{job_id}/logs")["text"]
            assert f"number {self.jobs[job_id][1]}" in text

    def _wait_until_quiet(self, client: Client, follower: Follower) -> None:
        def linked() -> bool:
            shown = [client.get(f"/work-items/{item['id']}")["job"] for item in self.items]
            return all(job and job["state"] == "succeeded" for job in shown)

        wait_until(linked, seconds_max=quiet_seconds_max, what="items that show their jobs")
        self._wait_until_delivered()
        head = self._stream_head()
        wait_until(
            lambda: follower.through >= head,
            seconds_max=quiet_seconds_max,
            what=f"a follower at {head}",
        )
        verified = client.post("/audit-verifications")
        assert verified["holds"], verified

    def _wait_until_delivered(self) -> None:
        deadline = time.monotonic() + quiet_seconds_max
        while open_ends := self._open_ends():
            assert time.monotonic() < deadline, f"not delivered: {open_ends}"
            time.sleep(0.02)  # The relay gives no sign when it has nothing left.

    def _check_follower(self, follower: Follower) -> None:
        assert follower.resyncs == []
        assert follower.seqs == list(range(1, self._stream_head() + 1)), "each fact once, in order"
        endings = Counter(
            fact["header"]["subject"]
            for fact in follower.facts
            if fact["header"]["type"] == "JobFinished"
        )
        assert len(endings) == 2, endings
        assert set(endings.values()) == {1}, endings

    def check_books(self) -> None:
        """Read the stores of an installation that has stopped."""
        assert self.books.values("jobs", "SELECT COUNT(*) FROM jobs") == [0]
        states = self.books.values("jobs", "SELECT state FROM job_history")
        assert states == ["succeeded"] * len(self.jobs)
        seqs = self._of_tenant("SELECT seq FROM stream ORDER BY seq")
        assert seqs == list(range(1, len(seqs) + 1)), "numbers without a gap"
        ended = self._of_tenant("SELECT subject FROM stream WHERE type = 'JobFinished'")
        assert len(ended) == len(set(ended)) == 2
        shown = [
            change["new_value"]
            for data in self._of_tenant("SELECT data FROM stream WHERE type = 'WorkItemUpdated'")
            for change in json.loads(data)["changes"]
            if change["field_name"] == "job" and change["new_value"].endswith(" succeeded")
        ]
        assert len(shown) == len(set(shown)) == 2, shown
        assert len(self._of_tenant("SELECT user_id FROM people")) == 1
        actions = Counter(self._of_tenant("SELECT action FROM audit_lines"))
        wanted = {
            "board.projects.create": 1,
            "board.work_items.create": 2,
            "board.work_items.import": 1,
            "jobs.scripts.deploy": 1,
            "jobs.jobs.create": len(self.jobs),
        }
        assert {action: actions[action] for action in wanted} == wanted, actions

    def _open_ends(self) -> list[str]:
        """Return what waits to be delivered, and who has not read the stream to its head."""
        found = []
        for name, tables in UNDELIVERED.items():
            for table in tables:
                query = f"SELECT tenant_id || ' ' || id FROM {table} WHERE delivered_at IS NULL"
                found += [f"{name} {table} {row}" for row in self.books.values(name, query)]
        # Cursors stand still over facts that do not concern their follower.
        return found + self._of_tenant(_UNSEEN)

    def _stream_head(self) -> int:
        return int(self._of_tenant("SELECT seq FROM stream_heads")[0])

    def _of_tenant(self, query: str) -> list[Any]:
        return self.books.values("tenant", query)


def tell_to_the_end(
    server: Installation,
    books_of: Callable[[str], Books],
    *,
    before_the_end: Callable[[], None] = lambda: None,
) -> None:
    """Tell the story, stop the server and look at the books."""
    story = Story(server, books_of)
    story.tell()
    before_the_end()
    server.wait_ready()
    code = server.stop()
    assert code == 0, f"it ended with {code}"
    story.check_books()
