"""One connection beside the pool that tells other processes what committed, and hears them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import asyncpg
import structlog

from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.failures import store_unavailable
from tidemill.infrastructure.database.postgres.pool import server_settings

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_pause_seconds: Final = 0.5
_beat_seconds: Final = 5.0
_gather_seconds: Final = 0.01
_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"


class Signals:
    """Payloads of one tick go out as one statement; it reconnects by itself."""

    def __init__(
        self,
        url: str,
        channel: str,
        options: DatabaseOptions,
        *,
        heard: Callable[[str], None],
        joined: Callable[[], None],
    ) -> None:
        self._url = url
        self._channel = channel
        self._options = options
        self._heard = heard
        self._joined = joined
        self._connection: Any = None
        self._pid = 0
        self._using = asyncio.Lock()
        self._waiting: set[str] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and listen. Raises `StoreUnavailable`."""
        try:
            await self._connect()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            unavailable = store_unavailable("control", error)
            raise unavailable or StoreUnavailable("control", type(error).__name__) from error
        self._task = asyncio.create_task(self._run(), name="signals")

    async def stop(self) -> None:
        """Send what waits, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(Exception):
            async with asyncio.timeout(2):
                await self._flush()
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=2)

    def send(self, payload: str) -> None:
        """Queue `payload` for the other processes; the same one waits only once."""
        self._waiting.add(payload)
        self._woken.set()

    async def use(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run `work` with the connection, which no pool can run out of.

        Raises `StoreUnavailable`.
        """
        async with self._using:
            if self._connection is None or self._connection.is_closed():
                raise StoreUnavailable("control", "the connection to the server failed")
            try:
                return await work(self._connection)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                unavailable = store_unavailable("control", error)
                if unavailable is None:
                    raise
                raise unavailable from error

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_beat_seconds):
                    await self._woken.wait()
            self._woken.clear()
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._connect()
                    _log.info("signals.reconnected")
                    self._joined()
                await self._flush_or_beat()
                # Under load, what commits in the next moment shares a notification.
                await asyncio.sleep(_gather_seconds)
            except Exception as error:  # noqa: BLE001 - it must outlive any failure
                _log.warning("signals.lost", reason=str(error))
                await asyncio.sleep(_pause_seconds)
                self._woken.set()

    async def _flush_or_beat(self) -> None:
        """Send what waits; else find out whether the server still answers."""
        try:
            async with asyncio.timeout(_beat_seconds):
                if self._waiting:
                    await self._flush()
                else:
                    await self.use(lambda connection: connection.execute("SELECT 1"))
        except TimeoutError:
            self._connection.terminate()
            raise

    async def _connect(self) -> None:
        connection = await asyncpg.connect(
            self._url,
            timeout=self._options.connect_timeout_seconds,
            server_settings={**server_settings(self._options), "application_name": "tidemill bus"},
        )
        await connection.add_listener(self._channel, self._on_payload)
        connection.add_termination_listener(lambda _connection: self._woken.set())
        self._pid = connection.get_server_pid()
        self._connection = connection

    async def _flush(self) -> None:
        if not self._waiting:
            return
        payloads, self._waiting = list(self._waiting), set()
        try:
            await self.use(lambda connection: connection.execute(_NOTIFY, self._channel, payloads))
        except BaseException:
            self._waiting.update(payloads)
            raise

    def _on_payload(self, _connection: Any, pid: int, _channel: str, payload: object) -> None:
        if pid != self._pid:
            self._heard(str(payload))
