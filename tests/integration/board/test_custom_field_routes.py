"""Custom fields over HTTP: made, filled in, found, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fixtures.board import BoardWorld

pytestmark = pytest.mark.anyio
_ADMIN = {"Authorization": "Bearer admin"}


def _code(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]


async def _a_field(client: httpx.AsyncClient, key: str, type_: str, **fields: Any) -> Any:
    body = {"key": key, "name": key.title(), "type": type_, **fields}
    made = await client.post("/custom-fields", json=body, headers=_ADMIN)
    assert made.status_code == 201, made.text
    return made.json()


async def _create(client: httpx.AsyncClient, **values: Any) -> httpx.Response:
    body = {"project_id": "TM", "item_type": "task", "title": "Read", "custom_fields": values}
    return await client.post("/work-items", json=body)


async def test_custom_fields_are_filled_in_shown_everywhere_and_found(
    client: httpx.AsyncClient,
) -> None:
    choices = [{"name": "High", "color": "#D55E00"}, {"name": "Low"}]
    field = await _a_field(client, "severity", "choice", choices=choices, project_id="TM")
    await _a_field(client, "effort", "number", minimum=0, default=1)
    item = (await _create(client, severity="High", effort="12.50")).json()
    path = f"/work-items/{item['key']}"
    table = (await client.get("/projects/TM/export")).text.splitlines()

    assert table[0].endswith(",cf.severity,cf.effort")
    assert table[1].endswith(",high,12.5")
    assert field["choices"][0] == {
        "id": "high",
        "name": "High",
        "color": "#d55e00",
        "retired": False,
    }
    assert item["custom_fields"] == {"effort": "12.5", "severity": "high"}
    patched = await client.patch(path, json={"custom_fields": {"severity": None}})
    put = await client.put(path, json={"custom_fields": {"effort": 2}})
    assert patched.json()["custom_fields"] == {"effort": "12.5"}
    assert (
        put.json()["custom_fields"]
        == {"effort": "2"}
        == (await client.get(path)).json()["custom_fields"]
    )
    for query in ({}, {"filter": "cf.effort<=2 no:cf.severity"}):
        listed = (await client.get("/work-items", params=query)).json()["items"]
        assert [one["custom_fields"] for one in listed] == [{"effort": "2"}]
    listed = (await client.get("/custom-fields", params={"project_id": "TM"})).json()["items"]
    assert [one["key"] for one in listed] == ["severity", "effort"]


async def test_custom_fields_change_under_their_version(client: httpx.AsyncClient) -> None:
    field = await _a_field(client, "site", "text", length_max=10)
    path = f"/custom-fields/{field['id']}"

    change = {"name": "Where", "length_max": None, "help": "Which quay"}
    headers = {**_ADMIN, "If-Match": '"v1"'}
    changed = await client.patch(path, json=change, headers=headers)
    late = await client.patch(path, json=change, headers=headers)
    typed = await client.patch(path, json={"type": "number"}, headers=_ADMIN)

    assert (changed.json()["name"], changed.headers["etag"]) == ("Where", '"v2"')
    assert changed.json()["length_max"] is None
    assert _code(late) == (412, "VERSION_CHANGED", None)
    assert _code(typed) == (422, "CUSTOM_FIELD_TYPE_FIXED", "type")
    assert (await client.patch(path, json={"name": "Else"})).status_code == 403
    assert (await client.delete(path, headers=_ADMIN)).status_code == 204
    assert _code(await client.get(path)) == (404, "CUSTOM_FIELD_NOT_FOUND", None)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"key": "Not a key"}, 400, "INVALID_CUSTOM_FIELD", "key"),
        ({"type": "money"}, 400, "VALIDATION_FAILED", "type"),
        ({"type": "choice"}, 400, "INVALID_CUSTOM_FIELD", "choices"),
        ({"choices": [{"name": "a"}]}, 400, "INVALID_CUSTOM_FIELD", "choices"),
        ({"minimum": 1}, 400, "INVALID_CUSTOM_FIELD", "minimum"),
        ({"type": "number", "minimum": "x"}, 400, "INVALID_CUSTOM_FIELD", "minimum"),
        ({"type": "number", "minimum": 2, "maximum": 1}, 400, "INVALID_CUSTOM_FIELD", "maximum"),
        ({"type": "number", "maximum": 1, "default": 2}, 422, "INVALID_CUSTOM_VALUE", "default"),
        ({"type": "user", "default": "nobody"}, 422, "INVALID_CUSTOM_VALUE", "default"),
        ({"project_id": "NO"}, 404, "PROJECT_NOT_FOUND", "project_id"),
    ],
)
async def test_custom_fields_refuse_what_does_not_go_together(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    given = {"key": "x", "name": "X", "type": "text", **body}

    refused = await client.post("/custom-fields", json=given, headers=_ADMIN)

    assert _code(refused) == (status, code, param)


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"nothing": "x"}, 422, "UNKNOWN_CUSTOM_FIELD"),
        ({"site": ""}, 400, "INVALID_TEXT"),
        ({"effort": "much"}, 422, "INVALID_CUSTOM_VALUE"),
        ({"effort": 11}, 422, "INVALID_CUSTOM_VALUE"),
        ({"day": "2026-02-30"}, 422, "INVALID_CUSTOM_VALUE"),
        ({"tester": "0199f0c2-7a51-7c3e-9d0e-5a1b2c3d4e5f"}, 422, "INVALID_CUSTOM_VALUE"),
        ({"page": "ftp://tide.example"}, 422, "INVALID_CUSTOM_VALUE"),
    ],
)
async def test_values_that_do_not_fit_are_refused_by_the_name_of_their_field(
    client: httpx.AsyncClient, values: dict[str, Any], status: int, code: str
) -> None:
    for key, type_ in (("site", "text"), ("day", "date"), ("tester", "user"), ("page", "link")):
        await _a_field(client, key, type_)
    await _a_field(client, "effort", "number", maximum=10)

    refused = await _create(client, **values)

    assert _code(refused) == (status, code, f"custom_fields.{next(iter(values))}")
    assert (await client.get("/work-items")).json()["items"] == []


async def test_a_field_of_a_member_takes_members_alone(
    client: httpx.AsyncClient, world: BoardWorld
) -> None:
    ada, gone = await world.a_person("Ada"), await world.a_person("Bob", "removed")
    await _a_field(client, "tester", "user")
    await _a_field(client, "site", "text", required=True)

    made = await _create(client, tester=ada, site="Quay")

    assert made.json()["custom_fields"]["tester"] == ada
    assert _code(await _create(client, tester=gone, site="Quay")) == (
        422,
        "INVALID_CUSTOM_VALUE",
        "custom_fields.tester",
    )
    assert _code(await _create(client)) == (422, "CUSTOM_FIELD_REQUIRED", "custom_fields.site")
    found = await client.get("/work-items", params={"filter": "cf.tester:ada"})
    assert [one["key"] for one in found.json()["items"]] == [made.json()["key"]]
