"""Bulk changes over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio
_PATH = "/work-items/batch"


async def test_bulk_routes_change_many_items_and_report_on_each(client: httpx.AsyncClient) -> None:
    for title in ("Sail", "Moor", "Row"):
        task = {"project_id": "TM", "item_type": "task", "title": title}
        await client.post("/work-items", json=task)
    body = {
        "ids": ["TM-1", "TM-2"],
        "changes": {"priority": "high", "due_date": "2026-03-31", "points": None},
    }
    once = {"Idempotency-Key": "one"}

    looked = await client.post(_PATH, json={**body, "dry_run": True}, headers=once)
    made = await client.post(_PATH, json=body, headers=once)
    again = await client.post(_PATH, json=body, headers=once)
    found = {"filter": "priority:high", "project_id": "TM", "time_zone": "Europe/Berlin"}
    archived = await client.post(_PATH, json={**found, "changes": {"archived": True}})

    assert (looked.status_code, looked.json()["status"]) == (200, "checked")
    assert made.json() == {**looked.json(), "status": "applied"}
    assert again.json() == made.json()
    assert made.json()["items"][0]["fields"] == ["priority", "due_date"]
    assert archived.json()["changed"] == 2
    assert (await client.get("/work-items/TM-1")).json()["archived_at"] is not None
    assert [one["key"] for one in (await client.get("/work-items")).json()["items"]] == ["TM-3"]


async def test_bulk_routes_refuse_what_is_unclear_or_too_much(client: httpx.AsyncClient) -> None:
    task = {"project_id": "TM", "item_type": "task", "title": "Sail"}
    await client.post("/work-items", json=task)
    high = {"changes": {"priority": "high"}}
    for body, param in (
        ({**high}, "ids"),
        ({"ids": ["TM-1"], "filter": "is:open", **high}, "ids"),
        ({"ids": ["TM-1"]}, "changes"),
        ({"ids": ["TM-1"], "changes": {}}, "changes"),
        ({"ids": ["TM-1"], "action": "delete", **high}, "changes"),
        ({"ids": ["TM-1"], "project_id": "TM", **high}, "project_id"),
        ({"ids": ["TM-1"], "changes": {"title": "One for all"}}, "changes.title"),
        ({"ids": ["TM-1"], "action": "rename", **high}, "action"),
        ({"ids": ["TM-1"] * 1_001, **high}, "ids"),
        ({"filter": "is:nothing", **high}, "filter"),
    ):
        answer = await client.post(_PATH, json=body)
        assert answer.status_code == 400, body
        assert answer.json()["error"]["param"] == param, answer.json()

    null = await client.post(_PATH, json={"ids": ["TM-1"], "changes": {"status": None}})

    assert null.status_code == 422
    assert null.json()["error"]["code"] == "BULK_CHANGE_REFUSED"
    [item] = null.json()["report"]["items"]
    assert item["error"]["code"] == "NULL_NOT_ALLOWED"
    assert (item["error"]["param"], item["outcome"]) == ("status", "refused")
