"""What those who start jobs, or wait for them, may do when their credentials have ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.app import App, error, make_app
from tests.fixtures.asgi import decide
from tests.fixtures.stores import until
from tidemill.core.actor import ActorKind, Origin
from tidemill.core.config.sections.storing import Events
from tidemill.core.errors import Forbidden
from tidemill.http.authentication import AUTHENTICATOR
from tidemill.jobs import JOBS, JobRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as made:
        yield made


async def test_jobs_integration_of_an_ended_api_token_start_no_others(app: App) -> None:
    """A job that is let finish is no way to go on for ever with a token that has expired."""
    ports = app.application.process.composition.ports
    authenticator: Any = ports[AUTHENTICATOR]
    body = {"name": "t", "scopes": ["write"]}
    made = await app.owner.post("/api/v1/api-tokens", json=body)
    by_token = await authenticator.bearer(made.json()["token"], Origin())
    job = structs.replace(
        by_token, kind=ActorKind.JOB, id="job-1", session_id=f"execution:1:{by_token.id}"
    )
    request = JobRequest(language="python", content="def main():\n    pass\n")
    jobs: Any = ports[JOBS]
    await jobs.enqueue(request, actor=job)

    await app.application.process.stores.control.write(
        by_token.tenant_id,
        lambda tx: tx.execute(
            "UPDATE api_tokens SET expires_at = :now WHERE tenant_id = :tenant_id AND id = :id",
            id=by_token.id,
        ),
    )

    with pytest.raises(Forbidden, match="the API token has expired"):
        await jobs.enqueue(request, actor=job)


async def _never_runs(app: App) -> str:
    """Return a job that waits: no worker is here."""
    body = {"language": "python", "content": "def main():\n    pass\n"}
    return str((await app.owner.post("/api/v1/jobs", json=body)).json()["id"])


async def _waiting(app: App, count: int) -> None:
    jobs: Any = app.application.process.composition.ports[JOBS]
    await until(lambda: jobs.waits.open == count)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "jobs/{id}/result?wait=60"), ("POST", "jobs?wait=60")]
)
async def test_jobs_integration_are_not_told_to_who_waits_with_a_revoked_token(
    app: App, method: str, path: str
) -> None:
    job = await _never_runs(app)
    made = await app.owner.post("/api/v1/api-tokens", json={"name": "t", "scopes": ["write"]})
    client = app.client(made.json()["token"])
    url, body = f"/api/v1/{path.format(id=job)}", {"language": "bash", "content": "true"}
    asking = asyncio.create_task(
        client.request(method, url, timeout=60, json=body if method == "POST" else None)
    )
    await _waiting(app, 1)

    await app.owner.delete(f"/api/v1/api-tokens/{made.json()['id']}")
    for one in (await app.owner.get("/api/v1/jobs")).json()["items"]:
        await app.owner.post(f"/api/v1/jobs/{one['id']}/cancel")

    assert error(await asking)[:2] == (401, "WAIT_ENDED")
    await _waiting(app, 0)


async def test_jobs_integration_are_waited_for_by_a_bounded_number_of_requests(
    tmp_path: Path,
) -> None:
    async with make_app(tmp_path, events=Events(connections_per_actor_max=1)) as app:
        job = await _never_runs(app)
        asking = asyncio.create_task(
            app.owner.get(f"/api/v1/jobs/{job}/result?wait=60", timeout=60)
        )
        await _waiting(app, 1)
        stream = {"accept": "text/event-stream"}
        body = {"language": "bash", "content": "true"}
        refused = [
            await app.owner.get(f"/api/v1/jobs/{job}/result?wait=1"),
            await app.owner.post("/api/v1/jobs?wait=1", json=body),
            await app.owner.post("/api/v1/jobs", json=body, headers=stream),
            await app.owner.get(f"/api/v1/jobs/{job}/logs", headers=stream),
        ]
        at_once = await app.owner.get(f"/api/v1/jobs/{job}/result")
        started = (await app.owner.get("/api/v1/jobs")).json()["items"]
        await app.owner.post(f"/api/v1/jobs/{job}/cancel")
        told = await asking

    assert [error(one)[:2] for one in refused] == [(429, "TOO_MANY_WAITS")] * 4
    assert at_once.status_code == 202
    assert [one["id"] for one in started] == [job], "what is refused starts nothing"
    assert (told.status_code, told.json()["state"]) == (200, "cancelled")


async def test_jobs_integration_the_stream_of_a_log_begins_before_the_job_prints_anything(
    app: App,
) -> None:
    """Or no heartbeat kept its connection, and a client that went was not noticed."""
    job = await _never_runs(app)
    headers = {**app.owner.headers, "accept": "text/event-stream"}

    begun = await decide(app.application.asgi, "GET", f"/api/v1/jobs/{job}/logs", headers=headers)

    assert begun.status == 200
    await _waiting(app, 0)
