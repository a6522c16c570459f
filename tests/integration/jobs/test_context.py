"""What scripts ask of the server that runs them, in each language, behind the walls."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import Server

DOUBLE = "def main(number: int) -> int:\n    return number * 2\n"
SCRIPTS = {
    "python": """
from tidemill import context

def main():
    context.progress(40, 'half the "way"')
    context.metric("rows", 12.5)
    runs = (context.get_state() or {"runs": 0})["runs"] + 1
    context.set_state({"runs": runs})
    return {"runs": runs, "id": context.job_id(), "child": context.run_job("double", {"number": 4})}
""",
    "typescript": """
import { getState, jobId, metric, progress, runJob, setState } from "tidemill";

export async function main() {
  await progress(40, 'half the "way"');
  await metric("rows", 12.5);
  const runs = ((await getState<{ runs: number }>()) ?? { runs: 0 }).runs + 1;
  await setState({ runs });
  return { runs, id: jobId, child: await runJob<number>("double", { number: 4 }) };
}
""",
    "bash": """
tidemill_progress 40 'half the "way"'
tidemill_metric rows 12.5
state=$(tidemill_get_state)
case "$state" in *'"runs":1'*) runs=2 ;; *) runs=1 ;; esac
tidemill_set_state "{\\"runs\\":$runs}"
tidemill_log WARNING "run $runs"
echo "{\\"runs\\": $runs, \\"id\\": \\"$TIDEMILL_JOB_ID\\", \\"child\\": 8}"
""",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    if sys.platform != "linux":
        pytest.skip("the walls are made of Linux's namespaces")
    with Server() as server, log_in(server.url) as client:
        client.post("/scripts", {"path": "double", "language": "python", "content": DOUBLE})
        for language in SCRIPTS:
            _deploy(client, f"told/{language}", language)
        yield client


@pytest.mark.parametrize("language", sorted(SCRIPTS))
def test_context_integration_tells_progress_and_keeps_state(client: Client, language: str) -> None:
    first = _run(client, language)
    second = _run(client, language)

    assert first["error"] is None
    assert first["result"] == {"runs": 1, "id": first["id"], "child": 8}
    assert second["result"]["runs"] == 2
    progress = client.get(f"/jobs/{first['id']}/progress")
    assert (progress["percent"], progress["text"]) == (40.0, 'half the "way"')
    assert client.get(f"/jobs/{first['id']}/metrics") == {"values": {"rows": 12.5}}
    kept = client.ask("GET", "/script-states", params={"path": f"told/{language}"}).json()
    assert kept["value"] == {"runs": 2}


def test_context_integration_bash_logs_with_time_and_level(client: Client) -> None:
    body = {"language": "bash", "content": "tidemill_log WARNING high tide"}
    ended = client.finished(client.post("/jobs", body)["id"])

    log = client.get(f"/jobs/{ended['id']}/logs")["text"]
    assert log.endswith("Z WARNING high tide\n")


def test_context_integration_nobody_else_says_how_far_a_job_is(client: Client) -> None:
    body = {"language": "bash", "content": "true"}
    ended = client.finished(client.post("/jobs", body)["id"])

    answer = client.ask("PUT", f"/jobs/{ended['id']}/progress", json={"percent": 99})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PROGRESS_NOT_OWN")


def test_context_integration_a_state_has_a_limit(client: Client) -> None:
    body = {"value": "x" * 70_000}

    answer = client.ask("PUT", "/script-states", params={"path": "told/bash"}, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "STATE_TOO_LARGE")


def test_rows_integration_too_many_for_a_result_are_read_page_by_page(client: Client) -> None:
    content = (
        "-- $database (sqlite)\nWITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n"
        " WHERE x < 1500) SELECT x FROM n"
    )
    few = client.post("/jobs", {"language": "sql", "content": "-- $database (sqlite)\nSELECT 1"})
    job = client.post("/jobs", {"language": "sql", "content": content})
    ended = client.finished(job["id"])
    client.finished(few["id"])

    rows = [row["x"] for row in client.pages(f"/jobs/{job['id']}/rows")]

    assert ended["result"]["truncated"] is True
    assert rows == list(range(1, 1501))
    answer = client.ask("GET", f"/jobs/{few['id']}/rows")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ROWS_NOT_FOUND")


def _deploy(client: Client, path: str, language: str) -> None:
    body = {"path": path, "language": language, "content": SCRIPTS[language]}
    client.post("/scripts", body)


def _run(client: Client, language: str) -> dict[str, Any]:
    job = client.post("/jobs", {"script_path": f"told/{language}"})
    return client.finished(job["id"])


def test_create_job_integration_streams_log_progress_and_result(client: Client) -> None:
    _deploy(client, "streamed", "bash")  # Its state is nobody else's.
    body = {"script_path": "streamed"}
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {client.token}"}
    url = f"{client.url}/api/v1/jobs"
    with httpx.stream("POST", url, json=body, headers=headers, timeout=60) as answer:
        events = _events(answer)

    assert answer.status_code == 201
    names = [name for name, _ in events]
    assert (names[0], names[-1]) == ("job", "result")
    assert set(names) == {"job", "log", "progress", "result"}
    by_name = dict(events)
    assert by_name["job"]["script_path"] == "streamed"
    printed = "".join(data["text"] for name, data in events if name == "log")
    assert "WARNING run 1\n" in printed
    assert by_name["progress"]["percent"] == 40.0
    assert by_name["result"]["state"] == "succeeded"
    assert by_name["result"]["result"]["id"] == by_name["job"]["id"]


def test_create_job_integration_waits_for_the_result(client: Client) -> None:
    body = {"script_path": "double", "args": {"number": 4}}

    waited = client.post("/jobs", body, params={"wait": 30})
    refused = client.ask("POST", "/jobs", json=body, params={"wait": 61})

    assert (waited["state"], waited["result"]) == ("succeeded", 8)
    assert refused.status_code == 400
    listed = client.get(f"/jobs/{waited['id']}/attempts")["items"]
    assert [(one["attempt"], one["outcome"]) for one in listed] == [(1, "succeeded")]
    assert listed[0]["peak_memory_bytes"] > 0


def _events(answer: httpx.Response) -> list[tuple[str, Any]]:
    blocks = "".join(answer.iter_text()).strip().split("\n\n")
    pairs = [block.split("\n", 1) for block in blocks]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in pairs
    ]


BEATING = """
import time
from tidemill import context
def main(beats: int) -> int:
    for _ in range(24):
        time.sleep(0.25)
        if beats:
            context.heartbeat()
    return beats
"""


@pytest.mark.parametrize(("beats", "state"), [(1, "succeeded"), (0, "timed_out")])
def test_context_integration_a_script_has_to_give_signs_of_life(
    client: Client, beats: int, state: str
) -> None:
    body = {"language": "python", "content": BEATING, "args": {"beats": beats}}
    limits = {"heartbeat_timeout_seconds": 5}
    ended = client.finished(client.post("/jobs", {**body, "limits": limits})["id"])

    assert ended["state"] == state
    assert (ended["error"] or {}).get("type") == (None if beats else "HeartbeatTimeout")
