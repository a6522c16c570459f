"""What those who start jobs may still start when their credentials have ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.app import App, make_app
from tidemill.core.actor import ActorKind, Origin
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
