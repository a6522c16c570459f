from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fixtures.stores import StoreClock, make_stores, until
from tidemill.core.clock import Instant, seconds_after
from tidemill.core.errors import Unavailable
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Mail, Tx
from tidemill.identity.letters.models import attempts_max
from tidemill.identity.letters.repository import LetterRepository
from tidemill.identity.letters.service import Letters
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio

LETTER = Mail(to="ada@example.org", subject="s", text="the link")
DAY_SECONDS = 86_400.0


class Mailer:
    """Fails as often as it is told to, then takes letters."""

    def __init__(self) -> None:
        self.failures = 0
        self.dies = False
        self.taken: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        await asyncio.sleep(0)
        if self.dies:
            raise asyncio.CancelledError
        if self.failures:
            self.failures -= 1
            raise Unavailable("The mail server is away.")
        self.taken.append(mail)


class World:
    def __init__(self, stores: Stores, clock: StoreClock) -> None:
        self.stores = stores
        self.clock = clock
        self.mailer = Mailer()
        self.letters = self.a_process()

    def a_process(self, secret: str = "s" * 32) -> Letters:
        return Letters(self.stores.control, self.mailer, secret=secret, attempt_seconds_max=60)

    async def write(self, count: int = 1, seconds: float = DAY_SECONDS) -> None:
        def use_case(tx: Tx) -> None:
            for _ in range(count):
                self.letters.add(tx, LETTER, expires_at=seconds_after(tx.now, seconds))

        await self.stores.control.write(INSTALLATION, use_case)

    async def rows(self) -> list[str]:
        rows = await self.stores.control.read(
            INSTALLATION, lambda tx: tx.all("SELECT sealed FROM letters")
        )
        return [str(row[0]) for row in rows]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = StoreClock()
    async with make_stores("sqlite", tmp_path, clock=clock) as stores:
        yield World(stores, clock)


async def test_letters_wait_sealed_for_a_process_that_sends_them(world: World) -> None:
    await world.write()
    [sealed] = await world.rows()

    await world.a_process().send_due()

    assert "link" not in sealed
    assert [(mail.to, mail.text) for mail in world.mailer.taken] == [
        ("ada@example.org", "the link")
    ]
    assert await world.rows() == []


async def test_letters_go_out_as_soon_as_they_are_written(world: World) -> None:
    await world.letters.start()

    await world.write(3)
    await until(lambda: len(world.mailer.taken) == 3)
    await world.letters.stop()

    assert len({mail.message_id for mail in world.mailer.taken}) == 3


async def test_letters_try_again_when_the_server_was_away(world: World) -> None:
    world.mailer.failures = 2
    await world.write()

    await world.letters.send_due()
    at_once = len(world.mailer.taken)
    await world.letters.send_due()
    for _ in range(2):
        world.clock.advance(21)
        await world.letters.send_due()

    assert at_once == 0
    assert len(world.mailer.taken) == 1
    assert await world.rows() == []


async def test_letters_of_several_processes_go_out_once(world: World) -> None:
    await world.write(5)

    await asyncio.gather(*(world.a_process().send_due() for _ in range(3)))

    assert len(world.mailer.taken) == 5


async def test_letters_of_a_process_that_died_go_out_later(world: World) -> None:
    await world.write()
    world.mailer.dies = True
    with pytest.raises(asyncio.CancelledError):
        await world.letters.send_due()
    world.mailer.dies = False
    await world.a_process().send_due()
    at_once = len(world.mailer.taken)
    world.clock.advance(121)
    await world.a_process().send_due()

    assert (at_once, len(world.mailer.taken)) == (0, 1)


async def test_letters_of_a_process_that_was_too_slow_are_those_of_the_next(world: World) -> None:
    await world.write()
    [waiting] = await world.stores.control.read(
        INSTALLATION, lambda tx: LetterRepository().due(tx, 1)
    )

    def ended_late(tx: Tx) -> None:
        letters, held = LetterRepository(), Instant(tx.now - 1)
        assert letters.claim(tx, waiting.id, seconds_after(tx.now, 60))
        letters.remove(tx, waiting.id, held=held)
        letters.postpone(tx, waiting.id, tx.now, held=held)

    await world.stores.control.write(INSTALLATION, ended_late)

    assert len(await world.rows()) == 1
    await world.letters.send_due()
    assert world.mailer.taken == [], "the next process still has it"


async def test_letters_are_given_up_with_their_link(world: World) -> None:
    await world.write(seconds=60)
    world.clock.advance(61)

    await world.letters.send_due()

    assert (world.mailer.taken, await world.rows()) == ([], [])


async def test_letters_are_given_up_after_many_attempts(world: World) -> None:
    world.mailer.failures = 100
    await world.write(seconds=30 * DAY_SECONDS)

    for _ in range(attempts_max):
        await world.letters.send_due()
        world.clock.advance(3601)

    assert 100 - world.mailer.failures == attempts_max
    assert await world.rows() == []


async def test_letters_sealed_under_another_secret_hold_up_no_others(world: World) -> None:
    await world.write()
    process = world.a_process("t" * 32)

    with capture_logs() as lines:
        await process.send_due()

    assert [line["event"] for line in lines] == ["identity.letters.sealed"]
    assert await world.rows() == []
