"""A job that reads a secret: by the server that runs it, behind the walls, unseen in its log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import TIDEMILL, Server
from tests.fixtures.waiting import wait_until

WORD = "high tide at noon"
READS = f"""
import json
from tidemill import context

def main(fail: bool):
    word = context.get_variable("mail/password")
    print("in one piece:", word, flush=True)
    print(word[:5], end="", flush=True)
    print(word[5:])
    print("plain:", context.get_variable("harbour/station"))
    if fail:
        raise ValueError("refused: " + word)
    return word == {WORD!r}
"""

BOB = "bob@example.org"
PASSWORDS = ("correct tide table", "another tide table")
SECRET = "$var:mail/password"
ASKS = """
import json, os, urllib.error, urllib.request

def main():
    try:
        urllib.request.urlopen(os.environ["TIDEMILL_URL"] + "/api/v1/members").read()
    except urllib.error.HTTPError as error:
        return [error.code, json.load(error)["error"]["code"]]
    return [200, None]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if sys.platform != "linux":
        pytest.skip("the walls are made of Linux's namespaces")
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with log_in(server.url) as client:
        client.put("/variables/mail/password", {"value": WORD, "is_secret": True})
        client.put("/variables/harbour/station", {"value": "west pier"})
        client.post("/scripts", {"path": "reads", "language": "python", "content": READS})
        yield client


def test_secrets_integration_a_job_reads_them_and_its_log_does_not_show_them(
    client: Client,
) -> None:
    ended = client.finished(
        client.post("/jobs", {"script_path": "reads", "args": {"fail": False}})["id"]
    )

    assert (ended["error"], ended["result"]) == (None, True)
    log = client.get(f"/jobs/{ended['id']}/logs")["text"]
    assert "in one piece: [redacted]\n[redacted]\nplain: west pier" in log

    # The chain takes a line up a moment after its commit.
    wait_until(
        lambda: any(ended["id"] in str(line) for line in _readings(client)),
        seconds_max=60,
        what="the reading in the audit log",
    )
    assert {line["resource"] for line in _readings(client)} == {"variable:mail/password"}


def _readings(client: Client) -> list[dict[str, Any]]:
    events = client.pages("/audit-events")
    return [line for line in events if line["action"] == "jobs.secrets.read"]


def test_secrets_integration_an_error_does_not_show_them(client: Client) -> None:
    ended = client.finished(
        client.post("/jobs", {"script_path": "reads", "args": {"fail": True}})["id"]
    )

    assert ended["state"] == "failed"
    assert "refused: [redacted]" in ended["error"]["message"]
    assert WORD not in str(ended)


def test_references_integration_in_arguments_are_resolved_when_the_job_starts(
    client: Client,
) -> None:
    value = {"base_url": "https://tides.test", "token": "$var:mail/password"}
    client.put("/resources/tides", {"type": "http", "value": value})
    content = "def main(api: dict, pier: int):\n    print(api)\n    return len(api['token'])\n"
    client.post("/scripts", {"path": "calls", "language": "python", "content": content})

    client.put("/resources/ebb", {"type": "http", "value": value})

    def job(api: str, **fields: object) -> str:
        body = {"script_path": "calls", "args": {"api": api, "pier": 1}, **fields}
        return str(client.post("/jobs", body)["id"])

    waits = job("$res:ebb", run_at="2100-01-01T00:00:00Z")
    client.delete("/resources/ebb")
    client.post(f"/jobs/{waits}/run-now")
    refused = client.ask(
        "POST", "/jobs", json={"script_path": "calls", "args": {"api": "$res:tide", "pier": 1}}
    )
    ended, lost = client.finished(job("$res:tides")), client.finished(waits)

    assert refused.json()["error"]["param"] == "args.api"
    assert refused.json()["error"]["message"].endswith("Did you mean $res:tides?")

    assert (ended["error"], ended["result"]) == (None, len(WORD))
    log = client.get(f"/jobs/{ended['id']}/logs")["text"]
    assert "{'base_url': 'https://tides.test', 'token': '[redacted]'}" in log
    kept = client.get(f"/jobs/{ended['id']}")["args"]
    assert kept == {"api": "$res:tides", "pier": 1}, "the queue keeps the reference only"
    assert lost["error"]["type"] == "ReferencesRefused"
    assert lost["error"]["message"] == "$res:ebb: there is no such resource."


def test_jobs_integration_put_off_before_a_new_password_have_no_rights_after_it(
    client: Client, server: Server
) -> None:
    """Whoever steals a session cannot leave a job behind that acts when the session is over."""
    invited = client.post("/invitations", {"role": "admin", "email": BOB})
    person = {"email": BOB, "name": "Bob", "password": PASSWORDS[0], "token": invited["token"]}
    with Client(server.url) as nobody:
        entry = nobody.post("/auth/registrations", person)
    with Client(server.url, entry["access_token"]) as bob:
        later = {"run_at": "2100-01-01T00:00:00Z", "language": "python"}
        asks = bob.post("/jobs", {**later, "content": ASKS})["id"]
        reads = {"content": "def main(word):\n    return word\n", "args": {"word": SECRET}}
        refers = bob.post("/jobs", {**later, **reads})["id"]
        current, new = PASSWORDS
        entry = bob.put("/auth/password", {"current_password": current, "new_password": new})
    with Client(server.url, entry["access_token"]) as bob:
        fresh = bob.finished(bob.post("/jobs", {"language": "python", "content": ASKS})["id"])

    for job in (asks, refers):
        client.post(f"/jobs/{job}/run-now")
    asked, referred = client.finished(asks), client.finished(refers)

    assert fresh["result"] == [200, None]
    assert asked["result"] == [401, "JOB_RIGHTS_ENDED"], "it runs, and may ask for nothing"
    assert referred["error"]["type"] == "ReferencesRefused"
    assert "new password" in referred["error"]["message"]


@pytest.mark.full(reason="a dozen commands take 5 s of CPU; each has its tests")
def test_variables_integration_by_the_command_line(server: Server) -> None:
    with log_in(server.url) as owner:
        tenant = owner.post("/tenants", {"name": "Crew", "slug": "crew"})
    with log_in(server.url, tenant_id=tenant["id"]) as client:
        environment = server.environment(TIDEMILL_URL=server.url, TIDEMILL_TOKEN=client.token or "")

        def run(*words: str, given: str = "") -> str:
            command = [TIDEMILL, *words]
            done = subprocess.run(
                command, env=environment, input=given, capture_output=True, text=True, check=True
            )
            return done.stdout

        made = run("variables", "set", "mail/password", "--secret", given=f"{WORD}\n")
        listed = run("variables", "list")
        read = run("variables", "get", "mail/password")
        rotated = run("secrets", "rotate", "--renew")
        after = run("variables", "get", "mail/password")
        value = '{"host": "mail.test", "password": "$var:mail/password"}'
        kept = run("resources", "set", "mail", "smtp", value)
        written = json.loads(run("resources", "get", "mail"))
        resolved = json.loads(run("resources", "get", "mail", "--resolved"))
        types = run("resources", "types")
        run("resources", "delete", "mail")
        run("variables", "delete", "mail/password")
        empty = run("variables", "list")

    assert made == "The secret mail/password is at version 1.\n"
    assert "mail/password" in listed
    assert WORD not in listed
    assert (read, after) == (f"{WORD}\n", f"{WORD}\n")
    assert rotated == "Sealed anew: 0 keys, 1 secrets.\n"
    assert kept == "The resource mail is at version 1.\n"
    assert (written["password"], resolved["password"]) == ("$var:mail/password", WORD)
    assert "smtp" in types
    assert empty.startswith("No variables yet")
