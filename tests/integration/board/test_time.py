"""Time tracking over HTTP: timers, entries, reports, exports, and the time of jobs."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio

# 2026-03-02, a Monday, 9:00 UTC.
NINE: Final = 1_772_442_000
API: Final = "/api/v1"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("time")) as app:
        made = await app.owner.post(f"{API}/projects", json={"key": "TM", "name": "Tide"})
        assert made.status_code == 201
        yield app


@pytest.fixture
def owner(app: App) -> httpx.AsyncClient:
    return app.owner


async def an_item(owner: httpx.AsyncClient, title: str = "Read the tide tables") -> dict[str, Any]:
    body = {"project_id": "TM", "item_type": "task", "title": title}
    answer = await owner.post(f"{API}/work-items", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def an_entry(owner: httpx.AsyncClient, item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"work_item_id": item["id"], "started_at": NINE, "duration_seconds": 3_600, **fields}
    answer = await owner.post(f"{API}/time-entries", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_timer_story_of_start_switch_stop_and_discard(owner: httpx.AsyncClient) -> None:
    """R030, R034: `/timer` and `/work-items/{id}/time-entries`."""
    item, other = await an_item(owner), await an_item(owner)

    begun = await owner.post(
        f"{API}/timer",
        json={"work_item_id": item["key"], "description": "Reading"},
        headers={"Idempotency-Key": "start-1"},
    )
    again = await owner.post(
        f"{API}/timer",
        json={"work_item_id": item["key"], "description": "Reading"},
        headers={"Idempotency-Key": "start-1"},
    )
    switched = await owner.post(f"{API}/timer", json={"work_item_id": other["id"]})
    running = (await owner.get(f"{API}/timer")).json()["time_entry"]
    stopped = await owner.post(f"{API}/timer/stop")
    none = await owner.post(f"{API}/timer/stop")

    assert (begun.status_code, again.json()["id"]) == (201, begun.json()["id"])
    assert begun.json()["source"] == "timer"
    assert switched.json()["stopped_entry"]["id"] == begun.json()["id"]
    assert (running["work_item"]["key"], running["ended_at"]) == (other["key"], None)
    assert (stopped.status_code, stopped.json()["id"]) == (200, running["id"])
    assert error(none) == (409, "NO_TIMER_RUNNING", None)
    of_item = (await owner.get(f"{API}/work-items/{item['key']}/time-entries")).json()["items"]
    assert [each["id"] for each in of_item] == [begun.json()["id"]]
    assert of_item[0]["duration_seconds"] is not None

    await owner.post(f"{API}/timer", json={"work_item_id": item["id"]})
    assert (await owner.delete(f"{API}/timer")).status_code == 204
    assert (await owner.get(f"{API}/timer")).json() == {"time_entry": None}
    after = await owner.get(f"{API}/work-items/{item['id']}/time-entries")
    assert after.json()["items"] == of_item


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({}, 400, "TIMES_UNCLEAR", "started_at"),
        ({"started_at": NINE}, 400, "TIMES_UNCLEAR", "started_at"),
        ({"started_at": NINE, "date": "2026-03-02"}, 400, "TIMES_UNCLEAR", "duration_seconds"),
        (
            {"started_at": NINE, "ended_at": NINE + 1, "duration_seconds": 1},
            400,
            "TIMES_UNCLEAR",
            "duration_seconds",
        ),
        ({"started_at": -5, "ended_at": NINE}, 400, "VALIDATION_FAILED", "started_at"),
        ({"date": "2026-02-30", "duration_seconds": 5}, 400, "VALIDATION_FAILED", "date"),
        ({"started_at": NINE, "ended_at": NINE}, 422, "TIME_NOT_POSITIVE", "ended_at"),
        ({"started_at": NINE, "ended_at": NINE - 60}, 422, "TIME_NOT_POSITIVE", "ended_at"),
        ({"started_at": NINE, "duration_seconds": 0}, 422, "TIME_NOT_POSITIVE", "duration_seconds"),
        (
            {"started_at": NINE, "duration_seconds": 86_401},
            422,
            "TIME_TOO_LONG",
            "duration_seconds",
        ),
        ({"started_at": NINE, "ended_at": NINE + 90_000}, 422, "TIME_TOO_LONG", "ended_at"),
        ({"started_at": 5, "ended_at": 6}, 422, "TIME_TOO_OLD", "started_at"),
        ({"date": "2999-01-01", "duration_seconds": 5}, 422, "TIME_IN_FUTURE", "date"),
        (
            {"started_at": 2**39, "duration_seconds": 5},
            422,
            "TIME_IN_FUTURE",
            "started_at",
        ),
        (
            {"started_at": NINE, "duration_seconds": 5, "description": "x" * 2_001},
            400,
            "INVALID_TEXT",
            "description",
        ),
        (
            {"started_at": NINE, "duration_seconds": 5, "work_item_id": "TM-999"},
            404,
            "WORK_ITEM_NOT_FOUND",
            "work_item_id",
        ),
    ],
)
async def test_create_time_entry_names_what_is_wrong(
    owner: httpx.AsyncClient, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    item = await an_item(owner)
    answer = await owner.post(f"{API}/time-entries", json={"work_item_id": item["id"], **fields})

    assert error(answer) == (status, code, param)


async def test_time_entry_story_of_versions(owner: httpx.AsyncClient) -> None:
    item, other = await an_item(owner), await an_item(owner)
    entry = await an_entry(owner, item, description="Old")
    url = f"{API}/time-entries/{entry['id']}"
    read = await owner.get(url)

    unchanged = await owner.get(url, headers={"If-None-Match": read.headers["etag"]})
    changed = await owner.patch(
        url,
        json={"ended_at": NINE + 60, "description": None, "work_item_id": other["key"]},
        headers={"If-Match": read.headers["etag"]},
    )
    late = await owner.patch(url, json={"description": "x"}, headers={"If-Match": '"v1"'})
    stale = await owner.patch(url, json={"description": "x", "expected_version": 1})
    dated = await owner.patch(url, json={"date": "2026-03-01"})
    null = await owner.patch(url, json={"ended_at": None})
    kept = await owner.delete(url, headers={"If-Match": '"v1"'})
    gone = await owner.delete(url, headers={"If-Match": '"v3"'})

    assert (read.status_code, unchanged.status_code) == (200, 304)
    assert changed.status_code == 200, changed.text
    told = changed.json()
    assert (told["duration_seconds"], told["description"], told["version"]) == (60, None, 2)
    assert told["work_item"]["key"] == other["key"]
    assert error(late) == (412, "VERSION_CHANGED", None)
    assert error(stale) == (409, "TIME_ENTRY_CHANGED", "expected_version")
    assert (dated.json()["date"], dated.json()["duration_seconds"]) == ("2026-03-01", 60)
    assert error(null) == (400, "VALIDATION_FAILED", "ended_at")
    assert (kept.status_code, gone.status_code) == (412, 204)
    assert error(await owner.get(url)) == (404, "TIME_ENTRY_NOT_FOUND", None)


async def test_time_export_makes_formulas_harmless(owner: httpx.AsyncClient) -> None:
    item = await an_item(owner, title='=HYPERLINK("http://x")')
    await an_entry(owner, item, description="@SUM(A1)\nmore")
    await an_entry(owner, item, started_at=NINE + 7_200, description="plain, with comma")

    answer = await owner.get(f"{API}/time-entries/export", params={"work_item_id": item["key"]})

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["description"] for row in rows] == ["plain, with comma", "'@SUM(A1)\nmore"]
    assert {row["title"] for row in rows} == {'\'=HYPERLINK("http://x")'}
    assert rows[1]["started_at"].startswith("2026-03-02T09:00:00")
    assert [row["duration_seconds"] for row in rows] == ["3600", "3600"]


async def test_time_report_tells_exact_totals_and_exports_them(owner: httpx.AsyncClient) -> None:
    item, other = await an_item(owner), await an_item(owner)
    for seconds in (1, 59, 3_540):
        await an_entry(owner, item, started_at=1_704_067_200, duration_seconds=seconds)
    await an_entry(owner, other, started_at=1_704_067_200 + 86_400, duration_seconds=7)
    query = {"from": "2024-01-01", "to": "2024-01-31", "group_by": "item,day", "time_zone": "UTC"}

    first = (await owner.get(f"{API}/time-reports", params={**query, "limit": 1})).json()
    cursor = first["next_cursor"]
    last = await owner.get(f"{API}/time-reports", params={**query, "limit": 1, "cursor": cursor})
    exported = await owner.get(f"{API}/time-reports/export", params=query)
    west = (
        await owner.get(
            f"{API}/time-reports",
            params={**query, "from": "2023-12-31", "group_by": "day", "time_zone": "America/Lima"},
        )
    ).json()

    assert (first["entries"], first["seconds"]) == (4, 3_607)
    assert [first["items"][0]["seconds"], last.json()["items"][0]["seconds"]] == [3_600, 7]
    assert first["items"][0]["work_item"]["key"] == item["key"]
    assert last.json()["next_cursor"] is None
    assert exported.text.splitlines() == [
        "work_item,title,day,entries,seconds",
        f"{item['key']},Read the tide tables,2024-01-01,3,3600",
        f"{other['key']},Read the tide tables,2024-01-02,1,7",
    ]
    assert [(each["day"], each["seconds"]) for each in west["items"]] == [
        ("2023-12-31", 3_600),
        ("2024-01-01", 7),
    ]


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ({"group_by": "colour"}, "INVALID_GROUPING", "group_by"),
        ({"group_by": "day,day"}, "INVALID_GROUPING", "group_by"),
        ({"time_zone": "Mars/Olympus"}, "UNKNOWN_TIME_ZONE", "time_zone"),
        ({"time_zone": "../etc/passwd"}, "UNKNOWN_TIME_ZONE", "time_zone"),
        ({"from": "2026-02-01", "to": "2026-01-31"}, "INVALID_PERIOD", "to"),
        ({"from": "2001-01-01", "to": "2026-01-31"}, "INVALID_PERIOD", "to"),
        ({"from": "yesterday"}, "VALIDATION_FAILED", "from"),
        ({"user_id": "no\x00body"}, "VALIDATION_FAILED", "user_id"),
        ({"cursor": "nonsense"}, "INVALID_CURSOR", "cursor"),
    ],
)
async def test_time_report_names_what_is_wrong(
    owner: httpx.AsyncClient, query: dict[str, str], code: str, param: str
) -> None:
    answer = await owner.get(f"{API}/time-reports", params=query)

    assert error(answer) == (400, code, param)


async def test_time_settings_say_whether_jobs_are_booked(owner: httpx.AsyncClient) -> None:
    url = f"{API}/projects/TM/time-settings"
    before = await owner.get(url)
    put = await owner.put(url, json={"books_jobs": True}, headers={"If-Match": '"v0"'})
    late = await owner.put(url, json={"books_jobs": False}, headers={"If-Match": '"v0"'})

    assert (before.json()["books_jobs"], before.headers["etag"]) == (False, '"v0"')
    assert (put.json()["books_jobs"], put.json()["version"]) == (True, 1)
    assert put.json()["updated_at"] <= time.time()
    assert late.status_code == 412
    missing = await owner.get(f"{API}/projects/NO/time-settings")
    assert error(missing) == (404, "PROJECT_NOT_FOUND", None)


async def test_estimate_story_of_an_item(owner: httpx.AsyncClient) -> None:
    """An estimate is a field like any other: with a version, a history, and bounds."""
    item = await an_item(owner)
    url = f"{API}/work-items/{item['id']}"

    put = await owner.patch(url, json={"estimate_seconds": 7_200})
    wrong = await owner.patch(url, json={"estimate_seconds": -1})
    read = (await owner.get(url)).json()
    emptied = await owner.patch(url, json={"estimate_seconds": None})
    made = await owner.post(
        f"{API}/work-items",
        json={"project_id": "TM", "item_type": "task", "title": "x", "estimate_seconds": 60},
    )
    history = (await owner.get(f"{url}/activity")).json()["items"]

    assert item["estimate_seconds"] is None
    assert (put.status_code, read["estimate_seconds"], read["version"]) == (200, 7_200, 2)
    assert error(wrong) == (400, "VALIDATION_FAILED", "estimate_seconds")
    assert (emptied.json()["estimate_seconds"], made.json()["estimate_seconds"]) == (None, 60)
    changed = [each for each in history if each["field"] == "estimate_seconds"]
    assert [(each["old_value"], each["new_value"]) for each in changed] == [
        ("7200", None),
        (None, "7200"),
    ]
