"""A request that is sent again under its `Idempotency-Key` shows no secret a second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.app import make_app
from tidemill.core.ids import INSTALLATION

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api-tokens", {"name": "ci", "scopes": ["read"], "expires_in_days": 7}),
        ("/invitations", {"role": "member", "email": "bob@example.org"}),
        ("/worker-tokens", {"name": "site-b"}),
    ],
)
async def test_replays_integration_show_and_keep_no_secret(
    tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    async with make_app(tmp_path) as app:
        app.owner.headers["Idempotency-Key"] = "once"
        first = await app.owner.post(f"/api/v1{path}", json=body)
        replay = await app.owner.post(f"/api/v1{path}", json=body)
        kept = await app.application.process.stores.control.read(
            INSTALLATION, lambda tx: tx.all("SELECT result FROM idempotency_keys")
        )

    assert (first.status_code, replay.status_code) == (201, 201)
    secret = first.json()["token"].partition("_")[2]
    assert len(secret) > 40
    assert replay.json() == {**first.json(), "token": None}
    assert [row for row in kept if first.json()["id"] in str(row[0])]
    assert [row for row in kept if secret[16:] in str(row[0])] == []
