from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest
from argon2 import PasswordHasher as Argon2
from argon2 import extract_parameters

from tidemill.core.config.sections.people import Auth
from tidemill.identity.errors import PasswordsBusy
from tidemill.identity.passwords.hasher import PasswordHasher

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    hasher = PasswordHasher(Auth(password_threads=2))
    await hasher.start()
    yield hasher
    await hasher.stop()


async def test_verify_knows_the_password_in_every_form_of_unicode(hasher: PasswordHasher) -> None:
    password_hash = await hasher.hash("café au lait")

    assert await hasher.verify(password_hash, "cafe\u0301 au lait")
    assert not await hasher.verify(password_hash, "cafe au lait")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_verify_refuses_everything_without_a_hash(hasher: PasswordHasher) -> None:
    assert not await hasher.verify(None, "anything")
    assert not await hasher.verify("no hash", "anything")


async def test_needs_rehash_compares_parameters(hasher: PasswordHasher) -> None:
    password_hash = await hasher.hash("correct horse")

    assert not hasher.needs_rehash(password_hash)
    assert PasswordHasher(Auth(argon2_time_cost=3)).needs_rehash(password_hash)


async def test_hash_refuses_more_than_can_be_served_soon() -> None:
    hasher = PasswordHasher(Auth(password_threads=1, password_queue_max=3))
    outcomes: list[str] = []

    async def work() -> None:
        try:
            await hasher.hash("correct horse")
        except PasswordsBusy as busy:
            outcomes.append(busy.headers["Retry-After"])
        else:
            outcomes.append("done")

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(work)
    await hasher.stop()

    assert sorted(outcomes) == ["2"] * 4 + ["done"] * 4


async def test_hash_leaves_the_loop_free(hasher: PasswordHasher) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as group:
        group.start_soon(turn)
        await hasher.hash("correct horse")
        group.cancel_scope.cancel()

    assert turns > 10


async def test_verify_does_the_same_work_for_unknown_accounts(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9: one verification either way, of a hash with the same costs."""
    password_hash = await hasher.hash("correct horse")
    verified: list[str] = []
    verify = Argon2.verify

    def noted(argon2: Argon2, wanted: str, password: str) -> bool:
        verified.append(wanted)
        return verify(argon2, wanted, password)

    monkeypatch.setattr(Argon2, "verify", noted)

    assert not await hasher.verify(password_hash, "wrong")
    assert not await hasher.verify(None, "wrong")

    known, unknown = map(extract_parameters, verified)
    assert known == unknown
    assert verified[0] == password_hash


async def test_start_makes_what_unknown_accounts_are_checked_against(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9: else the first unknown account would take as long as two."""
    hashed: list[str] = []
    monkeypatch.setattr(Argon2, "hash", lambda _, password: hashed.append(password))

    assert not await hasher.verify(None, "wrong")

    assert hashed == []
