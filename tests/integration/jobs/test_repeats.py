"""Requests that start or steer jobs, sent again with their Idempotency-Key, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.fixtures.app import App, error, make_app
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind
from tidemill.core.ids import TenantId

pytestmark = [pytest.mark.anyio, pytest.mark.each_database(reason="transactions race for an id")]

CODE: Final = {"language": "bash", "content": "true", "labels": ["tides"]}
REUSED: Final = (422, "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key")
DAY: Final = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T02:00:00Z"}


@pytest.fixture(params=KINDS_BY_TIER)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[App]:
    kind: StoresKind = request.param
    async with make_app(tmp_path, kind) as app:
        yield app


async def sent_twice(app: App, path: str, body: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both answers to one request with one key."""
    first, again = [await keyed(app, path, body) for _ in range(2)]

    assert first.is_success, first.text
    assert again.status_code == first.status_code
    return first.json(), again.json()


async def keyed(app: App, path: str, body: object) -> httpx.Response:
    return await app.owner.post(path, json=body, headers={"Idempotency-Key": "k1"})


async def post(app: App, path: str, body: object) -> httpx.Response:
    return await app.owner.post(path, json=body)


async def job_ids(app: App, **wanted: str) -> set[str]:
    answer = await app.owner.get("/api/v1/jobs", params=wanted)
    return {job["id"] for job in answer.json()["items"]}


async def a_schedule(app: App) -> str:
    """Return the path of a schedule that is due on New Year's morning."""
    script = {"path": "f/tides", "language": "bash", "content": "true"}
    assert (await post(app, "/api/v1/scripts", script)).status_code == 201
    schedule = {
        "path": "tides",
        "script_path": "f/tides",
        "trigger": {"cron": "0 0-2 1 1 *"},
    }
    made = await post(app, "/api/v1/schedules", schedule)
    assert made.status_code == 201, made.text
    return f"/api/v1/schedules/{made.json()['id']}"


async def test_repeats_integration_a_rerun_with_a_key_makes_one_job(app: App) -> None:
    origin = (await post(app, "/api/v1/jobs", CODE)).json()["id"]
    path = f"/api/v1/jobs/{origin}/rerun"

    first, again = await sent_twice(app, path, {"priority": 3})
    other = await keyed(app, path, {"priority": 4})

    assert first["id"] == again["id"]
    assert error(other) == REUSED
    assert await job_ids(app) == {origin, first["id"]}


async def test_repeats_integration_a_portion_with_a_key_is_changed_once(app: App) -> None:
    ids = {(await post(app, "/api/v1/jobs", CODE)).json()["id"] for _ in range(3)}
    portion = {"filter": {"label": "tides"}, "limit": 1}
    gone = {"filter": {"label": "tides", "state": "cancelled"}, "limit": 1}

    cancelled = await sent_twice(app, "/api/v1/jobs/cancel", portion)
    retried = await sent_twice(app, "/api/v1/jobs/retry", gone)
    others = [
        await keyed(app, f"/api/v1/jobs/{verb}", {**body, "limit": 2})
        for verb, body in (("cancel", portion), ("retry", gone))
    ]

    for first, again in (cancelled, retried):
        assert (first["matched"], first["changed"]) == (1, 1)
        assert again == first
    assert [error(other) for other in others] == [REUSED, REUSED]
    assert len(await job_ids(app, state="cancelled")) == 1
    assert len(await job_ids(app)) == len(ids) + 1


async def test_repeats_integration_a_replay_with_a_key_is_the_first_one(app: App) -> None:
    first, again = await sent_twice(app, "/api/v1/dead-jobs/replay", {"all": True})
    other = await keyed(app, "/api/v1/dead-jobs/replay", {"all": True, "limit": 1})

    assert (first["matched"], again) == (0, first)
    assert error(other) == REUSED


async def test_repeats_integration_a_replay_says_which_jobs_or_that_it_is_all(app: App) -> None:
    path = "/api/v1/dead-jobs/replay"
    bare = await post(app, path, {})
    by_state = await post(app, path, {"filter": {"state": "failed"}, "dry_run": True})
    both = await post(app, path, {"all": True, "filter": {"tag": "mail"}})
    all_failed = await post(app, path, {"all": True, "filter": {"state": "failed"}})

    assert [error(one) for one in (bare, by_state)] == [(400, "FILTER_MISSING", "filter")] * 2
    assert "`all`: true" in bare.text
    assert error(both) == (400, "FILTER_BESIDES_ALL", "all")
    assert all_failed.status_code == 200, all_failed.text


async def test_repeats_integration_a_schedule_with_a_key_runs_once(app: App) -> None:
    schedule = await a_schedule(app)

    first, again = await sent_twice(app, f"{schedule}/run-now", None)
    without = await app.owner.post(f"{schedule}/run-now")

    assert again["id"] == first["id"] != without.json()["id"]
    listed = (await app.owner.get(f"{schedule}/occurrences")).json()["items"]
    assert {one["id"] for one in listed} == {first["id"], without.json()["id"]}


async def test_repeats_integration_a_backfill_with_a_key_tells_again_what_it_filled(
    app: App,
) -> None:
    path = f"{await a_schedule(app)}/backfill"

    first, again = await sent_twice(app, path, DAY)
    other = await keyed(app, path, {**DAY, "failed": True})
    without = await post(app, path, DAY)

    assert (len(first["due_at"]), again) == (3, first)
    assert error(other) == REUSED
    assert without.json()["due_at"] == []


async def test_repeats_integration_give_the_job_whose_script_has_changed_or_gone_since(
    app: App,
) -> None:
    script = {"path": "f/tides", "language": "python", "content": "def main(level: int): ..."}
    assert (await post(app, "/api/v1/scripts", script)).status_code == 201
    asked = {"script_path": "f/tides", "args": {"level": 3}}
    named = {**asked, "id": "sum-of-monday"}
    by_key = (await keyed(app, "/api/v1/jobs", asked)).json()["id"]
    by_id = (await post(app, "/api/v1/jobs", named)).json()["id"]

    other = {**script, "content": "def main(harbour: str): ..."}
    assert (await post(app, "/api/v1/scripts", other)).status_code == 201
    changed = [await keyed(app, "/api/v1/jobs", asked), await post(app, "/api/v1/jobs", named)]
    new = await post(app, "/api/v1/jobs", asked)
    reused = await post(app, "/api/v1/jobs", {**named, "args": {"level": 4}})
    assert (await app.owner.delete("/api/v1/scripts/f/tides")).is_success
    gone = [await keyed(app, "/api/v1/jobs", asked), await post(app, "/api/v1/jobs", named)]

    assert [answer.json().get("id") for answer in (*changed, *gone)] == [by_key, by_id] * 2
    assert error(new)[:2] == (422, "ARGUMENTS_INVALID")
    assert error(reused)[:2] == (409, "JOB_ID_TAKEN")
    assert await job_ids(app) == {by_key, by_id}


async def test_repeats_integration_of_many_give_the_jobs_whose_script_has_gone_since(
    app: App,
) -> None:
    await a_script(app)
    wanted = {"script_path": "f/tides", "args": {"level": 3}}
    batch = {"jobs": [{**wanted, "id": "monday"}, {**wanted, "id": "tuesday"}]}
    unnamed = {"jobs": [wanted, wanted]}
    first = await post(app, "/api/v1/jobs/batch", batch)
    by_key = await keyed(app, "/api/v1/jobs/batch", unnamed)
    assert (await app.owner.delete("/api/v1/scripts/f/tides")).is_success

    mixed = {"jobs": [*batch["jobs"], CODE]}
    by_id, with_new = [await post(app, "/api/v1/jobs/batch", one) for one in (batch, mixed)]
    by_key_again = await keyed(app, "/api/v1/jobs/batch", unnamed)
    refused = await post(app, "/api/v1/jobs/batch", unnamed)

    assert by_id.json() == first.json()
    assert with_new.json()["jobs"][:2] == first.json()["jobs"]
    assert by_key_again.json() == by_key.json()
    assert refused.status_code == 422
    assert {one["code"] for one in refused.json()["errors"]} == {"SCRIPT_NOT_FOUND"}
    assert len(await job_ids(app)) == 5


async def test_repeats_integration_of_a_rerun_give_the_job_whose_script_has_gone_since(
    app: App,
) -> None:
    await a_script(app)
    origin = (
        await post(app, "/api/v1/jobs", {"script_path": "f/tides", "args": {"level": 3}})
    ).json()
    path = f"/api/v1/jobs/{origin['id']}/rerun"
    first = await keyed(app, path, {})
    assert (await app.owner.delete("/api/v1/scripts/f/tides")).is_success

    again, without = await keyed(app, path, {}), await post(app, path, {})

    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert error(without)[:2] == (404, "SCRIPT_NOT_FOUND")
    assert await job_ids(app) == {origin["id"], first.json()["id"]}


async def test_repeats_integration_look_for_what_was_accepted_without_writing(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends what is refused, again and again, keeps no writer busy."""
    database = type(app.application.process.stores.jobs)
    written: list[object] = []
    write = database.write
    own = asyncio.current_task()

    async def counted(*args: Any, **options: Any) -> Any:
        # The log and the stream write in tasks of their own, whoever asks for what.
        if asyncio.current_task() is own:
            written.append(args)
        return await write(*args, **options)

    monkeypatch.setattr(database, "write", counted)
    gone = {"script_path": "f/gone", "id": "monday"}

    refused = [await keyed(app, "/api/v1/jobs", gone), await post(app, "/api/v1/jobs", gone)]

    assert [error(one)[:2] for one in refused] == [(404, "SCRIPT_NOT_FOUND")] * 2
    assert written == []


async def test_repeats_integration_an_import_with_a_key_tells_again_what_it_imported(
    app: App,
) -> None:
    headers = {"Idempotency-Key": "k1"}
    text = await exported(app)

    first, again = [
        await app.owner.post("/api/v1/job-import", content=text, headers=headers) for _ in range(2)
    ]
    other = await app.owner.post("/api/v1/job-import", content=text + text, headers=headers)
    without = await app.owner.post("/api/v1/job-import", content=text)

    assert (first.status_code, first.json()["imported"]) == (200, 1), first.text
    assert again.json() == first.json()
    assert error(other) == REUSED
    assert (without.json()["imported"], without.json()["known"]) == (0, 1)


async def test_repeats_integration_a_rotation_of_secrets_with_a_key_happens_once(app: App) -> None:
    body = {"value": "low water", "is_secret": True}
    assert (await app.owner.put("/api/v1/variables/mail/password", json=body)).is_success
    keys = [await sealing_key(app)]
    for headers in ({"Idempotency-Key": "k1"}, {"Idempotency-Key": "k1"}, {}):
        path = "/api/v1/secret-rotations"
        done = await app.owner.post(path, json={"renew": True}, headers=headers)
        assert (done.status_code, done.json()["secrets_sealed"]) == (201, 1), done.text
        keys.append(await sealing_key(app))

    assert keys[0] != keys[1] == keys[2] != keys[3]


async def sealing_key(app: App) -> str:
    """Return by which key the tenant's secret is sealed."""
    tenant_id = TenantId((await app.owner.get("/api/v1/auth/me")).json()["tenant"]["id"])
    rows = await app.application.process.stores.tenants.read(
        tenant_id, lambda tx: tx.all("SELECT key_id FROM variables WHERE tenant_id = :tenant_id")
    )
    return str(rows[0][0])


async def a_script(app: App) -> None:
    script = {"path": "f/tides", "language": "python", "content": "def main(level: int): ..."}
    assert (await post(app, "/api/v1/scripts", script)).status_code == 201


async def exported(app: App) -> bytes:
    """Return the line of a job that another installation has."""
    await post(app, "/api/v1/jobs", {**CODE, "run_at": "2031-05-05T06:00:00Z"})
    text = (await app.owner.get("/api/v1/job-export")).content
    job = (await app.owner.get("/api/v1/jobs")).json()["items"][0]["id"]
    return text.replace(job.encode(), b"of-another-installation")
