"""A trace goes from a request over the runs of its jobs to their children, over processes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.collector import Seen, collecting
from tests.fixtures.server import OWNER, Server

PARENT = """
import os, urllib.request, json

def main() -> str:
    child = {"language": "python", "content": "def main():\\n    raise ValueError('no')\\n"}
    request = urllib.request.Request(
        os.environ["TIDEMILL_URL"] + "/api/v1/jobs",
        data=json.dumps(child).encode(),
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request).read()
    return os.environ["TRACEPARENT"]
"""
INCOMING = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.full(reason="starts a server; parts of it are tested in one process")
def test_traces_lead_from_a_request_to_the_runs_of_children() -> None:
    """Q33: traces."""
    with collecting() as collector:
        environment = {
            **OWNER,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with Server(environment=environment) as server:
            client = log_in(server.url)
            job = client.post(
                "/jobs",
                {"language": "python", "content": PARENT},
                headers={"traceparent": INCOMING},
            )
            told = client.finished(job["id"])["result"]
            _, trace_id, caller, _ = INCOMING.split("-")
            spans = collector.wait(6, trace_id=trace_id)

    chain = _in_order(spans, caller)
    assert [(span.role, span.name) for span in chain] == 2 * [
        ("api", "POST /api/v1/jobs"),
        ("api", "enqueue"),
        ("worker", "job.run"),
    ]
    ran, child_ran = chain[2], chain[5]
    assert told == f"00-{ran.trace_id}-{ran.id}-01", "what the job's own code goes on from"
    assert (ran.failed, child_ran.failed) == (False, True)
    assert ran.attributes["tidemill.job.id"] == job["id"]


def _in_order(spans: Sequence[Seen], parent_id: str) -> list[Seen]:
    """Return the spans, each followed by its only child."""
    ordered: list[Seen] = []
    while found := [span for span in spans if span.parent_id == parent_id]:
        ordered += found
        parent_id = found[0].id
    return ordered
