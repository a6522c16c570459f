from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

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


async def test_verify_takes_as_long_for_unknown_accounts(hasher: PasswordHasher) -> None:
    """C9: the medians of known and unknown accounts lie close together."""
    password_hash = await hasher.hash("correct horse")
    known, unknown = [], []
    for _ in range(9):  # Alternating, so that a busy machine slows both alike.
        known.append(await _seconds(lambda: hasher.verify(password_hash, "wrong")))
        unknown.append(await _seconds(lambda: hasher.verify(None, "wrong")))

    ratio = statistics.median(unknown) / statistics.median(known)
    assert 0.6 < ratio < 1.67, f"{ratio:.2f}"


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
