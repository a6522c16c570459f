"""The door for workers of other machines: strangers stay out, ended tokens end connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.fixtures.certificates import Authority
from tests.fixtures.worker_tokens import Changes, Tokens
from tidemill.jobs.dispatching.dispatcher.admission import Admit, NotAdmitted, refusals_max
from tidemill.jobs.dispatching.dispatcher.remote import RemoteDoor
from tidemill.jobs.protocol.connection import DispatcherConnection, WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Draining, Hello, Refused, protocol_version
from tidemill.jobs.protocol.receiving import Windows
from tidemill.jobs.protocol.tls import TlsPlace, TlsTarget, dial

pytestmark = pytest.mark.anyio


class Reception:
    """Welcomes whoever is admitted by saying that it drains, and listens to the end."""

    async def receive(self, connection: DispatcherConnection, admit: Admit) -> None:
        hello = await connection.receive()
        assert isinstance(hello, Hello)
        try:
            await admit(hello)
        except NotAdmitted as refused:
            await connection.send(Refused(reason=str(refused)))
            raise
        connection.widen()
        await connection.send(Refused(reason="welcome"))
        await connection.receive()


class Door:
    """An open door, and what lies behind it."""

    def __init__(self, authority: Authority) -> None:
        self.tokens, self.changes = Tokens(), Changes()
        self.now = 0.0
        files = authority.issue("dispatcher")
        place = TlsPlace(
            host="127.0.0.1",
            port=0,
            certificate_file=str(files.certificate),
            key_file=str(files.key),
        )
        self.door = RemoteDoor(
            place, lambda: self.tokens, self.changes, lambda: self.now, cast("Any", Reception())
        )
        self._ca_file = str(authority.file)

    async def worker(self, token: str) -> tuple[WorkerConnection, str]:
        """Connect a worker; return its connection and what it is told."""
        connection = await self.greet(token)
        return connection, await self.told(connection)

    async def greet(self, token: str, *, windows: Windows | None = None) -> WorkerConnection:
        """Connect a worker that says Hello."""
        target = TlsTarget(host="localhost", port=self.door.listener.port, ca_file=self._ca_file)
        connection = await dial(target, windows=windows)
        await connection.send(
            Hello(
                version=protocol_version,
                worker_id="w",
                secret=token,
                host="h",
                slots=1,
                tags=("default",),
                isolations=(),
            )
        )
        return connection

    async def guessed(self) -> None:
        """Return when a token has been looked at."""
        await asyncio.wait_for(self.tokens.guessed.wait(), 60)
        self.tokens.guessed.clear()

    async def refusals(self, token: str, count: int) -> set[str]:
        """Connect many workers at once; return what they are told once all have been sent away."""
        met = await asyncio.gather(*(self.worker(token) for _ in range(count)))
        await asyncio.gather(*(connection.wait_closed() for connection, _ in met))
        return {told for _, told in met}

    async def told(self, connection: WorkerConnection) -> str:
        """Return what a worker is told next."""
        answer = await asyncio.wait_for(connection.receive(), 60)
        assert isinstance(answer, Refused)
        return answer.reason


@asynccontextmanager
async def _open(tmp_path: Path) -> AsyncIterator[Door]:
    door = Door(Authority.make(tmp_path))
    await door.door.start()
    try:
        yield door
    finally:
        await door.door.stop()


async def test_door_ends_the_connections_of_a_token_that_is_revoked(tmp_path: Path) -> None:
    async with _open(tmp_path) as door:
        (first, welcome), (other, _) = await door.worker("one"), await door.worker("two")

        door.changes.revoke("one")

        assert welcome == "welcome"
        assert "has ended" in await door.told(first)
        await asyncio.wait_for(first.wait_closed(), 60)
        assert not other.closed
        await other.send(Draining())


async def test_door_looks_again_at_a_token_that_changes_while_it_is_looked_at(
    tmp_path: Path,
) -> None:
    async with _open(tmp_path) as door:

        def revoke() -> None:
            door.tokens.valid.discard("one")
            door.changes.revoke("one")

        door.tokens.on_look = revoke

        _, told = await door.worker("one")

        assert told == "ended"


async def test_door_ends_connections_of_tokens_that_ended_unheard(tmp_path: Path) -> None:
    async with _open(tmp_path) as door:
        connection, _ = await door.worker("one")
        door.tokens.valid.discard("one")

        door.changes.reset()

        assert "has ended" in await door.told(connection)


async def test_door_keeps_out_an_address_that_guesses_and_lets_it_in_later(tmp_path: Path) -> None:
    async with _open(tmp_path) as door:
        assert await door.refusals("guess", refusals_max) == {"unknown"}

        with pytest.raises(ConnectionLost):
            await door.worker("one")
        door.now = 3600.0
        _, told = await door.worker("one")

        assert told == "welcome"


async def test_door_counts_guesses_of_strangers_who_take_no_answer(tmp_path: Path) -> None:
    async with _open(tmp_path) as door:
        for _ in range(refusals_max):
            connection = await door.greet("guess", windows=Windows(control=0))
            await door.guessed()
            connection.abort("It has heard enough.")

        with pytest.raises(ConnectionLost):
            await door.worker("one")


async def test_door_looks_on_after_a_look_at_tokens_that_broke(tmp_path: Path) -> None:
    async with _open(tmp_path) as door:
        connection, _ = await door.worker("one")
        door.tokens.broken = RuntimeError("a look that broke")
        door.changes.reset()
        await asyncio.wait_for(door.tokens.looked.wait(), 60)
        door.tokens.broken = None
        door.tokens.valid.discard("one")

        door.changes.reset()

        assert "has ended" in await door.told(connection)


async def test_door_does_not_take_ended_tokens_for_guesses(tmp_path: Path) -> None:
    async with _open(tmp_path) as door:
        door.tokens.valid.discard("one")
        assert await door.refusals("one", refusals_max + 1) == {"ended"}

        _, told = await door.worker("two")

        assert told == "welcome"
