"""What protects identity as a whole: limits, silence about failures, people in tenant stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec import structs

from tests.fixtures.app import make_app
from tests.fixtures.identity import bearer, identity_world
from tests.fixtures.stores import StoresKind
from tidemill.core.config.sections.serving import Limits
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/login", {"email": "a@example.org", "password": "x"}),
        ("/auth/sessions", {"email": "a@example.org", "password": "x"}),
        ("/auth/refresh", {"refresh_token": "x"}),
        ("/auth/password-resets", {"email": "a@example.org"}),
        ("/auth/password-resets/redemptions", {"token": "x", "password": "y"}),
        ("/invitations/previews", {"token": "x"}),
    ],
)
async def test_defences_integration_bound_how_often_an_address_knocks(
    tmp_path: Path, path: str, body: dict[str, str]
) -> None:
    """Defect 11 of 1.3: every route without a credential has a limit of its own."""
    async with identity_world(tmp_path) as world:
        world.part("doorway")._per_minute = lambda: 3
        async with world.client("192.0.2.1") as client:
            answers = [await client.post(f"/api/v1{path}", json=body) for _ in range(5)]
        async with world.client("192.0.2.2") as client:
            other = await client.post(f"/api/v1{path}", json=body)

    statuses = [answer.status_code for answer in answers]
    assert statuses[3:] == [429, 429]
    assert 429 not in {*statuses[:3], other.status_code}
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_defences_integration_tell_nothing_of_the_database(tmp_path: Path) -> None:
    """Defect 8 of 1.3: hostile input gives neither a 5xx nor a word of SQL."""
    hostile = ["' OR 1=1 --", "a'; DROP TABLE users; --", "%00", "\u0000", "\U0001d54a" * 90]
    async with identity_world(tmp_path) as world:
        owner = await world.an_owner()
        texts, statuses = [], set()
        async with world.client(**bearer(owner)) as client:
            for text in hostile:
                for answer in (
                    await client.post("/api/v1/auth/login", json={"email": text, "password": text}),
                    await client.post("/api/v1/tenants", json={"name": text, "slug": text}),
                    await client.post(
                        "/api/v1/invitations", json={"kind": "single_use", "email": text}
                    ),
                    await client.patch("/api/v1/auth/me", json={"name": text, "avatar": text}),
                    await client.get("/api/v1/members", params={"cursor": text}),
                    await client.post("/api/v1/auth/refresh", json={"refresh_token": text}),
                ):
                    texts.append(answer.text.lower())
                    statuses.add(answer.status_code)
        assert (await world.log_in()).status_code == 200

    assert max(statuses) < 500
    leaks = ("sqlite", "select ", "insert into", "traceback", "constraint failed")
    assert [text for text in texts if any(leak in text for leak in leaks)] == []


async def test_defences_integration_show_no_secret_column_in_any_answer(tmp_path: Path) -> None:
    """A6: no schema of an answer has a hash or a secret, but for those shown once."""
    async with make_app(tmp_path) as app:
        document = (await app.owner.get("/api/docs/openapi.json")).json()
    shown_once = {"TokenView", "NewApiTokenView", "NewInvitationView", "BrowserSessionView"}
    shown_once |= {"NewWorkerTokenView", "NewWebhookView", "NewGuestLinkView"}
    asked_for = {"LogIn", "Refresh", "Register", "InvitationToken", "RedeemReset", "ChangePassword"}
    asked_for |= {"PutProjectGit"}
    # A browser's own CSRF token; the values that whoever asked for may read.
    own = {"MeView", "ValueView", "ResolvedView"}
    found = {
        (name.rpartition(".")[2], field)
        for name, schema in document["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if any(word in field for word in ("hash", "secret", "password", "token"))
    }

    suspects = {(name, field) for name, field in found if name not in shown_once | asked_for | own}
    assert {pair for pair in suspects if not _harmless(*pair)} == set()


async def test_defences_integration_take_the_limit_from_the_settings(tmp_path: Path) -> None:
    limits = structs.replace(Limits(), logins_per_minute=2)
    async with make_app(tmp_path, limits=limits) as app:
        body = {"email": "a@example.org", "password": "x"}
        answers = [await app.anonymous.post("/api/v1/auth/login", json=body) for _ in range(3)]

    assert answers[-1].status_code == 429


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_people_integration_follow_the_members_of_their_tenant(
    tmp_path: Path, kind: StoresKind
) -> None:
    """The table of people in a tenant's store hears of joining, renaming and leaving."""
    async with make_app(tmp_path, kind) as app:
        me = (await app.owner.get("/api/v1/auth/me")).json()
        tenant_id = TenantId(me["tenant"]["id"])
        invited = await app.owner.post("/api/v1/invitations", json={"email": "bob@example.org"})
        joined = await app.anonymous.post(
            "/api/v1/auth/registrations",
            json={
                "token": invited.json()["token"],
                "email": "bob@example.org",
                "name": "Bob",
                "password": "a long Passw0rd of Bob",
            },
        )
        bob = joined.json()
        stores = app.application.process.stores

        def read(tx: Tx) -> dict[str, tuple[str, str]]:
            rows = tx.all("SELECT user_id, name, state FROM people WHERE tenant_id = :tenant_id")
            return {row[0]: (row[1], row[2]) for row in rows}

        async def person_is(*wanted: str) -> None:
            with anyio.fail_after(60):
                people: dict[str, Any] = {}
                while people.get(bob["user_id"]) != wanted:
                    await anyio.sleep(0.02)
                    people = await stores.tenants.read(tenant_id, read)

        await person_is("Bob", "active")
        await app.client(bob["access_token"]).patch("/api/v1/auth/me", json={"name": "Robert"})
        await person_is("Robert", "active")
        await app.owner.delete(f"/api/v1/members/{bob['user_id']}")
        await person_is("Robert", "removed")


def _harmless(name: str, field: str) -> bool:
    """Return whether a field only sounds secret: instants, ids, hashes of scripts, flags."""
    return (
        field.endswith(("_at", "_id", "_tokens", "content_hash", "parent_hash"))
        or (name, field) in _KNOWN
    )


_KNOWN = {
    ("AuditEventView", "hash"),
    ("ProjectGitView", "has_secret"),
    ("SettingView", "secret"),
    ("PutVariable", "is_secret"),
    ("VariableView", "is_secret"),
    ("RotationView", "secrets_sealed"),
}
