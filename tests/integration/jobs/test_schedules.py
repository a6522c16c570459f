"""Schedules by plain HTTP, and what they start, with a real worker process beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.fixtures.app import OWNER_EMAIL, OWNER_PASSWORD, App, error, make_app
from tests.integration.jobs.workers import a_worker, finished
from tidemill.core.config.sections.working import Isolation, Jobs

pytestmark = pytest.mark.anyio

READ = "def main(station: str, day: str = '') -> dict:\n    return {'s': station, 'd': day}\n"
HEAR = "def main(run: dict) -> str:\n    return run['state']\n"
DAILY = {
    "path": "tides/daily",
    "script_path": "tides/read",
    "args": {"station": "Cuxhaven"},
    "trigger": {"cron": "30 2 * * *", "zone": "Europe/Berlin"},
}


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    data = tmp_path_factory.mktemp("schedules")
    async with make_app(data, jobs=Jobs(isolation_default=Isolation.FORK)) as made:
        yield made


@pytest.fixture
async def app(shared: App) -> App:
    """A tenant of the test's own."""
    return await a_tenant(shared)


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[App]:
    """An application of the test's own, for one that changes the owner's password."""
    async with make_app(tmp_path, jobs=Jobs(isolation_default=Isolation.FORK)) as made:
        await deploy(made)
        yield made


@pytest.fixture(scope="module")
async def door(shared: App) -> App:
    """A tenant in which no test makes anything."""
    return await a_tenant(shared)


async def a_tenant(shared: App) -> App:
    """Return a tenant that has the scripts."""
    made = await shared.in_new_tenant()
    await deploy(made)
    return made


async def deploy(made: App) -> None:
    for path, content in (("tides/read", READ), ("hear", HEAR)):
        body = {"path": path, "language": "python", "content": content}
        answer = await made.owner.post("/api/v1/scripts", json=body)
        assert answer.status_code == 201, answer.text


async def bob_of(app: App, owner: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return a client of another member."""
    invited = await owner.post(
        "/api/v1/invitations", json={"role": "member", "email": "bob@example.org"}
    )
    joined = await app.anonymous.post(
        "/api/v1/auth/registrations",
        json={
            "token": invited.json()["token"],
            "email": "bob@example.org",
            "name": "Bob",
            "password": "a long Passw0rd of bob",
        },
    )
    return app.client(joined.json()["access_token"])


async def make(app: App, **fields: Any) -> httpx.Response:
    return await app.owner.post("/api/v1/schedules", json={**DAILY, **fields})


async def test_schedules_integration_make_read_change_delete(app: App) -> None:
    made = await make(app)
    assert made.status_code == 201, made.text
    schedule = made.json()
    url = f"/api/v1/schedules/{schedule['id']}"
    assert schedule["next_at"] is not None
    assert schedule["trigger"]["cron"] == "30 2 * * *"
    assert made.headers["etag"].startswith('"v1.')

    listed = (await app.owner.get("/api/v1/schedules", params={"path": "tides/daily"})).json()
    assert [one["id"] for one in listed["items"]] == [schedule["id"]]
    body = {name: value for name, value in DAILY.items() if name != "path"}
    changed = await app.owner.put(
        url,
        json={**body, "enabled": False, "description": "off"},
        headers={"If-Match": made.headers["etag"]},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["enabled"], changed.json()["next_at"]) == (False, None)
    late = await app.owner.put(url, json=body, headers={"If-Match": '"v1"'})
    assert error(late)[:2] == (412, "VERSION_CHANGED")
    assert (await app.owner.delete(url)).status_code == 204
    assert error(await app.owner.get(url))[:2] == (404, "SCHEDULE_NOT_FOUND")


async def test_schedules_integration_what_has_come_next_is_no_known_answer(app: App) -> None:
    """A run moves what comes next, and is no change of the schedule."""
    schedule = (await make(app, trigger={"every_seconds": 1})).json()
    url = f"/api/v1/schedules/{schedule['id']}"
    first = await app.owner.get(url)
    known = {"If-None-Match": first.headers["etag"]}

    with anyio.fail_after(60):
        while True:
            later = await app.owner.get(url, headers=known)
            if later.status_code != 304:
                break
            await anyio.sleep(0.05)
    await app.owner.delete(url)  # Or it runs on, beside the tests that come after.

    assert later.json()["version"] == schedule["version"]
    assert later.json()["next_at"] > first.json()["next_at"]


async def test_schedules_integration_run_now_starts_and_settles(app: App) -> None:
    schedule = (await make(app, due_argument="day", on_success={"script_path": "hear"})).json()
    url = f"/api/v1/schedules/{schedule['id']}"

    async with a_worker(app):
        asked = await app.owner.post(f"{url}/run-now")
        assert asked.status_code == 201, asked.text
        occurrence = await settled(app, url, asked.json()["id"])
        result = (await app.owner.get(f"/api/v1/jobs/{occurrence['job_id']}/result")).json()
        heard = await job_of(app, "hear")
        told = await finished(app, heard["id"])

    assert occurrence["state"] == "succeeded", occurrence
    assert result["result"] == {"s": "Cuxhaven", "d": occurrence["due_at"]}
    assert told["result"] == "succeeded"


async def settled(app: App, url: str, occurrence_id: str) -> dict[str, Any]:
    with anyio.fail_after(60):
        while True:
            found: dict[str, Any] = (
                await app.owner.get(f"{url}/occurrences/{occurrence_id}")
            ).json()
            if found["state"] not in {"pending", "started"}:
                return found
            await anyio.sleep(0.05)


async def job_of(app: App, script_path: str) -> dict[str, Any]:
    with anyio.fail_after(60):
        while True:
            query = {"script_path": script_path}
            found = (await app.owner.get("/api/v1/jobs", params=query)).json()["items"]
            if found:
                return dict(found[0])
            await anyio.sleep(0.05)


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"trigger": {"cron": "0 0 30 2 *"}}, "trigger.cron", "never fires"),
        ({"trigger": {"cron": "61 * * * *"}}, "trigger.cron", "0-59"),
        ({"trigger": {"cron": "* *"}}, "trigger.cron", "5 fields"),
        ({"trigger": {"cron": "0 6 * * *", "zone": "Berlin"}}, "trigger.zone", "Europe/Berlin"),
        ({"trigger": {"at": "2020-01-01T00:00:00Z"}}, "trigger.at", "passed"),
        ({"trigger": {"times": ["25:00"]}}, "trigger.times[0]", "06:30"),
        ({"trigger": {}}, "trigger", "say when"),
        ({"trigger": {"cron": "* * * * *", "every_seconds": 5}}, "trigger", "choose one"),
        ({"script_path": "tides/rea"}, "script_path", "did you mean tides/read?"),
        ({"script_path": None}, "script_path", "a script or a function"),
        ({"script_path": None, "function": "tides.jobs:read"}, "function", "tides.jobs:read"),
        ({"args": {}}, "args.station", "needs this argument"),
        ({"args": {"station": 5}}, "args.station", "string"),
        ({"due_argument": "when"}, "args.when", "no such argument"),
        ({"days": {"calendar": "weekday"}}, "days.calendar", "did you mean weekdays?"),
        ({"after": [{"path": "tides/other"}]}, "after[0].path", "there are none yet"),
        ({"on_failure": {"script_path": "heer"}}, "on_failure.script_path", "did you mean hear?"),
        (
            {"on_failure": {"script_path": "tides/read", "args": {"station": "x"}}},
            "on_failure.args.run",
            "add the parameter",
        ),
        ({"priority": 1_000}, "priority", "between"),
        ({"jitter_seconds": -1}, "jitter_seconds", "0"),
        ({"end_at": "2020-01-01T00:00:00Z"}, "end_at", "passed"),
        (
            {"days": {"calendar": "no-day", "include": ["2020-01-01"]}},
            "trigger.cron",
            "never fires",
        ),
        ({"queue_max": 5}, "queue_max", "it counts with overlap queue_all, and this is skip"),
        ({"catch_up_max": 5}, "catch_up_max", "it counts with missed all, not last"),
        ({"wait_seconds_max": 5}, "wait_seconds_max", "it counts with after, which is empty"),
        ({"days": {"include": ["2031-05-03"]}}, "days.include", "every-day needs none"),
        ({"path": "../up"}, "path", "reports/daily"),
        ({"start_at": "9999-12-30T00:00:00Z"}, "start_at", "between the years 1970 and 9900"),
        (
            {"trigger": {"at": "9999-12-31T23:59:59Z", "zone": "Pacific/Kiritimati"}},
            "trigger.at",
            "between the years 1970 and 9900",
        ),
    ],
)
async def test_schedules_integration_refuse_at_the_door(
    door: App, fields: dict[str, Any], param: str, says: str
) -> None:
    answer = await make(door, **fields)

    assert answer.status_code in {400, 404, 422}, answer.text
    found = answer.json()["error"]
    assert found["param"] == param, found
    assert says in found["message"], found


async def test_schedules_integration_cycles_are_shown(app: App) -> None:
    first = (await make(app, path="a")).json()
    await make(app, path="b", after=[{"path": "a"}])
    await make(app, path="c", after=[{"path": "b"}])
    body = {name: value for name, value in DAILY.items() if name != "path"}

    turned = await app.owner.put(
        f"/api/v1/schedules/{first['id']}", json={**body, "after": [{"path": "c"}]}
    )
    gone = await app.owner.delete(f"/api/v1/schedules/{first['id']}")

    assert error(turned) == (409, "SCHEDULE_CYCLE", "after")
    assert "a after c after b after a" in turned.json()["error"]["message"]
    assert error(gone)[:2] == (409, "SCHEDULE_IN_USE")


async def test_schedules_integration_previews_show_the_change_of_the_clock(door: App) -> None:
    body = {
        "trigger": {"times": ["02:30"], "zone": "Europe/Berlin"},
        "start_at": "2031-03-29T00:00:00Z",
        "count": 3,
    }
    answer = await door.owner.post("/api/v1/schedules/preview", json=body)

    assert answer.status_code == 200, answer.text
    assert [text[:16] for text in answer.json()["due_at"]] == [
        "2031-03-29T01:30",
        "2031-03-30T01:00",
        "2031-03-31T00:30",
    ]


async def test_schedules_integration_calendars(app: App) -> None:
    days = {"weekdays": [1, 2, 3, 4, 5], "holidays": ["2031-05-01"]}
    put = await app.owner.put("/api/v1/calendars/office", json=days)
    assert put.status_code == 200, put.text
    await make(app, days={"calendar": "office"})

    used = await app.owner.delete("/api/v1/calendars/office")
    built_in = await app.owner.put("/api/v1/calendars/weekdays", json=days)
    wrong = await app.owner.put("/api/v1/calendars/x", json={"weekdays": [0]})
    names = [one["name"] for one in (await app.owner.get("/api/v1/calendars")).json()["items"]]

    assert error(used)[:2] == (409, "CALENDAR_IN_USE")
    assert error(built_in)[:2] == (422, "CALENDAR_INVALID")
    assert wrong.status_code == 400
    assert names == ["office"]


async def test_schedules_integration_end_with_their_owner(app: App) -> None:
    """Who has left the tenant starts nothing any more."""
    bob = await bob_of(app, app.owner)
    body = {**DAILY, "trigger": {"cron": "* * * * * *"}, "overlap": "allow"}
    schedule = (await bob.post("/api/v1/schedules", json=body)).json()
    url = f"/api/v1/schedules/{schedule['id']}/occurrences"
    await any_of(app, url, state="started")

    removed = await app.owner.delete(f"/api/v1/members/{schedule['owner_id']}")
    assert removed.status_code == 204, removed.text
    # One that was missed may have been skipped before, for that reason.
    await any_of(app, url, "does not belong to this tenant any more", state="skipped")


async def any_of(app: App, url: str, reason: str = "", **query: str) -> None:
    """Return when one of the occurrences of a state has a reason that says so."""
    with anyio.fail_after(60):
        while True:
            found = (await app.owner.get(url, params=query)).json()["items"]
            if any(reason in (one["reason"] or "") for one in found):
                return
            await anyio.sleep(0.05)


async def test_schedules_integration_that_a_stolen_session_left_are_shown_and_rest_in_one_look(
    own: App,
) -> None:
    """They go on after a new password, as those of the person itself do."""
    old = (await make(own, path="mine/old")).json()
    later = old["updated_at"]
    stolen = await own.log_in(OWNER_EMAIL, OWNER_PASSWORD)
    body = {**DAILY, "path": "thief/new"}
    left = (await stolen.post("/api/v1/schedules", json=body)).json()
    password = {"current_password": OWNER_PASSWORD, "new_password": "another tide table"}
    changed = await own.owner.put("/api/v1/auth/password", json=password)
    owner = own.client(changed.json()["access_token"])
    bob = await bob_of(own, owner)
    assert (await bob.post("/api/v1/schedules", json={**DAILY, "path": "bobs"})).is_success
    me = (await owner.get("/api/v1/auth/me")).json()["user"]["id"]

    everything = await owner.get("/api/v1/schedules", params={"owner_id": me})
    wanted = {"owner_id": me, "updated_since": left["updated_at"]}
    found = (await owner.get("/api/v1/schedules", params=wanted)).json()["items"]
    rested = await owner.post(f"/api/v1/schedules/{found[0]['id']}/pause", json={})
    unzoned = await owner.get("/api/v1/schedules", params={"updated_since": "2031-01-01T00:00:00"})

    assert (await stolen.get("/api/v1/schedules")).status_code == 401
    assert [one["path"] for one in everything.json()["items"]] == ["mine/old", "thief/new"]
    assert [one["id"] for one in found] == [left["id"]], f"not what was saved at {later}"
    assert rested.json()["paused"] is True
    assert error(unzoned)[2] == "updated_since"
