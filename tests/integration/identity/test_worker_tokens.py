"""What lets workers of other machines in: who makes it, what it allows, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from tests.fixtures.identity import OWNER_EMAIL, IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind
from tidemill.core.errors import Forbidden, Unauthenticated
from tidemill.core.operators import OPERATORS
from tidemill.identity import WORKER_TOKENS, WorkerTokens
from tidemill.settings.operators.service import FirstOwners

pytestmark = pytest.mark.anyio

TOKENS = "/api/v1/worker-tokens"
_DAY = 86_400


class Operated:
    """A world with an operator, who is logged in as `client`."""

    def __init__(
        self, world: IdentityWorld, owner: dict[str, Any], client: httpx.AsyncClient
    ) -> None:
        self.world = world
        self.owner = owner
        self.client = client

    @property
    def tokens(self) -> WorkerTokens:
        return cast("WorkerTokens", self.world.ports[WORKER_TOKENS])

    async def made(self, name: str = "site-b", **wanted: Any) -> dict[str, Any]:
        answer = await self.client.post(TOKENS, json={"name": name, **wanted})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def code(self, **wanted: Any) -> tuple[int, str]:
        answer = await self.client.post(TOKENS, json=wanted)
        return answer.status_code, answer.json()["error"]["code"]


@asynccontextmanager
async def _operated(tmp_path: Path, kind: StoresKind) -> AsyncIterator[Operated]:
    async with identity_world(tmp_path, kind) as world:
        world.ports[OPERATORS] = FirstOwners(world.stores.control)
        owner = await world.an_owner()
        async with world.client(**bearer(owner)) as client:
            yield Operated(world, owner, client)


@pytest.fixture
async def operated(tmp_path: Path) -> AsyncIterator[Operated]:
    async with _operated(tmp_path, "sqlite") as operated:
        yield operated


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_worker_tokens_integration_allow_what_they_were_made_for(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with _operated(tmp_path, kind) as operated:
        tenant = (await operated.client.get("/api/v1/tenants")).json()["items"][0]["id"]
        made = await operated.made(tags=["gpu", "cpu"], tenants=[tenant])

        rights = await operated.tokens.rights(made["token"])
        listed = (await operated.client.get(TOKENS)).json()["items"]

    assert (rights.name, rights.tags, rights.tenants) == ("site-b", ("cpu", "gpu"), (tenant,))
    assert [(one["id"], one["tags"]) for one in listed] == [(made["id"], ["cpu", "gpu"])]
    assert listed[0]["last_used_at"] is not None


async def test_worker_tokens_integration_allow_everything_unless_told(operated: Operated) -> None:
    made = await operated.made()

    rights = await operated.tokens.rights(made["token"])

    assert (rights.tags, rights.tenants) == (None, None)


async def test_worker_tokens_integration_are_shown_once(operated: Operated) -> None:
    made = await operated.made()

    listed = await operated.client.get(TOKENS)

    assert made["token"].startswith("tmw_")
    assert made["token"].startswith(made["prefix"])
    assert made["token"][20:60] not in listed.text


async def test_worker_tokens_integration_show_nothing_when_a_request_is_replayed(
    operated: Operated,
) -> None:
    ask = {"json": {"name": "site-b"}, "headers": {"Idempotency-Key": "once"}}

    first = (await operated.client.post(TOKENS, **cast("Any", ask))).json()
    again = (await operated.client.post(TOKENS, **cast("Any", ask))).json()

    assert (first["id"], again["token"]) == (again["id"], None)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"name": "x", "tags": []}, (400, "VALIDATION_FAILED")),
        ({"name": "x", "tags": ["No"]}, (400, "VALIDATION_FAILED")),
        ({"name": "x", "tenants": ["gone"]}, (400, "WORKER_TOKEN_TENANT_UNKNOWN")),
        ({"name": "x", "expires_in_days": 0}, (400, "VALIDATION_FAILED")),
        ({"name": "site-b"}, (409, "WORKER_TOKEN_NAME_TAKEN")),
    ],
)
async def test_worker_tokens_integration_refuse_what_could_never_work(
    operated: Operated, wanted: dict[str, Any], expected: tuple[int, str]
) -> None:
    await operated.made()

    assert await operated.code(**wanted) == expected


async def test_worker_tokens_integration_free_their_name_when_revoked(operated: Operated) -> None:
    made = await operated.made()
    await operated.client.delete(f"{TOKENS}/{made['id']}")

    again = await operated.made()

    assert again["id"] != made["id"]


async def test_worker_tokens_integration_let_nobody_in_once_revoked(operated: Operated) -> None:
    made = await operated.made()

    answer = await operated.client.delete(f"{TOKENS}/{made['id']}")
    repeated = await operated.client.delete(f"{TOKENS}/{made['id']}")

    assert (answer.status_code, repeated.status_code) == (204, 204)
    with pytest.raises(Forbidden, match="was revoked"):
        await operated.tokens.rights(made["token"])
    assert await operated.tokens.still_valid([made["id"]]) == frozenset()


async def test_worker_tokens_integration_let_nobody_in_once_expired(operated: Operated) -> None:
    made = await operated.made(expires_in_days=1)
    assert await operated.tokens.still_valid([made["id"]]) == {made["id"]}

    operated.world.clock.advance(_DAY + 1)

    with pytest.raises(Forbidden, match="has expired"):
        await operated.tokens.rights(made["token"])
    assert await operated.tokens.still_valid([made["id"]]) == frozenset()


async def test_worker_tokens_integration_know_no_token_that_was_changed(operated: Operated) -> None:
    text = (await operated.made())["token"]
    api_token = await operated.world.an_api_token(operated.owner, "admin")

    other = text[:30] + ("y" if text[30] == "x" else "x") + text[31:]

    for wrong in ("", "tmw_", text[:-1], other, text.replace("tmw", "tmk"), api_token):
        with pytest.raises(Unauthenticated):
            await operated.tokens.rights(wrong)


async def test_worker_tokens_integration_are_for_operators_only(operated: Operated) -> None:
    made = await operated.made()
    world = operated.world
    other = (
        await operated.client.post("/api/v1/tenants", json={"name": "Other", "slug": "other"})
    ).json()
    elsewhere = await world.tokens(OWNER_EMAIL, tenant_id=other["id"])

    async with world.client(**bearer(elsewhere)) as client:
        answers = [
            await client.post(TOKENS, json={"name": "mine"}),
            await client.get(TOKENS),
            await client.delete(f"{TOKENS}/{made['id']}"),
        ]

    assert [(one.status_code, one.json()["error"]["code"]) for one in answers] == [
        (403, "WORKER_TOKENS_FOR_OPERATORS"),
        (403, "WORKER_TOKENS_FOR_OPERATORS"),
        (404, "WORKER_TOKEN_NOT_FOUND"),
    ]


async def test_worker_tokens_integration_are_audited(operated: Operated) -> None:
    made = await operated.made()
    await operated.client.delete(f"{TOKENS}/{made['id']}")

    actions = await operated.world.audit_actions()

    assert [action for action in actions if "worker_tokens" in action] == [
        "identity.worker_tokens.create",
        "identity.worker_tokens.revoke",
    ]
