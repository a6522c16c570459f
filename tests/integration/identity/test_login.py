from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from argon2 import PasswordHasher as Argon2

from tests.fixtures.identity import OWNER_EMAIL, PASSWORD, IdentityWorld, bearer, identity_world
from tests.fixtures.stores import StoresKind
from tidemill.core.actor import system
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.operators import OPERATORS
from tidemill.core.ports import Tx
from tidemill.settings.operators.service import FirstOwners

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "schema"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    kind: StoresKind = request.param
    async with identity_world(tmp_path, kind) as world:
        yield world


async def test_login_integration_answers_tokens_and_me_tells_who_one_is(
    world: IdentityWorld,
) -> None:
    tokens = await world.an_owner()

    async with world.client(**bearer(tokens)) as client:
        me = (await client.get("/api/v1/auth/me")).json()

    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 900
    assert tokens["refresh_token"].startswith("tmr_")
    assert me["user"]["email"] == OWNER_EMAIL
    assert me["role"] == "owner"
    assert me["tenant"]["id"] == tokens["tenant_id"]
    assert PASSWORD not in str(me)


async def test_login_integration_answers_unknown_wrong_and_closed_accounts_alike(
    world: IdentityWorld,
) -> None:
    """C9, defect 7 of 1.3: neither body nor status tells whether an account exists."""
    owner = await world.an_owner()
    await world.a_member(owner, "member", "bob@example.org")
    await _close(world, "bob@example.org")

    wrong = await world.log_in(password="not the tide table")
    unknown = await world.log_in("nobody@example.org")
    closed = await world.log_in("bob@example.org")
    strange = await world.log_in("no address at all")

    answers = {(a.status_code, a.text) for a in (wrong, unknown, closed, strange)}
    assert len(answers) == 1, answers
    assert wrong.status_code == 401
    assert wrong.json()["error"]["code"] == "WRONG_CREDENTIALS"


@pytest.mark.parametrize("email", ["nobody@example.org", "no address at all", "bob@example.org"])
async def test_login_integration_does_the_same_for_unknown_wrong_and_closed_accounts(
    world: IdentityWorld, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """C9: the same hashes and the same use of the store, so that time tells nothing either."""
    owner = await world.an_owner()
    await world.a_member(owner, "member", "bob@example.org")
    await _close(world, "bob@example.org")
    work = _Work(world, monkeypatch)

    await world.log_in(password="not the tide table", address="192.0.2.1")
    wrong = work.taken()
    await world.log_in(email, password="not the tide table", address="192.0.2.2")
    other = work.taken()

    assert other == wrong
    assert wrong.count("argon2.verify") == 1
    assert "argon2.hash" not in wrong
    assert "control.write" in wrong


class _Work:
    """What this test's requests do that takes time: hashes, transactions, their statements."""

    def __init__(self, world: IdentityWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self._done: list[str] = []
        self._task = asyncio.current_task()
        for name in ("verify", "hash"):
            monkeypatch.setattr(Argon2, name, self._noted(f"argon2.{name}", getattr(Argon2, name)))
        control = world.stores.control
        for name in ("read", "write"):
            monkeypatch.setattr(control, name, self._followed(name, getattr(control, name)))

    def taken(self) -> list[str]:
        """Return what was done since the last look."""
        done, self._done = self._done, []
        return done

    def _noted(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, **named: Any) -> Any:
            self._done.append(what)
            return call(*given, **named)

        return noted

    def _followed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def followed(tenant: TenantId, use_case: Callable[[Tx], Any], **named: Any) -> Any:
            if asyncio.current_task() is not self._task:
                return call(tenant, use_case, **named)  # Something periodic, not the request.
            self._done.append(f"control.{name}")
            return call(tenant, lambda tx: use_case(cast("Tx", _Followed(tx, self))), **named)

        return followed

    def statement(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` of a transaction, noted with the statement or action that it gets."""

        def noted(what: str, *given: Any, **named: Any) -> Any:
            self._done.append(f"{name} {what}")
            return call(what, *given, **named)

        return noted


class _Followed:
    """A transaction whose calls are noted."""

    def __init__(self, tx: Tx, work: _Work) -> None:
        self._tx = tx
        self._work = work

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        noted = name in {"execute", "execute_many", "one", "all", "audit"}
        return self._work.statement(name, found) if noted else found


async def test_login_integration_writes_failures_to_the_installations_audit_log(
    world: IdentityWorld,
) -> None:
    await world.an_owner()

    await world.log_in(password="wrong wrong")

    assert "identity.logins.refuse" in await world.audit_actions()


async def test_login_integration_pauses_an_account_after_ten_wrong_passwords(
    world: IdentityWorld,
) -> None:
    """C10: the eleventh guess from anywhere strange is told to wait, even with the password."""
    await world.an_owner()
    for number in range(10):
        await world.log_in(password="wrong wrong", address=f"192.0.2.{number}")

    paused = await world.log_in(address="192.0.2.99")

    assert paused.status_code == 429
    assert paused.json()["error"]["code"] == "LOGIN_PAUSED"
    assert 1 <= int(paused.headers["retry-after"]) <= 300


async def test_login_integration_writes_each_pause_to_the_audit_log_once(tmp_path: Path) -> None:
    """Whoever reads the log sees that guessing was stopped, and guesses do not fill it."""
    async with identity_world(tmp_path, login_failures_max=3, address_failures_max=5) as world:
        await world.an_owner()
        for number in range(8):
            await world.log_in(password="wrong wrong", address=f"192.0.2.{number}")
        for number in range(8):
            await world.log_in(f"u{number}@example.org", address="192.0.2.77")
        lines = await world.stores.control.read(
            INSTALLATION,
            lambda tx: tx.all(
                "SELECT resource, after FROM audit_outbox WHERE tenant_id = :tenant_id"
                " AND action = 'identity.logins.pause' ORDER BY position"
            ),
        )

    account, address = [(row[0], json.loads(row[1])["failures"]) for row in lines]
    assert account[0].startswith("account:")
    assert account[1] == 3
    assert address == ("address:192.0.2.77", 5)
    assert OWNER_EMAIL not in str(lines)


async def test_login_integration_never_pauses_the_owner_at_a_known_address(
    world: IdentityWorld,
) -> None:
    """C10: a flood of guesses elsewhere cannot lock an owner out."""
    await world.an_owner()
    for number in range(12):
        await world.log_in(password="wrong wrong", address=f"192.0.2.{number}")

    assert (await world.log_in(address="127.0.0.1")).status_code == 200


async def test_login_integration_forgets_failures_after_the_window(world: IdentityWorld) -> None:
    await world.an_owner()
    for number in range(11):
        await world.log_in(password="wrong wrong", address=f"192.0.2.{number}")

    world.clock.advance(301)

    assert (await world.log_in(address="192.0.2.99")).status_code == 200


async def test_login_integration_pauses_an_address_that_tries_many_accounts(
    tmp_path: Path,
) -> None:
    async with identity_world(tmp_path, address_failures_max=3) as world:
        await world.an_owner()
        for number in range(3):
            await world.log_in(f"u{number}@example.org", address="192.0.2.1")

        paused = await world.log_in("u9@example.org", address="192.0.2.1")
        elsewhere = await world.log_in("u9@example.org", address="192.0.2.2")

    assert (paused.status_code, elsewhere.status_code) == (429, 401)


@pytest.mark.each_database(reason="transactions race")
async def test_login_integration_counts_guesses_that_run_at_once(tmp_path: Path) -> None:
    """C10: guesses in parallel are counted before their passwords are looked at."""
    async with identity_world(tmp_path, login_failures_max=4) as world:
        await world.setup.create_first_owner(email=OWNER_EMAIL, password=PASSWORD)
        statuses: list[int] = []

        async def guess(number: int) -> None:
            answer = await world.log_in(password="wrong wrong", address=f"192.0.2.{number}")
            statuses.append(answer.status_code)

        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(guess, number)

    assert sorted(statuses) == [401] * 4 + [429] * 8


async def test_login_integration_believes_forwarded_addresses_from_trusted_proxies_only(
    tmp_path: Path,
) -> None:
    """C10: an attacker cannot escape the count by naming other addresses."""
    async with identity_world(tmp_path, address_failures_max=2) as world:
        await world.an_owner()
        statuses = []
        for number in range(4):
            async with world.client("192.0.2.7", **{"X-Forwarded-For": f"8.8.8.{number}"}) as c:
                answer = await c.post(
                    "/api/v1/auth/login",
                    json={"email": f"u{number}@example.org", "password": "wrong"},
                )
            statuses.append(answer.status_code)

    assert statuses == [401, 401, 429, 429]


async def test_login_integration_enters_the_named_tenant_of_several(world: IdentityWorld) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        second = (
            await client.post("/api/v1/tenants", json={"name": "Second", "slug": "second"})
        ).json()

    entered = await world.tokens(tenant_id=second["id"])
    default = await world.tokens()
    foreign = await world.log_in(tenant_id="not-mine")

    assert entered["tenant_id"] == second["id"]
    assert default["tenant_id"] == owner["tenant_id"]
    assert foreign.status_code == 404


async def test_login_integration_rehashes_when_the_parameters_change(tmp_path: Path) -> None:
    async with identity_world(tmp_path, argon2_time_cost=2) as world:
        await world.an_owner()
    async with identity_world(tmp_path, argon2_time_cost=3) as world:
        await world.tokens()
        row = await world.stores.control.read(
            INSTALLATION, lambda tx: tx.one("SELECT password_hash FROM users")
        )

    assert row is not None
    assert "t=3" in row[0]


async def test_login_integration_stores_no_secret_in_the_clear(world: IdentityWorld) -> None:
    """G1: neither password nor token nor cookie lies in the control store."""
    owner = await world.an_owner()
    token = await world.an_api_token(owner, "read")
    async with world.client() as client:
        await client.post(
            "/api/v1/auth/sessions", json={"email": OWNER_EMAIL, "password": PASSWORD}
        )
        cookie = client.cookies["tm_session"]

    stored = await _everything(world)

    secrets = (PASSWORD, owner["refresh_token"], owner["access_token"], token, cookie)
    for secret in secrets:
        assert secret not in stored
        assert len(secret) < 60 or secret[17:59] not in stored


async def _close(world: IdentityWorld, email: str) -> None:
    row = await world.stores.control.read(
        INSTALLATION,
        lambda tx: tx.one("SELECT id FROM users WHERE email_key = :email", email=email),
    )
    assert row is not None
    world.ports[OPERATORS] = FirstOwners(world.stores.control)
    await world.part("user_directory").disable(row[0], actor=system("test"))


async def _everything(world: IdentityWorld) -> str:
    tables = [
        "users",
        "sessions",
        "refresh_tokens",
        "api_tokens",
        "audit_outbox",
        "outbox",
        "idempotency_keys",
    ]

    def read(tx: Tx) -> str:
        rows = [tuple(row) for table in tables for row in tx.all(f"SELECT * FROM {table}")]
        return str(rows)

    return await world.stores.control.read(INSTALLATION, read)
