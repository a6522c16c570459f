"""Lets workers in that come through a broker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from msgspec import Struct

from tidemill.core.module import HealthCheck, Parts, Service
from tidemill.core.ports import Invalidations
from tidemill.core.queues import JOB_QUEUES, Queues
from tidemill.identity import WORKER_TOKENS, WorkerTokens
from tidemill.jobs.dispatching.brokers.listener import BrokerListener
from tidemill.jobs.dispatching.brokers.options import BrokerOptions, broker_options
from tidemill.jobs.dispatching.dispatcher.admission import Admit, NotAdmitted, Rights
from tidemill.jobs.dispatching.dispatcher.distrust import faults_of
from tidemill.jobs.dispatching.dispatcher.reception import Reception
from tidemill.jobs.dispatching.dispatcher.token_holders import TokenHolders
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.messages import Hello


class Ways(Struct, frozen=True, kw_only=True):
    """The broker, and when this process reads it."""

    queues: Queues
    options: BrokerOptions
    leads: Callable[[], bool]


class BrokerDoor:
    """A service: takes workers that come through a broker.

    One that shows a worker token has the rights of that token, for as long as it is valid; one
    that shows none is taken where none is needed.
    """

    def __init__(
        self,
        ways: Ways,
        tokens: Callable[[], WorkerTokens | None],
        invalidations: Invalidations,
        reception: Reception,
    ) -> None:
        self._reception = reception
        self._is_token_needed = ways.options.worker_tokens
        self._holders = TokenHolders(tokens, invalidations)
        self.listener = BrokerListener(
            ways.queues, ways.options, self._serve, leads=ways.leads, vouch=reception.renew
        )

    async def start(self) -> None:
        """Begin to connect; workers are received when the broker answers."""
        await self.listener.start()
        await self._holders.start()

    async def stop(self) -> None:
        """Receive nobody more, and end the conversations."""
        await self._holders.stop()
        await self.listener.stop()

    async def _serve(self, connection: DispatcherConnection) -> None:
        try:
            with suppress(NotAdmitted):
                await self._reception.receive(connection, partial(self._admitted, connection))
        finally:
            self._holders.left(connection)

    async def _admitted(
        self, connection: DispatcherConnection, hello: Hello
    ) -> tuple[Hello, Rights]:
        if hello.secret:
            return await self._holders.admit(connection, hello)
        if self._is_token_needed:
            raise NotAdmitted(
                "Workers need a token here (message_queue.worker_tokens). Make one with `tidemill "
                "worker-tokens create`, and name its file in worker.token_file."
            )
        return await everybody(hello)


def broker_door(
    queues: Queues, options: BrokerOptions, *, admit: Admit, leads: Callable[[], bool]
) -> Callable[[Reception], BrokerListener]:
    """Return what makes a door at which `admit` alone decides."""

    def door(reception: Reception) -> BrokerListener:
        async def accept(connection: DispatcherConnection) -> None:
            with suppress(NotAdmitted):
                await reception.receive(connection, admit)

        return BrokerListener(queues, options, accept, leads=leads, vouch=reception.renew)

    return door


def broker_doors(
    parts: Parts, leads: Callable[[], bool]
) -> tuple[Callable[[Reception], Service], ...]:
    """Return what lets in workers that come through a broker, where one carries jobs."""
    queues = parts.late(JOB_QUEUES)()
    if queues is None:
        return ()
    ways = Ways(queues=queues, options=broker_options(parts.config), leads=leads)
    return (partial(BrokerDoor, ways, parts.late(WORKER_TOKENS), parts.invalidations),)


def broker_checks(parts: Parts) -> tuple[HealthCheck, ...]:
    """Return what tells whether the broker of jobs answers."""
    queues = parts.late(JOB_QUEUES)()
    return () if queues is None else (HealthCheck(name="broker", ask=queues.check),)


async def everybody(hello: Hello) -> tuple[Hello, Rights]:
    """Admit whoever the broker lets write to the status queue; it may be any program."""
    if (fault := faults_of(hello)) is not None:
        raise NotAdmitted(fault)
    return hello, Rights(is_foreign=True)
