"""Workflows over HTTP."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

pytestmark = pytest.mark.anyio

_OWN: Final[dict[str, Any]] = {
    "statuses": [
        {"key": "ready", "name": "Ready", "category": "unstarted"},
        {"key": "doing", "name": "Doing", "category": "started", "color": "#0072B2"},
        {"key": "shipped", "name": "Shipped", "category": "done"},
    ],
    "transitions": [
        {"from": "ready", "to": ["doing"]},
        {
            "from": "doing",
            "to": ["shipped"],
            "guards": [{"type": "requires_field", "field": "points"}],
        },
    ],
}


_ADMIN: Final = {"Authorization": "Bearer admin"}


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


async def test_workflows_are_read_replaced_and_followed(client: httpx.AsyncClient) -> None:
    path = "/projects/TM/workflow"
    item = {"project_id": "TM", "item_type": "task", "title": "Read gauges", "status": "todo"}
    made = (await client.post("/work-items", json=item)).json()
    usual = await client.get(path)
    own = {**_OWN, "moves": {"todo": "doing"}}
    member = await client.put(path, json=own, headers={"Authorization": "Bearer stranger"})
    lost = await client.put(path, json=_OWN, headers=_ADMIN)
    first = {**_ADMIN, "If-Match": '"v1"'}
    once = {**first, "Idempotency-Key": "flows"}
    put, again = [await client.put(path, json=own, headers=once) for _ in range(2)]
    late = await client.put(path, json=own, headers=first)
    moved = (await client.get(f"/work-items/{made['key']}")).json()
    held = await client.patch(f"/work-items/{made['key']}", json={"status": "shipped"})
    points = {"status": "shipped", "points": 1}
    let = await client.patch(f"/work-items/{made['key']}", json=points)

    assert (usual.headers["etag"], usual.json()["is_default"]) == ('"v1"', True)
    assert usual.json()["transitions"][0] == {
        "from": "backlog", "to": ["todo", "in_progress", "cancelled"], "guards": [],
    }  # fmt: skip
    assert _code(member) == (403, "PROJECT_ROLE_NEEDED", None)
    assert _code(lost) == (409, "STATUS_IN_USE", "moves")
    assert (put.status_code, put.headers["etag"]) == (200, '"v2"')
    assert put.json()["statuses"][1] == {
        "key": "doing", "name": "Doing", "category": "started", "color": "#0072b2",
    }  # fmt: skip
    assert put.json()["transitions"][1] == _OWN["transitions"][1]
    assert (again.status_code, again.json()) == (200, put.json())
    assert _code(late) == (412, "VERSION_CHANGED", None)
    assert (moved["status"], moved["status_category"], moved["version"]) == ("doing", "started", 2)
    assert _code(held) == (422, "TRANSITION_GUARDED", "status")
    assert let.json()["status_category"] == "done"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"statuses": []}, "VALIDATION_FAILED", "statuses"),
        ({"statuses": [{"key": "a", "name": "A", "category": "gone"}]}, "VALIDATION_FAILED", None),
        ({"initial": "shipped"}, "INVALID_WORKFLOW", "initial"),
        ({"transitions": [{"from": "x", "to": []}]}, "INVALID_WORKFLOW", "transitions[0].from"),
        ({"version": 1}, "VALIDATION_FAILED", None),
    ],
)
async def test_workflows_refuse(
    client: httpx.AsyncClient, changes: dict[str, Any], code: str, param: str | None
) -> None:
    answer = await client.put("/projects/TM/workflow", json={**_OWN, **changes}, headers=_ADMIN)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == code
    assert param is None or answer.json()["error"]["param"] == param
