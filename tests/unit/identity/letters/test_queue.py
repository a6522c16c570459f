from __future__ import annotations

import anyio
import pytest

from tidemill.core.errors import Unavailable
from tidemill.core.ports import Mail
from tidemill.identity.letters.queue import Letters

pytestmark = pytest.mark.anyio

LETTER = Mail(to="ada@example.org", subject="s", text="t")


class Mailer:
    """Fails as often as it is told to, then takes letters."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("The mail server is away.")
        self.taken.append(mail)


async def test_letters_try_again_when_the_server_is_away() -> None:
    mailer = Mailer(failures=2)
    letters = Letters(mailer, pause_seconds=0)
    await letters.start()

    letters.send(LETTER)
    await letters.drain()
    await letters.stop()

    assert mailer.taken == [LETTER]


async def test_letters_go_on_after_one_that_could_not_be_sent() -> None:
    mailer = Mailer(failures=3)
    letters = Letters(mailer, pause_seconds=0)
    await letters.start()

    letters.send(LETTER)
    letters.send(LETTER)
    await letters.drain()
    await letters.stop()

    assert len(mailer.taken) == 1


async def test_letters_send_what_waits_before_they_stop() -> None:
    mailer = Mailer()
    letters = Letters(mailer)
    await letters.start()
    for _ in range(5):
        letters.send(LETTER)

    with anyio.fail_after(60):
        await letters.stop()

    assert len(mailer.taken) == 5


async def test_letters_drop_what_is_too_many() -> None:
    letters = Letters(Mailer())
    for _ in range(1_500):
        letters.send(LETTER)

    assert letters._queue.qsize() == 1_000
