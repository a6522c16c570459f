"""Every operation of the API's document, with inputs made from the document itself.

No input makes the server fail, and each answer has a status, a type and a body that the document
tells of. Half of the requests name objects that exist, so that they reach past the look-up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import API_ROLE, Server

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "api" / "openapi.json"
examples_max: Final = 8
answer_seconds_max: Final = 20
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# It answers until the client leaves; tests/integration/events is about it.
_ENDLESS: Final = "/api/v1/events"

schema = schemathesis.openapi.from_path(str(DOCUMENT)).exclude(path=_ENDLESS)
_turn = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    limits = {"limits.logins_per_minute": "0", "limits.requests_per_minute": "0"}
    with Server(command=API_ROLE, settings=limits) as server:
        yield server


@pytest.fixture(scope="module")
def owner(server: Server) -> Iterator[Client]:
    """Log in; act by an API token, which no operation can end without knowing its id."""
    with log_in(server.url) as person:
        scopes = {"name": "schemathesis", "scopes": ["admin"], "expires_in_days": 1}
        token = person.post("/api-tokens", scopes)["token"]
    with Client(server.url, token) as client:
        yield client


@pytest.fixture
def known(owner: Client) -> dict[str, str]:
    """Make objects for this operation; return their ids by the names that inputs have."""
    key = f"T{next(_turn)}"
    project = owner.post("/projects", {"key": key, "name": "Tides"})
    item = owner.post(
        "/work-items", {"project_id": project["id"], "item_type": "task", "title": "Read gauges"}
    )
    content = "def main(number: int = 1) -> int:\n    return number\n"
    script = {"path": f"tides/{key}", "language": "python", "content": content}
    owner.post("/scripts", script)
    job = owner.post("/jobs", {"script_path": script["path"]})
    schedule = owner.post(
        "/schedules",
        {
            "path": f"tides/{key}",
            "script_path": script["path"],
            "trigger": {"every_seconds": 3_600},
        },
    )
    return {
        "project_id": project["id"],
        "item_id": item["id"],
        "work_item_id": item["id"],
        "job_id": job["id"],
        "path": script["path"],
        "script_path": script["path"],
        "schedule_id": schedule["id"],
        "key": "log.level",
    }


@schema.parametrize()
@settings(
    max_examples=examples_max,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_api_integration_answers_as_documented(
    case: Any, server: Server, owner: Client, known: dict[str, str]
) -> None:
    if next(_turn) % 2:
        _name_what_exists(case, known)
    response = case.call(
        base_url=server.url,
        headers={"Authorization": f"Bearer {owner.token}"},
        timeout=answer_seconds_max,
    )
    case.validate_response(response, checks=CHECKS)


def _name_what_exists(case: Any, known: dict[str, str]) -> None:
    if "wait" in (case.query or {}):
        case.query["wait"] = 0.2  # No worker runs: the job never ends.
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            for name in part.keys() & known.keys():
                part[name] = known[name]
