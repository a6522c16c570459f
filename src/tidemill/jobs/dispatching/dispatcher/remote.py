"""The door for workers of other machines: TLS, worker tokens, and the end of both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog

from tidemill.core.config.checks import bind_address
from tidemill.core.module import Parts, Service
from tidemill.core.ports import Invalidations
from tidemill.identity import WORKER_TOKENS, WorkerTokens
from tidemill.jobs.dispatching.dispatcher.admission import NotAdmitted, Rights, Strangers
from tidemill.jobs.dispatching.dispatcher.reception import Reception
from tidemill.jobs.dispatching.dispatcher.token_holders import TokenHolders
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.messages import Hello
from tidemill.jobs.protocol.tls import TlsListener, TlsPlace

log = structlog.get_logger(__name__)


class RemoteDoor:
    """A service: takes workers that come over TLS, and sends away those whose token has ended."""

    def __init__(
        self,
        place: TlsPlace,
        tokens: Callable[[], WorkerTokens | None],
        invalidations: Invalidations,
        monotonic: Callable[[], float],
        reception: Reception,
    ) -> None:
        self._reception = reception
        self._holders = TokenHolders(tokens, invalidations)
        self._strangers = Strangers(monotonic)
        self.listener = TlsListener(place, self._serve, may_enter=self._strangers.may_enter)

    async def start(self) -> None:
        """Listen; raises `ConfigRefused` when that cannot be."""
        await self.listener.start()
        await self._holders.start()

    async def stop(self) -> None:
        """Take no more workers, and close the connections."""
        await self._holders.stop()
        await self.listener.stop()

    async def _serve(self, connection: DispatcherConnection, address: str) -> None:
        try:
            with suppress(NotAdmitted):
                admit = partial(self._admitted, connection, address)
                await self._reception.receive(connection, admit)
        finally:
            self._holders.left(connection)

    async def _admitted(
        self, connection: DispatcherConnection, address: str, hello: Hello
    ) -> tuple[Hello, Rights]:
        try:
            return await self._holders.admit(connection, hello)
        except NotAdmitted as refused:
            # It counts whether or not the stranger stays to hear the answer.
            if refused.is_guess:
                self._strangers.refused(address)
            raise


def doors_of(parts: Parts) -> tuple[Callable[[Reception], Service], ...]:
    """Return what lets in workers of other machines, where that is wanted."""
    wanted = parts.config.dispatcher
    if not wanted.tls_listen:
        return ()
    host, port = bind_address(wanted.tls_listen)
    place = TlsPlace(
        host=host,
        port=port,
        certificate_file=wanted.tls_certificate_file,
        key_file=wanted.tls_key_file,
        client_ca_file=wanted.tls_client_ca_file,
    )
    api_url = parts.config.public_url
    if _is_local(urlsplit(api_url).hostname or "") and not _is_local(host):
        log.warning(
            "workers.api_url_is_local",
            api_url=api_url,
            fix="Set server.public_url, so that jobs on other machines reach the API.",
        )
    tokens = parts.late(WORKER_TOKENS)
    return (partial(RemoteDoor, place, tokens, parts.invalidations, parts.clock.monotonic),)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
