"""Each kind of bus with a prefix of its own, behind a proxy, and ways to hurt it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import nats
from msgspec import Struct
from nats.js.errors import NotFoundError

from tests.conformance.bus.proxy import Proxy, proxy_to
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.services import need
from tidemill.core.ports import EventBus
from tidemill.infrastructure.messaging import BusOptions, open_bus
from tidemill.infrastructure.messaging.memory import InProcessBus

KINDS = ("memory", "sockets", "nats", "amqp", "postgres")

_PORTS = {"nats": 4222, "amqp": 5672, "postgres": 5432}


class BusServer(Struct, kw_only=True):
    """Where the buses of one test meet."""

    kind: str
    options: BusOptions
    proxy: Proxy | None = None
    wipe: Callable[[], Awaitable[None]] | None = None
    shared: InProcessBus | None = None

    def bus(self) -> EventBus:
        """Return one process's bus, not yet started."""
        if self.shared is not None:
            return self.shared
        return open_bus(self.options)


@contextlib.asynccontextmanager
async def bus_server(kind: str) -> AsyncIterator[BusServer]:
    prefix = unique_name("bus")
    if kind == "memory":
        options = BusOptions(url="memory", prefix=prefix)
        yield BusServer(kind=kind, options=options, shared=InProcessBus())
        return
    if kind == "sockets":
        directory = run_directory() / prefix.removeprefix("tidemill_test_")
        yield BusServer(kind=kind, options=BusOptions(url=f"unix://{directory}", prefix=prefix))
        shutil.rmtree(directory, ignore_errors=True)
        return
    url = need(kind)
    parts = urlsplit(url)
    async with proxy_to(parts.hostname or "127.0.0.1", parts.port or _PORTS[kind]) as proxy:
        userinfo = parts.netloc.rpartition("@")[0]
        netloc = f"{userinfo}@127.0.0.1:{proxy.port}" if userinfo else f"127.0.0.1:{proxy.port}"
        through_proxy = urlunsplit(parts._replace(netloc=netloc))
        wipe, tidy = _hurt(kind, url, prefix)
        try:
            yield BusServer(
                kind=kind,
                options=BusOptions(url=through_proxy, prefix=prefix),
                proxy=proxy,
                wipe=wipe,
            )
        finally:
            await tidy()


Act = Callable[[], Awaitable[None]]


def _hurt(kind: str, url: str, prefix: str) -> tuple[Act | None, Act]:
    if kind == "nats":

        async def delete_stream() -> None:
            client = await nats.connect(url)
            with contextlib.suppress(NotFoundError):
                await client.jetstream().delete_stream(f"{prefix}-facts")
            await client.close()

        return delete_stream, delete_stream
    if kind == "amqp":

        async def delete_exchanges() -> None:
            connection = await aio_pika.connect(url)
            channel = await connection.channel()
            await channel.exchange_delete(f"{prefix}.facts")
            await channel.exchange_delete(f"{prefix}.live")
            await connection.close()

        return delete_exchanges, delete_exchanges

    async def nothing() -> None:
        return

    return None, nothing
