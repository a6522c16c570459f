"""The board over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fixtures.board import BoardWorld

pytestmark = pytest.mark.anyio
_CSV = b"id,title,type\n1,Season,epic\n2,Sail,whale\n"


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def _an_item(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    body = {"project_id": "TM", "item_type": "story", "title": "Read the tide tables", **fields}
    answer = await client.post("/work-items", json=body)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def test_create_work_item_answers_201_with_the_fields_that_are_fixed(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    """R037, R039, R041."""
    ada = await world.a_person("Ada")
    before = world.clock.now() // 1_000_000

    answer = await client.post(
        "/work-items",
        json={
            "project_id": "TM",
            "item_type": "story",
            "title": "Read the tide tables",
            "description": "Both harbours",
            "assignee_id": ada,
        },
    )

    assert answer.status_code == 201
    assert answer.headers["etag"].startswith('"v1.')
    item = answer.json()
    assert item["assignee"] == {"id": ada, "name": "Ada", "avatar": None}
    assert item["sprint"] is None
    assert item["job"] is None
    assert (item["key"], item["version"], item["status"]) == ("TM-1", 1, "backlog")
    for instant in ("created_at", "updated_at"):
        assert isinstance(item[instant], int)
        assert before <= item[instant] <= world.clock.now() // 1_000_000


async def test_create_work_item_ignores_no_field_and_takes_no_tenant(
    client: httpx.AsyncClient,
) -> None:
    """R038, R042: what is unknown is refused by name."""
    for field in ("tenant_id", "created_by", "colour"):
        answer = await client.post(
            "/work-items",
            json={"project_id": "TM", "item_type": "task", "title": "x", field: "y"},
        )
        assert _code(answer) == (400, "VALIDATION_FAILED", field)


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"item_type": "project"}, 400, "NOT_OF_PROJECTS", "project_id"),
        ({"item_type": "saga"}, 400, "UNKNOWN_ITEM_TYPE", "item_type"),
        ({"project_key": "XX"}, 400, "NOT_OF_ITEMS", "project_key"),
        ({"title": " "}, 400, "INVALID_TEXT", "title"),
        ({"title": "x" * 201}, 400, "INVALID_TEXT", "title"),
        ({"title": "a\0b"}, 400, "VALIDATION_FAILED", "title"),
        ({"description": "x" * 10_001}, 400, "INVALID_TEXT", "description"),
        ({"status": "sunk"}, 400, "UNKNOWN_STATUS", "status"),
        ({"project_id": None}, 400, "PROJECT_MISSING", "project_id"),
        ({"project_id": "XX"}, 404, "PROJECT_NOT_FOUND", "project_id"),
        ({"project_id": "a\0b"}, 400, "VALIDATION_FAILED", "project_id"),
        ({"parent_id": "TM-99"}, 404, "WORK_ITEM_NOT_FOUND", "parent_id"),
        ({"assignee_id": "nobody"}, 422, "ASSIGNEE_NOT_MEMBER", "assignee_id"),
    ],
)
async def test_create_work_item_says_what_is_wrong_and_where(
    client: httpx.AsyncClient, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    body = {"project_id": "TM", "item_type": "task", "title": "Sail", **fields}

    answer = await client.post("/work-items", json=body)

    assert _code(answer) == (status, code, param)


async def test_change_work_item_by_put_and_patch_tells_absent_from_null(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    """R032, R040."""
    ada = await world.a_person("Ada")
    item = await _an_item(client, assignee_id=ada, description="Old")

    put = await client.put(f"/work-items/{item['id']}", json={"status": "todo"})
    patched = await client.patch(f"/work-items/{item['key']}", json={"assignee_id": None})

    assert (put.status_code, patched.status_code) == (200, 200)
    assert put.json()["assignee"]["name"] == "Ada"
    final = patched.json()
    assert (final["assignee"], final["description"], final["status"]) == (None, "Old", "todo")
    assert patched.headers["etag"].startswith('"v3.')


async def test_change_work_item_keeps_versions_apart_by_header_and_body(
    client: httpx.AsyncClient,
) -> None:
    item = await _an_item(client)
    path = f"/work-items/{item['id']}"
    await client.patch(path, json={"title": "Second"}, headers={"If-Match": '"v1"'})

    late = await client.patch(path, json={"title": "Late"}, headers={"If-Match": '"v1"'})
    stale = await client.patch(path, json={"title": "Late", "expected_version": 1})

    assert _code(late) == (412, "VERSION_CHANGED", None)
    assert _code(stale) == (409, "WORK_ITEM_CHANGED", "expected_version")
    assert late.headers["etag"] == stale.headers["etag"] == '"v2"'
    assert "version 1" in stale.json()["error"]["message"]
    assert "version 2" in stale.json()["error"]["message"]
    assert (await client.get(path)).json()["title"] == "Second"


async def test_get_work_item_answers_304_to_its_own_etag(client: httpx.AsyncClient) -> None:
    item = await _an_item(client)
    path = f"/work-items/{item['key']}"
    tag = (await client.get(path)).headers["etag"]

    answer = await client.get(path, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")


async def test_get_work_item_hides_no_rank_that_was_made_anew_behind_a_304(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.board.ranking.service.LENGTH_MAX", 2)
    first, second, third = [await _an_item(client) for _ in range(3)]
    path = f"/work-items/{second['id']}"
    tag = (await client.get(path)).headers["etag"]

    await client.patch(f"/work-items/{third['id']}", json={"after_id": first["id"]})
    answer = await client.get(path, headers={"If-None-Match": tag})

    assert answer.status_code == 200
    assert answer.json()["version"] == second["version"]
    assert answer.json()["rank"] > second["rank"]


async def test_create_work_item_with_an_idempotency_key_happens_once(
    client: httpx.AsyncClient,
) -> None:
    body = {"project_id": "TM", "item_type": "task", "title": "Once"}
    headers = {"Idempotency-Key": "once"}

    first = await client.post("/work-items", json=body, headers=headers)
    second = await client.post("/work-items", json=body, headers=headers)
    other = await client.post("/work-items", json={**body, "title": "Two"}, headers=headers)

    assert first.json() == second.json()
    assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_delete_and_restore_work_item(client: httpx.AsyncClient) -> None:
    item = await _an_item(client)
    path = f"/work-items/{item['key']}"

    assert (await client.delete(path)).status_code == 204
    assert _code(await client.get(path)) == (404, "WORK_ITEM_NOT_FOUND", None)
    assert _code(await client.delete(path)) == (404, "WORK_ITEM_NOT_FOUND", None)
    restored = await client.post(f"{path}/restorations")
    assert (restored.status_code, restored.json()["version"]) == (200, 3)


async def test_list_work_items_filters_and_ties_cursors_to_the_filter(
    client: httpx.AsyncClient,
) -> None:
    story = await _an_item(client)
    await _an_item(client, item_type="task", parent_id=story["key"])
    await _an_item(client, item_type="task", status="todo")

    todo = await client.get("/work-items", params={"project_id": "TM", "status": "todo"})
    below = await client.get("/work-items", params={"parent_id": story["id"]})
    first = await client.get("/work-items", params={"project_id": "TM", "limit": 2})
    cursor = first.json()["next_cursor"]
    rest = await client.get("/work-items", params={"project_id": "TM", "cursor": cursor})
    foreign = await client.get("/work-items", params={"cursor": cursor})

    assert [item["key"] for item in todo.json()["items"]] == ["TM-3"]
    assert [item["key"] for item in below.json()["items"]] == ["TM-2"]
    assert [item["key"] for item in first.json()["items"] + rest.json()["items"]] == [
        "TM-3",
        "TM-2",
        "TM-1",
    ]
    assert rest.json()["next_cursor"] is None
    assert _code(foreign) == (400, "INVALID_CURSOR", "cursor")


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"status": "sunk"}, 400, "status"),
        ({"item_type": "whale"}, 400, "item_type"),
        ({"parent_id": "TM-1"}, 400, "parent_id"),
        ({"assignee_id": "x\0"}, 400, "assignee_id"),
        ({"updated_since": "-1"}, 400, "updated_since"),
        ({"updated_since": str(2**70)}, 400, "updated_since"),
        ({"project_id": "XX"}, 404, None),
        ({"limit": "201"}, 400, "limit"),
        ({"cursor": "zzz"}, 400, "cursor"),
    ],
)
async def test_list_work_items_refuses_a_bad_query(
    client: httpx.AsyncClient, query: dict[str, str], status: int, param: str | None
) -> None:
    answer = await client.get("/work-items", params=query)

    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_list_activity_tells_fields_and_values(client: httpx.AsyncClient) -> None:
    """Defect 7."""
    item = await _an_item(client)
    await client.patch(f"/work-items/{item['key']}", json={"title": "New", "status": "todo"})

    first = await client.get(f"/work-items/{item['key']}/activity", params={"limit": 2})
    rest = await client.get(
        f"/work-items/{item['key']}/activity", params={"cursor": first.json()["next_cursor"]}
    )

    rows = first.json()["items"] + rest.json()["items"]
    assert [(row["field"], row["old_value"], row["new_value"]) for row in rows] == [
        ("status", "backlog", "todo"),
        ("title", "Read the tide tables", "New"),
        (None, None, None),
    ]
    through = first.json()["through_seq"]
    await client.patch(f"/work-items/{item['key']}", json={"title": "Newer"})
    for path in (f"/work-items/{item['key']}/activity", "/projects/TM/activity"):
        later = (await client.get(path, params={"since": through})).json()
        assert [(row["field"], row["seq"] > through) for row in later["items"]] == [("title", True)]
        assert later["through_seq"] >= later["items"][0]["seq"]
        assert later["items"][0]["work_item_id"] == item["id"]


async def test_import_work_items_checks_rejects_and_imports(client: httpx.AsyncClient) -> None:
    path = "/projects/TM/imports"
    csv = {"Content-Type": "text/csv"}

    checked = await client.post(f"{path}?dry_run=true", content=_CSV, headers=csv)
    rejected = await client.post(path, content=_CSV, headers=csv)
    once, file = {"Idempotency-Key": "k1"}, {"file": ("backlog.csv", _CSV, "text/csv")}
    form, again = [
        await client.post(f"{path}?mode=valid_rows", files=file, headers=once) for _ in range(2)
    ]
    file = {"file": ("backlog.csv", _CSV + b"a,b\n", "text/csv")}
    other = await client.post(f"{path}?mode=valid_rows", files=file, headers=once)

    assert (again.status_code, again.json()) == (201, form.json())
    assert _code(other) == (422, "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key")
    assert (checked.status_code, checked.json()["status"]) == (200, "checked")
    assert _code(rejected) == (422, "IMPORT_REJECTED", None)
    assert [row["outcome"] for row in rejected.json()["report"]["rows"]] == [
        "not_imported",
        "wrong",
    ]
    assert (form.status_code, form.json()["rows_created"]) == (201, 1)
    assert (await client.get("/work-items/TM-1")).json()["external_id"] == "1"


async def test_import_work_items_refuses_what_is_no_backlog(client: httpx.AsyncClient) -> None:
    path = "/projects/TM/imports"

    empty = await client.post(path, content=b"")
    picture = await client.post(path, content=b"\x89PNG\x00\x01")
    form = await client.post(path, files={"file": (None, "text")})
    json = await client.post(f"{path}?format=jira", content=b"{}")
    words = await client.post(
        f"{path}?format=trello&dry_run=true",
        files={"file": ("board.json", b"{}")},
        data={"mapping": '{"words": {}}'},
    )
    large = await client.post(path, content=b"title\n" + b"x" * (16 * 1024 * 1024))

    assert _code(empty) == (400, "IMPORT_UNREADABLE", None)
    assert _code(picture) == (400, "IMPORT_UNREADABLE", None)
    assert _code(form) == (400, "IMPORT_UNREADABLE", "file")
    assert _code(json) == (400, "IMPORT_UNREADABLE", None)
    assert _code(words) == (400, "IMPORT_UNREADABLE", "mapping")
    assert _code(large) == (413, "IMPORT_TOO_LARGE", None)


async def test_change_project_archives_it(client: httpx.AsyncClient) -> None:
    archived = await client.patch("/projects/TM", json={"status": "archived"})

    assert (archived.status_code, archived.json()["status"]) == (200, "archived")
    answer = await client.post(
        "/work-items", json={"project_id": "TM", "item_type": "task", "title": "x"}
    )
    assert _code(answer) == (409, "PROJECT_IS_ARCHIVED", None)
    listed = await client.get("/projects", params={"status": "active"})
    assert listed.json()["items"] == []


async def test_delete_project_needs_an_owner(client: httpx.AsyncClient) -> None:
    admin = {"Authorization": "Bearer admin"}
    member = {"Authorization": "Bearer stranger"}

    assert (await client.delete("/projects/TM", headers=member)).status_code == 403
    assert (await client.delete("/projects/TM", headers=admin)).status_code == 204
    assert (await client.get("/projects/TM")).status_code == 404
    restored = await client.post("/projects/TM/restorations", headers=admin)
    assert restored.json()["version"] == 3


async def test_viewers_read_and_change_nothing(client: httpx.AsyncClient) -> None:
    item = await _an_item(client)
    viewer = {"Authorization": "Bearer viewer"}
    path = f"/work-items/{item['key']}"

    for readable in (path, "/work-items", f"{path}/activity", "/projects", "/projects/TM"):
        assert (await client.get(readable, headers=viewer)).status_code == 200
    rows = {"content": b"title\nOne more\n", "headers": {**viewer, "Content-Type": "text/csv"}}
    task = {"item_type": "task", "title": "One more", "project_id": "TM"}
    for method, target, said in (
        ("PATCH", path, {"json": {"title": "Changed"}, "headers": viewer}),
        ("PUT", path, {"json": {"title": "Changed"}, "headers": viewer}),
        ("DELETE", path, {"headers": viewer}),
        ("POST", "/work-items", {"json": task, "headers": viewer}),
        ("POST", "/projects", {"json": {}, "headers": viewer}),
        ("POST", "/projects/TM/imports", rows),
    ):
        answer = await client.request(method, target, **said)
        assert answer.status_code == 403, (method, target, answer.text)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {},
        {"filter": "is:open"},
        {"project_id": "TM", "parent_id": "019c0000-0000-7000-8000-000000000000"},
        {"project_id": "TM", "assignee_id": "019c0000-0000-7000-8000-000000000000"},
        {"project_id": "TM", "label": "quay"},
        {"project_id": "TM", "updated_since": "1700000000"},
    ],
    ids=str,
)
async def test_a_list_refuses_an_order_by_number_that_it_has_not(
    client: httpx.AsyncClient, elsewhere: dict[str, str]
) -> None:
    for title in "ab":
        await _an_item(client, title=title)

    there = (await client.get("/work-items?project_id=TM&sort=number")).json()["items"]
    refused = await client.get("/work-items", params={**elsewhere, "sort": "number"})

    assert [one["title"] for one in there] == ["b", "a"]
    assert _code(refused) == (400, "SORT_WITHOUT_EFFECT", "sort")


async def test_items_are_moved_and_listed_by_rank(client: httpx.AsyncClient) -> None:
    for title in "abc":
        await _an_item(client, title=title)

    moved = await client.patch("/work-items/TM-3", json={"status": "todo", "before_id": "TM-1"})
    nowhere = await client.patch("/work-items/TM-3", json={"after_id": "TM-9"})
    itself = await client.patch("/work-items/TM-3", json={"after_id": "TM-3"})
    both = await client.patch("/work-items/TM-3", json={"after_id": None, "before_id": None})
    by_rank = {"project_id": "TM", "sort": "rank"}
    first = (await client.get("/work-items", params={**by_rank, "limit": 2})).json()
    cursor = first["next_cursor"]
    rest = (await client.get("/work-items", params={**by_rank, "cursor": cursor})).json()
    everywhere = await client.get("/work-items?sort=rank")

    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    assert _code(nowhere) == (404, "WORK_ITEM_NOT_FOUND", "after_id")
    assert _code(itself) == (422, "WRONG_NEIGHBOUR", "after_id")
    assert _code(both) == (400, "PLACE_AMBIGUOUS", "before_id")
    assert _code(everywhere) == (400, "RANK_NEEDS_PROJECT", "sort")
    assert [one["title"] for one in first["items"] + rest["items"]] == ["c", "a", "b"]
