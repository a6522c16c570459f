"""Each way between a dispatcher and its workers, and how to hurt it.

To add one: a class with `dial` and `cut` that gives the world a door; then its name in `WAYS`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final, Protocol, cast

from msgspec import structs

from tests.fixtures.certificates import Authority
from tests.fixtures.comers import come
from tests.fixtures.jobs import JobsWorld, SpokenWorker
from tests.fixtures.queues import BrokerKind, BrokerPlace, broker_place
from tidemill.jobs.dispatching.brokers.dialer import BrokerDialer
from tidemill.jobs.dispatching.brokers.doors import broker_door, everybody
from tidemill.jobs.dispatching.brokers.listener import BrokerListener
from tidemill.jobs.dispatching.dispatcher.admission import NotAdmitted
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher
from tidemill.jobs.dispatching.dispatcher.reception import Reception
from tidemill.jobs.protocol.connection import DispatcherConnection, WorkerConnection
from tidemill.jobs.protocol.memory import MemoryListener
from tidemill.jobs.protocol.messages import Hello, Isolation, protocol_version
from tidemill.jobs.protocol.tls import TlsListener, TlsPlace, TlsTarget, dial
from tidemill.jobs.protocol.unix import UnixListener, connect, read_secret

WAYS: Final = ("memory", "unix", "tls", "amqp", "nats")


class Way(Protocol):
    """How a worker of the suite reaches the dispatcher."""

    def secret(self, dispatcher: Dispatcher) -> str:
        """Return what a worker shows with its greeting."""
        ...

    async def dial(self, dispatcher: Dispatcher, name: str) -> WorkerConnection:
        """Return a connection; raises `ConnectionLost` while there is no way."""
        ...

    async def cut(self, worker: SpokenWorker) -> None:
        """Break what carries the worker's words, as a failing network does."""
        ...


class _Memory:
    def __init__(self, world: JobsWorld) -> None:
        world.options = structs.replace(world.options, directory=None)

    def secret(self, dispatcher: Dispatcher) -> str:
        return cast("MemoryListener", dispatcher.listener).secret

    async def dial(self, dispatcher: Dispatcher, name: str) -> WorkerConnection:
        del name
        return cast("MemoryListener", dispatcher.listener).connect()

    async def cut(self, worker: SpokenWorker) -> None:
        worker.connection.abort("cut by the test")


class _Unix:
    def secret(self, dispatcher: Dispatcher) -> str:
        return read_secret(cast("UnixListener", dispatcher.listener).directory)

    async def dial(self, dispatcher: Dispatcher, name: str) -> WorkerConnection:
        del name
        return await connect(cast("UnixListener", dispatcher.listener).directory)

    async def cut(self, worker: SpokenWorker) -> None:
        worker.connection.abort("cut by the test")


class _Tls:
    """Any token is good here: who is let in has tests of its own."""

    def __init__(self, world: JobsWorld, directory: Path) -> None:
        authority = Authority.make(directory)
        own = authority.issue("dispatcher")
        self._ca_file = str(authority.file)
        self._place = TlsPlace(
            host="127.0.0.1", port=0, certificate_file=str(own.certificate), key_file=str(own.key)
        )
        self._listener: TlsListener | None = None
        world.doors = (self._door,)

    def _door(self, reception: Reception) -> TlsListener:
        async def accept(connection: DispatcherConnection, address: str) -> None:
            del address
            with suppress(NotAdmitted):
                await reception.receive(connection, everybody)

        self._listener = TlsListener(self._place, accept)
        return self._listener

    def secret(self, dispatcher: Dispatcher) -> str:
        del dispatcher
        return ""

    async def dial(self, dispatcher: Dispatcher, name: str) -> WorkerConnection:
        del dispatcher, name
        assert self._listener is not None
        target = TlsTarget(host="localhost", port=self._listener.port, ca_file=self._ca_file)
        return await dial(target)

    async def cut(self, worker: SpokenWorker) -> None:
        worker.connection.abort("cut by the test")


class _Broker:
    def __init__(self, world: JobsWorld, place: BrokerPlace, stack: AsyncExitStack) -> None:
        self.place = place
        self._stack = stack
        self._dialers: dict[str, BrokerDialer] = {}
        world.doors = (self._door,)

    def _door(self, reception: Reception) -> BrokerListener:
        # Each dispatcher has a way of its own to the broker.
        queues, names = self.place.queues(), self.place.names()
        return broker_door(queues, names, admit=everybody, leads=lambda: True)(reception)

    def secret(self, dispatcher: Dispatcher) -> str:
        del dispatcher
        return ""

    async def dial(self, dispatcher: Dispatcher, name: str) -> WorkerConnection:
        del dispatcher
        dialer = self._dialers.get(name)
        if dialer is None:
            dialer = BrokerDialer(
                self.place.queues(proxied=True), self.place.names(), name, slots=5
            )
            self._dialers[name] = dialer
            self._stack.push_async_callback(dialer.close)
        return await dialer.connect()

    async def cut(self, worker: SpokenWorker) -> None:
        del worker
        self.place.proxy.cut()


@contextlib.asynccontextmanager
async def way_of(kind: str, world: JobsWorld) -> AsyncIterator[Way]:
    """Prepare `world` for a way; whatever it needs is gone at the end."""
    async with AsyncExitStack() as stack:
        if kind in {"amqp", "nats"}:
            place = await stack.enter_async_context(broker_place(cast("BrokerKind", kind)))
            yield _Broker(world, place, stack)
        elif kind == "tls":
            yield _Tls(world, world.directory / "certificates")
        else:
            yield _Memory(world) if kind == "memory" else _Unix()


class Workers:
    """Workers of one test, each over the same way."""

    def __init__(self, way: Way, dispatcher: Dispatcher, stack: AsyncExitStack) -> None:
        self.way = way
        self.dispatcher = dispatcher
        self._stack = stack

    async def come(self, name: str = "worker-1", **fields: Any) -> SpokenWorker:
        """Connect a worker and return it once it was welcomed or refused."""
        hello = Hello(
            version=protocol_version,
            worker_id=name,
            secret=self.way.secret(self.dispatcher),
            host="here",
            slots=5,
            tags=("default",),
            isolations=(Isolation.FORK, Isolation.SANDBOX),
        )
        hello = structs.replace(hello, **fields)
        worker = await come(lambda: self.way.dial(self.dispatcher, name), hello)
        self._stack.push_async_callback(worker.leave)
        return worker
