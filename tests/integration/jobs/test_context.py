"""What scripts ask of the server that runs them, in each language, behind the walls."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import Server

DOUBLE = "def main(number: int) -> int:\n    return number * 2\n"
SCRIPTS = {
    "python": """
from tidemill import context

def main():
    context.progress(40, 'half the "way"')
    runs = (context.get_state() or {"runs": 0})["runs"] + 1
    context.set_state({"runs": runs})
    return {"runs": runs, "id": context.job_id(), "child": context.run_job("double", {"number": 4})}
""",
    "typescript": """
import { getState, jobId, progress, runJob, setState } from "tidemill";

export async function main() {
  await progress(40, 'half the "way"');
  const runs = ((await getState<{ runs: number }>()) ?? { runs: 0 }).runs + 1;
  await setState({ runs });
  return { runs, id: jobId, child: await runJob<number>("double", { number: 4 }) };
}
""",
    "bash": """
tidemill_progress 40 'half the "way"'
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
        for language, content in SCRIPTS.items():
            body = {"path": f"told/{language}", "language": language, "content": content}
            client.post("/scripts", body)
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


def _run(client: Client, language: str) -> dict[str, Any]:
    job = client.post("/jobs", {"script_path": f"told/{language}"})
    return client.finished(job["id"])
