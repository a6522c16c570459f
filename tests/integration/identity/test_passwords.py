from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.identity import (
    OWNER_EMAIL,
    PASSWORD,
    IdentityWorld,
    bearer,
    identity_world,
)
from tests.fixtures.stores import StoresKind, until
from tidemill.core.ids import INSTALLATION

pytestmark = pytest.mark.anyio

NEW = "another tide table"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


async def _change(world: IdentityWorld, tokens: dict[str, str], current: str) -> httpx.Response:
    async with world.client(**bearer(tokens)) as client:
        return await client.put(
            "/api/v1/auth/password", json={"current_password": current, "new_password": NEW}
        )


async def _me(world: IdentityWorld, credential: dict[str, str] | str) -> int:
    async with world.client(**bearer(credential)) as client:
        return (await client.get("/api/v1/auth/me")).status_code


async def test_passwords_integration_change_ends_every_other_session(
    world: IdentityWorld,
) -> None:
    """C7: other devices and older access tokens stop; the device that changed it goes on."""
    await world.an_owner()
    phone, laptop = await world.tokens(), await world.tokens()

    changed = await _change(world, laptop, PASSWORD)
    old, new = await world.log_in(), await world.log_in(password=NEW)

    assert changed.status_code == 200, changed.text
    assert await _me(world, phone) == 401
    assert await _me(world, laptop) == 401, "the old access token counts no more"
    assert await _me(world, changed.json()) == 200
    assert (old.status_code, new.status_code) == (401, 200)
    async with world.client() as client:
        refreshed = await client.post(
            "/api/v1/auth/refresh", json={"refresh_token": laptop["refresh_token"]}
        )
    assert refreshed.status_code == 200


async def test_passwords_integration_change_rotates_a_browsers_cookie(
    world: IdentityWorld,
) -> None:
    await world.an_owner()
    async with world.client() as client:
        session = (
            await client.post(
                "/api/v1/auth/sessions", json={"email": OWNER_EMAIL, "password": PASSWORD}
            )
        ).json()
        old = client.cookies["tm_session"]
        changed = await client.put(
            "/api/v1/auth/password",
            json={"current_password": PASSWORD, "new_password": NEW},
            headers={"x-csrf-token": session["csrf_token"]},
        )
        new = client.cookies["tm_session"]
        works = await client.get("/api/v1/auth/me")
    async with world.client(Cookie=f"tm_session={old}") as client:
        refused = await client.get("/api/v1/auth/me")

    assert changed.json()["access_token"] == ""
    assert new != old
    assert works.status_code == 200
    assert refused.json()["error"]["code"] == "SESSION_INVALID"


async def test_passwords_integration_change_counts_guesses_of_the_current_one(
    tmp_path: Path,
) -> None:
    async with identity_world(tmp_path, login_failures_max=3) as world:
        owner = await world.an_owner()
        statuses = [(await _change(world, owner, "wrong wrong")).status_code for _ in range(5)]

        told = await world.audit_actions(owner["tenant_id"])
        paused = await world.audit_actions()

    assert statuses == [403, 403, 403, 429, 429]
    assert not world.tarpits
    assert told.count("identity.passwords.refuse") == 3, "each guess that was judged"
    assert paused.count("identity.logins.pause") == 1


async def test_passwords_integration_change_refuses_weak_ones_without_counting_a_guess(
    tmp_path: Path,
) -> None:
    async with identity_world(tmp_path, login_failures_max=3) as world:
        owner = await world.an_owner()
        async with world.client(**bearer(owner)) as client:
            answers = [
                await client.put(
                    "/api/v1/auth/password",
                    json={"current_password": PASSWORD, "new_password": "12345678"},
                )
                for _ in range(5)
            ]
        entered = await world.log_in()

    assert {answer.json()["error"]["code"] for answer in answers} == {"WEAK_PASSWORD"}
    assert entered.status_code == 200


async def test_passwords_integration_resets_go_on_after_one_that_broke(
    world: IdentityWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.an_owner()
    passwords = world.part("passwords")
    letter = passwords._letter
    failures = [RuntimeError("the letter broke")]

    def breaking(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return letter(*arguments)

    monkeypatch.setattr(passwords, "_letter", breaking)
    async with world.client() as client:
        for _ in range(2):
            await client.post("/api/v1/auth/password-resets", json={"email": OWNER_EMAIL})

    await until(lambda: world.mail.letters)


async def test_passwords_integration_reset_by_a_letter_works_once(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    async with world.client() as client:
        asked = await client.post("/api/v1/auth/password-resets", json={"email": OWNER_EMAIL})
        await until(lambda: world.mail.letters)
        token = _token_of(world)
        redeem = "/api/v1/auth/password-resets/redemptions"
        weak = await client.post(redeem, json={"token": token, "password": "12345678"})
        done = await client.post(redeem, json={"token": token, "password": NEW})
        again = await client.post(redeem, json={"token": token, "password": PASSWORD})

    assert (asked.status_code, weak.status_code, done.status_code) == (202, 422, 204)
    assert again.json()["error"]["code"] == "PASSWORD_RESET_INVALID"
    assert await _me(world, owner) == 401
    assert (await world.log_in(password=NEW)).status_code == 200


async def test_passwords_integration_reset_answers_alike_for_every_address(
    world: IdentityWorld,
) -> None:
    """C9: neither answer nor letter tells a stranger who has an account."""
    await world.an_owner()
    path = "/api/v1/auth/password-resets"
    async with world.client() as client:
        answers = [
            await client.post(path, json={"email": email})
            for email in (OWNER_EMAIL, "nobody@example.org", "no address")
        ]
    await world.part("passwords").drain()
    await until(lambda: world.mail.letters)

    assert {(a.status_code, a.text) for a in answers} == {(202, answers[0].text)}
    assert [mail.to for mail in world.mail.letters] == [OWNER_EMAIL]


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_passwords_integration_a_reset_that_was_answered_outlives_its_process(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with identity_world(tmp_path, kind) as world:
        await world.an_owner()
        passwords = world.part("passwords")
        await passwords.stop()
        async with world.client() as client:
            path = "/api/v1/auth/password-resets"
            asked = await client.post(path, json={"email": OWNER_EMAIL})
        rows = await world.stores.control.read(
            INSTALLATION, lambda tx: tx.all("SELECT sealed FROM password_reset_requests")
        )
        before = list(world.mail.letters)
        await passwords.start()
        await until(lambda: world.mail.letters)
        await passwords.drain()
        left = await world.stores.control.read(
            INSTALLATION, lambda tx: tx.all("SELECT id FROM password_reset_requests")
        )

    assert (asked.status_code, before) == (202, [])
    assert [OWNER_EMAIL in row[0] for row in rows] == [False], "it is kept, and sealed"
    assert [mail.to for mail in world.mail.letters] == [OWNER_EMAIL]
    assert list(left) == []


async def test_passwords_integration_reset_links_expire_and_are_few(world: IdentityWorld) -> None:
    await world.an_owner()
    async with world.client() as client:
        for _ in range(8):
            await client.post("/api/v1/auth/password-resets", json={"email": OWNER_EMAIL})
        await world.part("passwords").drain()
        await until(lambda: len(world.mail.letters) >= 5)
        world.clock.advance(31 * 60)
        late = await client.post(
            "/api/v1/auth/password-resets/redemptions",
            json={"token": _token_of(world), "password": NEW},
        )

    assert len(world.mail.letters) == 5
    assert late.status_code == 404


def _token_of(world: IdentityWorld) -> str:
    found = re.search(r"token=(tmp_\w+)", world.mail.letters[-1].text)
    assert found is not None
    return found[1]
