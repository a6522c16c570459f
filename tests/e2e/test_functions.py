"""`tidemill up --app`: functions of the operator's own program, over HTTP."""

from __future__ import annotations

from typing import Any, Final

from tests.fixtures.client import Client, log_in
from tests.fixtures.library import ROOT
from tests.fixtures.server import OWNER, TIDEMILL, Server
from tests.fixtures.waiting import wait_until

MODULE: Final = "tests.fixtures.shop"
COMMAND: Final = (TIDEMILL, "up", "--app", MODULE)


def test_up_with_a_program_runs_its_functions() -> None:
    environment = {**OWNER, "PYTHONPATH": str(ROOT)}
    with Server(command=COMMAND, environment=environment) as server:
        client = log_in(server.url)
        wait_until(
            lambda: client.get("/functions")["items"], seconds_max=60, what="a registered function"
        )

        job = client.post("/jobs", {"function": f"{MODULE}:double", "args": {"number": 21}})
        assert client.finished(job["id"])["result"] == 42

        _functions_say_and_ask(client)
        _functions_get_what_arguments_refer_to(client)
        _functions_show_no_secret(client)


def _functions_say_and_ask(client: Client) -> None:
    """A function acts on the API with the rights of whoever started its job, and no more."""
    client.put("/variables/mail/host", {"value": "mail.example"})

    told = _run(client, "tell_from_a_thread")
    read = _run(client, "read_a_variable", path="mail/host")
    missing = _run(client, "read_a_variable", path="mail/prot")

    assert told["result"] == {"runs": 1, "child": 8}, told["error"]
    assert read["result"] == "mail.example"
    assert "mail/prot" in missing["error"]["message"]
    job = client.get(f"/jobs/{told['id']}")
    assert (job["progress"]["percent"], job["progress"]["text"]) == (25.0, "a quarter")
    assert job["metrics"] == {"rows": 13.0}
    kept = client.get("/function-states", name=f"{MODULE}:tell_from_a_thread")
    assert kept["value"] == 1
    other = client.ask("PUT", f"/jobs/{told['id']}/metrics", json={"values": {"rows": 1}})
    assert (other.status_code, other.json()["error"]["code"]) == (403, "METRICS_NOT_OWN")


def _functions_get_what_arguments_refer_to(client: Client) -> None:
    client.put("/variables/mail/where", {"value": "mail/host"})

    read = _run(client, "read_a_variable", path="$var:mail/where")
    call = {"function": f"{MODULE}:read_a_variable", "args": {"path": "$var:mail/none"}}
    missing = client.ask("POST", "/jobs", json=call)

    assert read["result"] == "mail.example"
    assert client.get(f"/jobs/{read['id']}")["args"] == {"path": "$var:mail/where"}
    assert missing.json()["error"]["param"] == "args.path"
    assert "mail/none" in missing.json()["error"]["message"]


def _functions_show_no_secret(client: Client) -> None:
    """Of a secret that a function reads, however it ends."""
    client.put("/variables/shop/key", {"value": "hunter-two", "is_secret": True})
    resource = {"type": "http", "value": {"base_url": "x", "token": "$var:shop/key"}}
    client.put("/resources/shop/api", resource)

    told = _run(client, "tell_secret", path="shop/key", fails=False)
    failed = _run(client, "tell_secret", path="shop/key", fails=True)
    asked = _run(client, "read_a_resource", path="shop/api")

    assert told["result"] == {"password": "[redacted]"}, told["error"]
    assert asked["result"] == {"base_url": "x", "token": "[redacted]"}, asked["error"]
    assert failed["error"]["message"] == "not with [redacted]"
    for job in (told, failed):
        log = client.get(f"/jobs/{job['id']}/logs")["text"]
        lines = ("printed [redacted]", "logged [redacted]", "INFO [redacted]")
        assert all(line in log for line in lines), log
        assert client.get(f"/jobs/{job['id']}/progress")["text"] == "told [redacted]"
        assert "hunter-two" not in f"{job}{log}"


def _run(client: Client, name: str, **args: object) -> dict[str, Any]:
    body = {"function": f"{MODULE}:{name}", "args": args, "attempts_max": 1}
    return client.finished(client.post("/jobs", body)["id"])


def test_up_with_a_program_that_is_missing_says_so() -> None:
    server = Server(command=(TIDEMILL, "up", "--app", "no_such_program"))
    server.start(wait=False)
    wait_until(lambda: not server.is_running, seconds_max=60, what="its end")

    assert server.stop() == 78
    assert "worker.app: The module no_such_program cannot be imported" in server.log
    assert "Traceback" not in server.log
