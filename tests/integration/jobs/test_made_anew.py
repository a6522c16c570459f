"""What is found by its name and was deleted: another one under that name is not it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.app import App, error, make_app

pytestmark = pytest.mark.anyio

_TYPE = {"schema": {"type": "object"}}
_SCHEDULE = {"path": "daily", "script_path": "a", "trigger": {"every_seconds": 3_600}}


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    async with make_app(tmp_path_factory.mktemp("anew")) as made:
        script = {"path": "a", "language": "bash", "content": "true"}
        assert (await made.owner.post("/api/v1/scripts", json=script)).status_code == 201
        assert (await made.owner.put("/api/v1/resource-types/ship", json=_TYPE)).status_code == 200
        yield made


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/variables/quay", {"value": "west"}),
        ("/resources/quay", {"type": "ship", "value": {}}),
        ("/resource-types/quay", _TYPE),
        ("/folders/quay", {"description": "west"}),
        ("/calendars/quay", {"weekdays": [1]}),
    ],
)
async def test_if_match_integration_fails_for_another_one_of_the_name(
    app: App, url: str, body: dict[str, Any]
) -> None:
    address = f"/api/v1{url}"
    early = await app.owner.put(address, json=body, headers={"If-Match": "*"})
    read = (await app.owner.put(address, json=body)).headers["etag"]
    same = await app.owner.put(address, json=body, headers={"If-Match": read})
    await app.owner.delete(address)
    made = (await app.owner.put(address, json=body)).headers["etag"]

    late = await app.owner.put(address, json=body, headers={"If-Match": read})
    ended = await app.owner.delete(address, headers={"If-Match": read})
    fresh = await app.owner.put(address, json=body, headers={"If-Match": f"{read}, {made}"})

    assert error(early)[:2] == (412, "VERSION_CHANGED")
    assert same.status_code == 200, same.text
    assert error(late)[:2] == (412, "VERSION_CHANGED")
    assert "another one was made in its place" in late.text
    assert error(ended)[:2] == (412, "VERSION_CHANGED")
    assert fresh.status_code == 200, fresh.text
    assert (await app.owner.delete(address, headers={"If-Match": made})).status_code == 412
    last = {"If-Match": fresh.headers["etag"]}
    assert (await app.owner.delete(address, headers=last)).status_code == 204


async def test_if_match_integration_fails_for_another_schedule_of_the_path(app: App) -> None:
    address, body = "/api/v1/schedules", {**_SCHEDULE}
    path = body.pop("path")
    await app.owner.post(address, json=_SCHEDULE)
    read = (await app.owner.get(f"{address}/{path}")).headers["etag"]
    await app.owner.delete(f"{address}/{path}")
    await app.owner.post(address, json=_SCHEDULE)

    put = await app.owner.put(f"{address}/{path}", json=body, headers={"If-Match": read})
    gone = await app.owner.delete(f"{address}/{path}", headers={"If-Match": read})

    assert [error(answer)[:2] for answer in (put, gone)] == [(412, "VERSION_CHANGED")] * 2
