"""The first story, by plain HTTP against a running Tidemill: see README.md beside this file.

Only the standard library is needed, so that each step shows the request that it makes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).parent
URL = os.environ.get("TIDEMILL_URL", "http://127.0.0.1:3000").rstrip("/")
SECONDS_MAX = 60


class Tidemill:
    """A connection to the API; every request carries the token."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token

    def ask(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """Return the JSON that a request answers; end the story with what an error says."""
        with self.open(method, path, body, **query) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def open(
        self, method: str, path: str, body: object = None, **query: object
    ) -> contextlib.closing[IO[bytes]]:
        """Send a request and return its answer, unread; `bytes` go as CSV, the rest as JSON."""
        url = f"{URL}/api/v1{path}"
        if query:
            url += f"?{urllib.parse.urlencode(query)}"
        is_csv = isinstance(body, bytes)
        data = body if isinstance(body, bytes) else None
        if body is not None and data is None:
            data = json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)  # noqa: S310
        request.add_header("Content-Type", "text/csv" if is_csv else "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            return contextlib.closing(
                urllib.request.urlopen(request, timeout=SECONDS_MAX)  # noqa: S310
            )
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path} answered {error.code}: {error.read().decode()}")
        except urllib.error.URLError as error:
            sys.exit(f"{URL} does not answer ({error.reason}). Start it with: make run")


def log_in() -> Tidemill:
    """Return a connection: by an API token, or as the owner in a tenant made for this story."""
    if token := os.environ.get("TIDEMILL_TOKEN"):
        return Tidemill(token)
    try:
        who = {
            "email": os.environ["TIDEMILL_OWNER_EMAIL"],
            "password": os.environ["TIDEMILL_OWNER_PASSWORD"],
        }
    except KeyError as missing:
        sys.exit(f"Set {missing} (and the other of the two), or TIDEMILL_TOKEN.")
    owner = Tidemill()
    owner.token = owner.ask("POST", "/auth/login", who)["access_token"]
    slug = f"first-story-{time.time_ns():x}"
    tenant = owner.ask("POST", "/tenants", {"name": "First story", "slug": slug})
    print(f"Made the tenant {slug}.")
    login = owner.ask("POST", "/auth/login", {**who, "tenant_id": tenant["id"]})
    return Tidemill(login["access_token"])


def make_project(tidemill: Tidemill) -> dict[str, Any]:
    """Make the project PEP and import the backlog, or take up what an earlier story left."""
    known = tidemill.ask("GET", "/projects", limit=200)["items"]
    project = next((project for project in known if project["key"] == "PEP"), None)
    if project is None:
        project = tidemill.ask("POST", "/projects", {"key": "PEP", "name": "Python proposals"})
    backlog = (HERE / "backlog.csv").read_bytes()
    report = tidemill.ask("POST", f"/projects/{project['id']}/imports", backlog)
    print(
        f"Imported {report['rows_created']} of {report['rows_total']} rows; "
        f"{report['rows_already_imported']} were there before."
    )
    return dict(project)


def find_epic(tidemill: Tidemill, project: dict[str, Any], title: str) -> dict[str, Any]:
    """Return the epic with this title."""
    epics = tidemill.ask(
        "GET", "/work-items", project_id=project["id"], item_type="epic", limit=200
    )
    return next(dict(epic) for epic in epics["items"] if epic["title"] == title)


def run_report(tidemill: Tidemill, item: dict[str, Any]) -> dict[str, Any]:
    """Deploy the script, start it for `item`, print its log and return the finished job."""
    script = {
        "path": "proposals/report",
        "language": "python",
        "content": (HERE / "report.py").read_text(),
    }
    tidemill.ask("POST", "/scripts", script)
    args = {"data": (HERE / "peps.csv").read_text(), "python_version": "3.14"}
    job = tidemill.ask(
        "POST",
        "/jobs",
        {"script_path": script["path"], "args": args, "work_item_id": item["id"]},
    )
    print(f"Started job {job['id']} for {item['key']}.")
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        result = tidemill.ask("GET", f"/jobs/{job['id']}/result", wait=10)
        if result["finished"]:
            return dict(result)
    sys.exit(f"The job did not end within {SECONDS_MAX} s; see GET /api/v1/workers.")


class Watcher(threading.Thread):
    """Prints what happens in a project, live, until the item shows a finished job."""

    def __init__(self, tidemill: Tidemill, project: dict[str, Any], item_id: str) -> None:
        super().__init__(daemon=True)
        self._stream = tidemill.open("GET", "/events", topics=f"project:{project['id']}")
        self._item_id = item_id
        self.is_done = threading.Event()

    def run(self) -> None:
        """Read the stream."""
        with self._stream as stream:
            for name, data in events(stream):
                if name == "fact" and data["type"].startswith("WorkItem"):
                    self._tell(data["type"], data["data"])

    def _tell(self, kind: str, fact: dict[str, Any]) -> None:
        item = fact.get("work_item") or {}
        changes = ", ".join(
            f"{change['field_name']} → {change['new_value']}" for change in fact.get("changes", ())
        )
        print(f"  live: {kind} {item.get('key', '')} {changes}"[:160])
        job = item.get("job") or {}
        if item.get("id") == self._item_id and job.get("finished_at"):
            self.is_done.set()


def events(stream: IO[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the data of each server-sent event."""
    name, data = "message", ""
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line:
            if data:
                yield name, json.loads(data)
            name, data = "message", ""


def who(actor: dict[str, Any] | None, names: dict[str, str]) -> str:
    """Return who acted: a member's e-mail address, or what it is that has none."""
    if actor is None:
        return "somebody"
    return names.get(actor["user_id"] or actor["id"]) or f"{actor['kind']}:{actor['id'][-12:]}"


def main() -> None:
    """Tell the story."""
    tidemill = log_in()
    project = make_project(tidemill)
    epic = find_epic(tidemill, project, "Python 3.14")
    watcher = Watcher(tidemill, project, epic["id"])
    watcher.start()
    finished = run_report(tidemill, epic)
    if not watcher.is_done.wait(SECONDS_MAX):
        sys.exit(f"The item did not hear of its job: {finished}")
    log = tidemill.ask("GET", f"/jobs/{finished['id']}/logs")
    print(f"The job printed {len(log['text'].splitlines())} lines; the first is:")
    print(f"  {log['text'].splitlines()[0]}")
    item = tidemill.ask("GET", f"/work-items/{epic['key']}")
    print(f"{item['key']} {item['title']}: job {item['job']['state']}")
    print(json.dumps(item["job"]["result"], indent=2))
    print("Who did what:")
    members = tidemill.ask("GET", "/members", limit=200)["items"]
    names = {member["user_id"]: member["email"] for member in members}
    for line in tidemill.ask("GET", "/audit-events", limit=10)["items"]:
        print(f"  {line['at']} {who(line['actor'], names)} {line['action']} {line['resource']}")
    if item["job"]["state"] != "succeeded":
        sys.exit(1)


if __name__ == "__main__":
    main()
