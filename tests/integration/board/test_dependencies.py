"""Dependencies over HTTP (R030, R035)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def keys(client: httpx.AsyncClient) -> list[str]:
    """Return the keys of four items of the project `TM`."""
    made = []
    for title in ("Dredge", "Moor", "Load", "Sail"):
        answer = await client.post(
            "/work-items", json={"project_id": "TM", "item_type": "task", "title": title}
        )
        made.append(answer.json()["key"])
    return made


async def _link(
    client: httpx.AsyncClient, blocking: str, blocked: str, **fields: Any
) -> httpx.Response:
    body = {"blocking_item_id": blocking, "blocked_item_id": blocked, **fields}
    return await client.post("/dependencies", json=body)


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


async def test_dependencies_routes_make_read_and_remove(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    """R030: /dependencies; R035: /work-items/{id}/dependencies."""
    made = await _link(client, "TM-1", "TM-2")
    path = f"/dependencies/{made.json()['id']}"
    read = await client.get(path)
    unchanged = await client.get(path, headers={"If-None-Match": read.headers["etag"]})
    of_item = await client.get("/work-items/TM-2/dependencies")
    listed = await client.get("/dependencies", params={"project_id": "TM"})
    blocked = await client.get("/work-items/TM-2")

    assert made.status_code == 201
    body = made.json()
    assert read.json() == body
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert of_item.json() == listed.json() == {"items": [body], "next_cursor": None}
    assert body["dependency_type"] == "blocks"
    assert body["blocking_item"]["status_category"] == "backlog"
    assert (body["blocking_item"]["key"], body["blocking_item"]["title"]) == ("TM-1", "Dredge")
    assert body["blocked_item_id"] == body["blocked_item"]["id"] == blocked.json()["id"]
    assert blocked.json()["blocked"] is True
    removed = await client.delete(path)
    assert removed.status_code == 204
    assert _code(await client.get(path)) == (404, "DEPENDENCY_NOT_FOUND", None)
    assert (await client.get("/work-items/TM-2")).json()["blocked"] is False


async def test_dependencies_routes_list_blocked_items(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    await _link(client, "TM-1", "TM-2")

    found = {
        wanted: [
            item["key"]
            for item in (
                await client.get("/work-items", params={"project_id": "TM", "blocked": wanted})
            ).json()["items"]
        ]
        for wanted in ("true", "false")
    }

    assert found == {"true": ["TM-2"], "false": ["TM-4", "TM-3", "TM-1"]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"blocked_item_id": "TM-1"}, (422, "SELF_DEPENDENCY", "blocked_item_id")),
        ({"blocked_item_id": "TM-99"}, (404, "WORK_ITEM_NOT_FOUND", "blocked_item_id")),
        ({"blocking_item_id": "XX-1"}, (404, "WORK_ITEM_NOT_FOUND", "blocking_item_id")),
        ({"dependency_type": "eats"}, (400, "VALIDATION_FAILED", "dependency_type")),
        ({"close": True}, (400, "CLOSE_NEEDS_DUPLICATE", "close")),
        ({"colour": "red"}, (400, "VALIDATION_FAILED", "colour")),
        ({"blocked_item_id": None}, (400, "VALIDATION_FAILED", "blocked_item_id")),
    ],
)
async def test_create_dependency_says_what_is_wrong_and_where(
    client: httpx.AsyncClient,
    keys: list[str],
    fields: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    body = {"blocking_item_id": "TM-1", "blocked_item_id": "TM-2", **fields}

    assert _code(await client.post("/dependencies", json=body)) == expected


async def test_create_dependency_explains_the_whole_way_round(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    await _link(client, "TM-1", "TM-2")
    await _link(client, "TM-2", "TM-3")

    refused = await _link(client, "TM-3", "TM-1")

    assert _code(refused) == (409, "DEPENDENCY_CYCLE", "blocked_item_id")
    way = "TM-3 blocks TM-1, which blocks TM-2, which blocks TM-3."
    assert way in refused.json()["error"]["message"]


async def test_create_dependency_once_with_an_idempotency_key(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    body = {"blocking_item_id": "TM-1", "blocked_item_id": "TM-2", "dependency_type": "duplicates"}
    answers = [
        await client.post("/dependencies", json=body, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    lists = [
        await client.post(
            "/dependencies/batch",
            json={"dependencies": [{"blocking_item_id": "TM-3", "blocked_item_id": "TM-4"}]},
            headers={"Idempotency-Key": "twice"},
        )
        for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert lists[0].json() == lists[1].json()
    assert len((await client.get("/dependencies")).json()["items"]) == 2


async def test_create_dependencies_takes_all_or_names_what_is_wrong(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    def link(blocking: str, blocked: str) -> dict[str, str]:
        return {"blocking_item_id": blocking, "blocked_item_id": blocked}

    circle = [link("TM-1", "TM-2"), link("TM-3", "TM-4"), link("TM-2", "TM-1")]
    refused = await client.post("/dependencies/batch", json={"dependencies": circle})
    unknown = await client.post(
        "/dependencies/batch", json={"dependencies": [circle[0], link("TM-2", "TM-77")]}
    )
    empty = await client.post("/dependencies/batch", json={"dependencies": []})
    made = await client.post("/dependencies/batch", json={"dependencies": circle[:2]})

    assert _code(refused) == (409, "DEPENDENCY_CYCLES", "dependencies[0]")
    told = refused.json()["error"]["message"]
    assert "dependencies[0]: TM-1 blocks TM-2; dependencies[2]: TM-2 blocks TM-1." in told
    assert _code(unknown) == (404, "WORK_ITEM_NOT_FOUND", "dependencies[1].blocked_item_id")
    assert _code(empty)[:2] == (400, "VALIDATION_FAILED")
    assert made.status_code == 201
    assert [each["blocking_item"]["key"] for each in made.json()["items"]] == ["TM-1", "TM-3"]


async def test_dependencies_routes_go_page_by_page(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    for blocked in ("TM-2", "TM-3", "TM-4"):
        await _link(client, "TM-1", blocked)

    for path in ("/dependencies", "/work-items/TM-1/dependencies"):
        query: dict[str, Any] = {"limit": 2, "dependency_type": "blocks"}
        first = (await client.get(path, params=query)).json()
        rest = (await client.get(path, params={**query, "cursor": first["next_cursor"]})).json()
        wrong = await client.get(path, params={"cursor": first["next_cursor"]})

        keys_seen = [row["blocked_item"]["key"] for row in (*first["items"], *rest["items"])]
        assert keys_seen == ["TM-4", "TM-3", "TM-2"]
        assert rest["next_cursor"] is None
        assert _code(wrong) == (400, "INVALID_CURSOR", "cursor")


async def test_critical_path_is_the_longest_chain_of_unfinished_items(
    client: httpx.AsyncClient, keys: list[str]
) -> None:
    path = "/projects/TM/critical-path"
    empty = (await client.get(path)).json()
    for blocking, blocked in (("TM-1", "TM-2"), ("TM-2", "TM-4"), ("TM-3", "TM-4")):
        await _link(client, blocking, blocked)

    whole = (await client.get(path)).json()
    first = (await client.get(path, params={"limit": 2})).json()
    rest = (await client.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    for status in ("todo", "done"):
        await client.patch("/work-items/TM-1", json={"status": status})
    later = (await client.get(path)).json()

    assert empty == {"length": 0, "weight": 0, "items": [], "next_cursor": None}
    assert (whole["length"], whole["weight"]) == (3, 3)
    assert [item["key"] for item in whole["items"]] == ["TM-1", "TM-2", "TM-4"]
    assert [*first["items"], *rest["items"]] == whole["items"]
    assert rest["next_cursor"] is None
    assert [item["key"] for item in later["items"]] == ["TM-2", "TM-4"]
    await client.patch("/work-items/TM-3", json={"points": 8})
    heavy = (await client.get(path)).json()
    assert (heavy["weight"], [item["key"] for item in heavy["items"]]) == (9, ["TM-3", "TM-4"])
    unknown = await client.get("/projects/NONE/critical-path")
    assert _code(unknown) == (404, "PROJECT_NOT_FOUND", None)
