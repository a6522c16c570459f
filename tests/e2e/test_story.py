"""The whole story on one installation: by the link and the command line, then by plain HTTP.

A script runs as a job for a work item; its log and the
item's change arrive live, the result is on the item, each action is in the audit log, and all of
it is there after a second start.
"""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import httpx
import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.follower import Follower
from tests.fixtures.server import OWNER_EMAIL, OWNER_PASSWORD, TIDEMILL, Server
from tests.fixtures.waiting import wait_until

STORY: Final = Path(__file__).resolve().parents[2] / "examples" / "first_story"
seconds_max: Final = 60.0
_FIRST_LINE: Final = "25 proposals for Python 3.14"
_EVERY_ACTION: Final = {
    "board.projects.create",
    "board.work_items.import",
    "board.work_items.update",
    "identity.sessions.open",
    "identity.tenants.create",
    "jobs.jobs.create",
    "jobs.scripts.deploy",
}


@pytest.fixture
def unowned() -> Iterator[Server]:
    with Server(environment={}) as server:
        yield server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


class Terminal:
    """A person at a shell, logged in by the command line."""

    def __init__(self, server: Server) -> None:
        self._environment = server.environment(TIDEMILL_URL=server.url)

    def run(self, *words: str, typed: str = "") -> str:
        """Run a command; return its output; fail the test when it fails."""
        done = subprocess.run(
            [TIDEMILL, *words],
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, *words: str) -> Any:
        """Return the one document that a command prints with `--json`."""
        return json.loads(self.run(*words, "--json"))

    def watch(self, *words: str) -> Watching:
        """Start `tidemill watch` as if in a second terminal."""
        return Watching([TIDEMILL, "watch", *words, "--json"], self._environment)


class Watching:
    """`tidemill watch --json` and what it has printed."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._reader.join(60)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as printed:
            for line in printed:
                self.messages.append(json.loads(line))


def _submit_setup_form(link: str) -> httpx.Response:
    """Fill the form in and send it, as a browser does."""
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        page = browser.get(link)
        assert page.status_code == 200, page.text
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        names = re.findall(r'<input[^>]* name="(\w+)"', page.text)
        filled = {
            "name": "Ada",
            "email": OWNER_EMAIL,
            "password": OWNER_PASSWORD,
            "tenant_name": "Harbour office",
        }
        assert filled.keys() <= set(names)
        address = httpx.URL(link).copy_with(query=None)
        origin = f"{address.scheme}://{address.netloc.decode()}"
        return browser.post(
            address,
            data={**dict(hidden), **filled},
            headers={"Origin": origin, "Sec-Fetch-Site": "same-origin", "Referer": link},
        )


def _make_the_owner(unowned: Server) -> None:
    link = unowned.setup_link
    done = _submit_setup_form(link)
    assert done.status_code == 200, done.text
    assert "Harbour office" in done.text
    assert done.cookies or done.headers.get("set-cookie"), "the form logs its owner in"
    assert httpx.get(link, timeout=60).status_code >= 400, "the link works once"


def test_story_by_the_link_and_the_command_line(unowned: Server) -> None:
    _make_the_owner(unowned)
    terminal = Terminal(unowned)
    words = ("login", unowned.url, "--email", OWNER_EMAIL, "--password-stdin")
    terminal.run(*words, typed=OWNER_PASSWORD)
    tenant = terminal.ask("tenants", "create", "Python crew", "--slug", "python-crew")
    terminal.run("tenants", "use", tenant["slug"])
    terminal.run("projects", "create", "PEP", "Python proposals")
    report = terminal.ask("items", "import", str(STORY / "backlog.csv"), "--project", "PEP")
    assert (report["rows_created"], report["rows_total"]) == (80, 80)
    epic = next(
        item
        for item in json.loads(terminal.run("items", "list", "--project", "PEP", "--all", "--json"))
        if item["title"] == "Python 3.14"
    )
    terminal.run("scripts", "push", str(STORY / "report.py"), "--path", "proposals/report")

    with terminal.watch("--item", epic["key"]) as watching:
        wait_until(
            lambda: watching.messages,
            seconds_max=seconds_max,
            what="the subscription in `tidemill watch`",
        )
        assert watching.messages[0]["type"] == "subscribed"
        printed = terminal.run(
            "run", "proposals/report", "--item", epic["key"],
            "--arg", f"data=@{STORY / 'peps.csv'}", "--arg", 'python_version="3.14"',
        )  # fmt: skip
        wait_until(
            lambda: _shows_a_finished_job(watching.messages, epic["id"]),
            seconds_max=seconds_max,
            what="the item's change in `tidemill watch`",
        )
        wait_until(
            lambda: _FIRST_LINE in json.dumps(list(watching.messages)),
            seconds_max=seconds_max,
            what="log lines in `tidemill watch`",
        )

    assert _FIRST_LINE in printed
    assert "PEP 649" in printed
    item = terminal.ask("items", "show", epic["key"])
    assert item["job"]["state"] == "succeeded"
    assert item["job"]["result"]["proposals"] == 25
    wanted = {
        "board.projects.create",
        "board.work_items.import",
        "jobs.scripts.deploy",
        "jobs.jobs.create",
    }
    # The chain takes a line up a moment after its commit.
    wait_until(
        lambda: wanted <= {line["action"] for line in terminal.ask("audit", "list")},
        seconds_max=seconds_max,
        what="the audit",
    )
    terminal.run("audit", "verify")


@pytest.mark.full(reason="examples/first_story goes the same way in each change")
def test_story_by_plain_http_survives_a_second_start_and_is_read_by_its_owner_alone(
    server: Server, record_property: Callable[[str, object], None]
) -> None:
    with log_in(server.url) as owner:
        tenant = owner.post("/tenants", {"name": "Python crew", "slug": "python-crew"})
    client = log_in(server.url, tenant_id=tenant["id"])
    assert client.token is not None
    epic = _import_backlog(client)
    topics = ("tenant", f"work-item:{epic['id']}")
    with client, Follower(server.url, client.token, topics) as follower:
        assert follower.is_subscribed.wait(seconds_max)
        job = _start_report(client, epic)
        finished = client.finished(job["id"])
        assert finished["state"] == "succeeded", finished
        wait_until(
            lambda: _shows_a_finished_job(follower.facts, epic["id"]),
            seconds_max=seconds_max,
            what="the item's change over /ws",
        )
        wait_until(
            lambda: _FIRST_LINE in json.dumps(list(follower.updates)),
            seconds_max=seconds_max,
            what="log lines over /ws",
        )
        wait_until(
            lambda: _actions(client) >= _EVERY_ACTION, seconds_max=seconds_max, what="the audit"
        )
        before = _state(client, epic, job)

    assert _FIRST_LINE in before["log"]
    assert before["item"]["job"]["result"]["slowest"] == "PEP 649"
    assert follower.seqs == list(range(follower.seqs[0], follower.seqs[0] + len(follower.seqs)))
    assert _opening_for_others(server.data_dir) == set()
    assert server.stop() == 0

    record_property("second_start_seconds", round(server.start(), 2))

    with log_in(server.url, tenant_id=tenant["id"]) as client:
        assert _state(client, epic, job) == before
        verified = client.post("/audit-verifications")
        assert verified["holds"], verified


def _import_backlog(client: Client) -> dict[str, Any]:
    project = client.post("/projects", {"key": "PEP", "name": "Python proposals"})
    backlog = (STORY / "backlog.csv").read_bytes()
    report = client.upload(f"/projects/{project['id']}/imports", backlog)
    assert report["rows_created"] == 80
    items = client.pages("/work-items", project_id=project["id"])
    return next(item for item in items if item["title"] == "Python 3.14")


def _start_report(client: Client, epic: dict[str, Any]) -> dict[str, Any]:
    content = (STORY / "report.py").read_text()
    script = {"path": "proposals/report", "language": "python", "content": content}
    client.post("/scripts", script)
    args = {"data": (STORY / "peps.csv").read_text(), "python_version": "3.14"}
    body = {"script_path": script["path"], "args": args, "work_item_id": epic["id"]}
    return dict(client.post("/jobs", body))


def _state(client: Client, epic: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """Return what must be the same after a restart."""
    return {
        "item": client.get(f"/work-items/{epic['id']}"),
        "items": [item["id"] for item in client.pages("/work-items")],
        "activity": client.get(f"/work-items/{epic['id']}/activity", limit=200)["items"],
        "job": client.get(f"/jobs/{job['id']}"),
        "log": client.get(f"/jobs/{job['id']}/logs")["text"],
        "actions": _actions(client),
    }


def _actions(client: Client) -> set[str]:
    return {line["action"] for line in client.pages("/audit-events")}


def _opening_for_others(data: Path) -> set[str]:
    """Return what others than its owner may read of all that an installation has written."""
    workers = data / "run" / "workers"
    found = [data, *(path for path in data.rglob("*") if workers not in path.parents)]
    names = {str(path.relative_to(data)) for path in found}
    assert {"control.db", "jobs.db", "tenants", "logs"} <= names
    assert any((data / "logs").rglob("*.*")), "a log was written"
    return {str(path) for path in found if _opens_for_others(path)}


def _opens_for_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077)
    except FileNotFoundError:  # Journals come and go.
        return False


def _shows_a_finished_job(messages: Sequence[dict[str, Any]], item_id: str) -> bool:
    return any(
        item_id in json.dumps(message)
        and message.get("header", {}).get("type") == "WorkItemUpdated"
        and "succeeded" in json.dumps(message)
        for message in list(messages)
    )
