"""Connections to NATS, which heal by other means than the driver's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import nats.errors
from nats.aio.client import Client

from tidemill.infrastructure.brokers.tls import BrokerTls, context_of, is_secure


class _OverTls(Client):
    """Says who it is over TLS only.

    The driver asks the server whether to encrypt, so that whoever stands in between could say no
    and would be told the password.
    """

    def _connect_command(self) -> bytes:
        if not self._server_info.get("tls_required"):
            raise nats.errors.SecureConnRequiredError
        command: bytes = super()._connect_command()
        return command


async def connect(
    url: str,
    tls: BrokerTls,
    *,
    closed: Callable[[], Awaitable[None]],
    failed: Callable[[Exception], Awaitable[None]],
) -> Client:
    """Return a connection; `closed` is called once when it ends, `failed` for what is less.

    Raises errors of the driver, and `OSError`.
    """
    client = _OverTls() if is_secure(url) else Client()
    await client.connect(
        url,
        tls=context_of(url, tls),
        allow_reconnect=False,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        closed_cb=closed,
        error_cb=failed,
    )
    return client
