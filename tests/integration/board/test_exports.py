"""Exports over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_export_project_writes_tables_and_calendars(client: httpx.AsyncClient) -> None:
    fields = {"project_id": "TM", "item_type": "task", "title": "=1+1", "due_date": "2026-03-31"}
    await client.post("/work-items", json=fields)
    path = "/projects/TM/export"

    table = await client.get(path)
    calendar = await client.get(path, params={"format": "ics", "filter": "is:open"})
    nothing = await client.get(path, params={"format": "ics", "filter": "is:done"})

    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="TM.csv"'
    assert ",'=1+1,task," in table.text
    assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "DTSTART;VALUE=DATE:20260331\r\n" in calendar.text
    assert "VEVENT" not in nothing.text
    assert nothing.text.endswith("END:VCALENDAR\r\n")
    document = await client.get(path, params={"format": "json"})
    assert document.headers["content-type"].startswith("application/json")
    assert document.headers["content-disposition"] == 'attachment; filename="TM.json"'
    assert [item["title"] for item in document.json()["items"]] == ["=1+1"]
    part = await client.get(path, params={"format": "json", "filter": "is:open"})
    assert (part.status_code, part.json()["error"]["code"]) == (400, "DOCUMENT_IS_WHOLE")
    assert (await client.get(path, params={"filter": "nothing:x"})).status_code == 400
    assert (await client.get("/projects/NO/export")).status_code == 404
