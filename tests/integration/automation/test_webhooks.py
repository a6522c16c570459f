"""A webhook over HTTP, in the whole application, with the receiver of the guide."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.fixtures.app import App, error, make_app
from tidemill.core.config.sections.reaching import Webhooks

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "webhooks.md"
_RECEIVER = re.compile(r'^```python title="receiver.py"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The receiver of the guide, which runs; `SECRET` is what it verifies by."""
    monkeypatch.setenv("WEBHOOK_SECRET", "")
    found = _RECEIVER.search(GUIDE.read_text())
    assert found is not None
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(found[1], "receiver.py", "exec"), names)  # noqa: S102 - the guide's own lines
    server = ThreadingHTTPServer(("127.0.0.1", 0), names["Receiver"])
    names["url"] = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield names
    server.shutdown()
    server.server_close()
    thread.join()


async def test_webhooks_integration_reach_the_receiver_of_the_guide(
    tmp_path: Path, receiver: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_app(tmp_path, webhooks=Webhooks(addresses_allowed=("127.0.0.1",))) as app:
        made = await _post(
            app, "webhooks", {"url": receiver["url"], "events": ["work_item.*"]}, "first"
        )
        path = f"webhooks/{made['id']}"
        receiver["SECRET"] = made["secret"]

        pinged = await _ended(app, path, await _post(app, f"{path}/ping"))
        await _post(app, "projects", {"key": "TM", "name": "Tides"})
        task = {"project_id": "TM", "item_type": "task", "title": "Read the gauges"}
        item = await _post(app, "work-items", task)
        sent = await _ended(app, path, (await _log(app, path, of=2))[0])
        receiver["SECRET"] = "whsec_b3RoZXI="
        refused = await _ended(app, path, await _post(app, f"{path}/ping"))
        replayed = await _ended(
            app, path, await _post(app, f"{path}/deliveries/{refused['id']}/replay"), attempts=2
        )
        rotated = await app.owner.post(f"/api/v1/{path}/rotate", json={})
        receiver["SECRET"] = rotated.json()["secret"]
        again = await _post(app, f"{path}/deliveries/{refused['id']}/replay")
        taken = await _ended(app, path, again, attempts=3)

    assert (pinged["state"], pinged["status_code"]) == ("delivered", 204)
    assert (sent["event_type"], sent["state"]) == ("work_item.created", "delivered")
    assert (refused["state"], refused["error"]) == ("failed", "The answer was 401.")
    assert (replayed["id"], replayed["status_code"]) == (refused["id"], 401)
    assert (taken["state"], taken["attempts"]) == ("delivered", 3)
    printed = capsys.readouterr().out
    assert printed.splitlines()[:2] == [
        f"webhook.ping {made['id']}",
        f"work_item.created {item['id']}",
    ]


async def test_webhook_routes_integration_tell_what_is_wrong(tmp_path: Path) -> None:
    async with make_app(tmp_path) as app:
        body = {"url": "https://receiver.invalid/", "events": ["job*"], "enabled": False}
        made = await app.owner.post(
            "/api/v1/webhooks", json=body, headers={"Idempotency-Key": "first"}
        )
        repeated = await app.owner.post(
            "/api/v1/webhooks", json=body, headers={"Idempotency-Key": "first"}
        )
        path = f"/api/v1/webhooks/{made.json()['id']}"
        tag = (await app.owner.get(path)).headers["etag"]

        assert repeated.json() == {**made.json(), "secret": None}
        assert error(await app.owner.post(f"{path}/ping")) == (409, "WEBHOOK_IS_DISABLED", None)
        inside = await app.owner.patch(path, json={"url": "http://169.254.169.254/"})
        assert error(inside) == (400, "INVALID_WEBHOOK", "url")
        nothing = await app.owner.patch(path, json={"events": None})
        assert error(nothing) == (400, "INVALID_WEBHOOK", "events")
        changed = await app.owner.patch(
            path, json={"description": "Pager"}, headers={"If-Match": tag}
        )
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
        late = await app.owner.delete(path, headers={"If-Match": tag})
        assert error(late)[:2] == (412, "VERSION_CHANGED")
        types = await app.owner.get("/api/v1/webhook-event-types", params={"limit": 200})
        names = [one["name"] for one in types.json()["items"]]
        assert {"work_item.created", "job.finished", "webhook.disabled"} <= set(names)
        assert names == sorted(names)
        first = (await app.owner.get("/api/v1/webhook-event-types", params={"limit": 1})).json()
        second = await app.owner.get(
            "/api/v1/webhook-event-types", params={"limit": 1, "cursor": first["next_cursor"]}
        )
        assert second.json()["items"][0]["name"] == names[1]
        listed = (await app.owner.get("/api/v1/webhooks")).json()["items"]
        assert ["secret" in one for one in listed] == [False]


async def _post(app: App, path: str, body: object = None, key: str | None = None) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await app.owner.post(f"/api/v1/{path}", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _log(app: App, path: str, *, of: int) -> list[dict[str, Any]]:
    """Return the log once it has as many lines."""
    with anyio.fail_after(60):
        while True:
            answer = await app.owner.get(f"/api/v1/{path}/deliveries")
            found: list[dict[str, Any]] = answer.json()["items"]
            if len(found) >= of:
                return found
            await anyio.sleep(0.02)


async def _ended(
    app: App, path: str, delivery: dict[str, Any], *, attempts: int = 1
) -> dict[str, Any]:
    """Return the delivery once it was tried so often."""
    with anyio.fail_after(60):
        while delivery["attempts"] < attempts:
            await anyio.sleep(0.02)
            answer: httpx.Response = await app.owner.get(
                f"/api/v1/{path}/deliveries/{delivery['id']}"
            )
            delivery = answer.json()
    return delivery
