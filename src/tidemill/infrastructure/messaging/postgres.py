"""The bus that needs nothing but PostgreSQL: NOTIFY carries numbers, the log has the facts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.messaging.messages import encode_ephemeral, encode_number, subject
from tidemill.infrastructure.messaging.supervised import SupervisedBus

ping_seconds: Final = 4.0
ping_seconds_max: Final = 2.0
notify_window: Final = 500
# NOTIFY takes 8,000 bytes, and a character has up to four.
piece_characters: Final = 1_900
ephemeral_characters_max: Final = 262_144

_NOTIFY: Final = "SELECT pg_notify($1, piece) FROM unnest($2::text[]) AS piece"

Listener: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"


class PostgresBus(SupervisedBus):
    """One connection listens, one sends."""

    name: ClassVar[str] = "postgres"
    setting: ClassVar[str] = "database.url"
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
    )

    def __init__(self, dsn: str, *, prefix: str = "tidemill") -> None:
        super().__init__()
        self._dsn = dsn
        self._facts_channel = f"{subject(prefix)}_facts"
        self._live_channel = live_channel(prefix)
        self._listening: asyncpg.Connection[Any] | None = None
        self._sending: asyncpg.Connection[Any] | None = None
        self._send_lock = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._pieces: dict[tuple[int, str], list[str]] = {}
        self._update_number = 0

    async def _open(self, generation: int) -> None:
        def closed(_: Any) -> None:
            self._break(generation, "closed by the server")

        self._pieces.clear()
        self._listening = await asyncpg.connect(self._dsn)
        self._listening.add_termination_listener(closed)
        self._sending = await asyncpg.connect(self._dsn)
        self._sending.add_termination_listener(closed)
        await self._listening.add_listener(self._facts_channel, self._on_number)
        await self._listening.add_listener(self._live_channel, self._on_piece)
        self._watch = asyncio.create_task(self._ping(self._listening, generation))

    async def _ping(self, connection: asyncpg.Connection[Any], generation: int) -> None:
        # A peer that vanished without a word is noticed only by asking.
        with contextlib.suppress(*self._troubles):
            while True:
                await asyncio.sleep(ping_seconds)
                await connection.execute("SELECT 1", timeout=ping_seconds_max)
        self._break(generation, "no answer to a ping")

    async def _close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for connection in (self._listening, self._sending):
            if connection is not None and not connection.is_closed():
                try:
                    await connection.close(timeout=1)
                except self._troubles:
                    connection.terminate()
        self._listening = self._sending = None

    async def _send(self, batches: Sequence[FactBatch]) -> None:
        numbers = [encode_number(batch.tenant_id, batch.through).decode() for batch in batches]
        for start in range(0, len(numbers), notify_window):
            await self._notify(self._facts_channel, numbers[start : start + notify_window])

    async def _send_ephemeral(self, update: Ephemeral) -> None:
        text = encode_ephemeral(update).decode()
        if len(text) > ephemeral_characters_max:
            return
        self._update_number += 1
        await self._notify(self._live_channel, _pieces(text, self._update_number))

    async def _notify(self, channel: str, payloads: list[str]) -> None:
        async with self._send_lock:
            connection = self._sending
            if connection is None:
                message = "the connection is closed"
                raise asyncpg.InterfaceError(message)
            await connection.execute(_NOTIFY, channel, payloads)

    def _on_number(self, _connection: Listener, _pid: int, _channel: str, payload: object) -> None:
        self._received_fact_bytes(str(payload))

    def _on_piece(self, _connection: Listener, pid: int, _channel: str, payload: object) -> None:
        number, place, text = str(payload).split(":", 2)
        index, _, count = place.partition("/")
        if index == "1":
            # Pieces of one sender arrive in order; what it left unfinished is lost.
            self._pieces = {key: value for key, value in self._pieces.items() if key[0] != pid}
        pieces = self._pieces.setdefault((pid, number), [])
        pieces.append(text)
        if index == count:
            del self._pieces[(pid, number)]
            if len(pieces) == int(count):
                self._received_ephemeral_bytes("".join(pieces))


def live_channel(prefix: str) -> str:
    """Return the channel of ephemeral updates."""
    return f"{prefix}_live"


def live_payload(update: Ephemeral) -> str:
    """Return a short update as another connection may notify it, within its own transaction."""
    pieces = _pieces(encode_ephemeral(update).decode(), 0)
    if len(pieces) != 1:
        raise ValueError("The update is too long for one notification.")
    return pieces[0]


def _pieces(text: str, number: int) -> list[str]:
    pieces = [
        text[start : start + piece_characters] for start in range(0, len(text), piece_characters)
    ]
    return [f"{number}:{index}/{len(pieces)}:{piece}" for index, piece in enumerate(pieces, 1)]
