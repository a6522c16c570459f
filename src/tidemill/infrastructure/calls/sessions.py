"""Sessions of aiohttp that connect to approved addresses only (ADR 0040)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tidemill.core.upstreams import Cause, UpstreamAnswer, UpstreamLost, UpstreamRequest
from tidemill.infrastructure.calls.approving import AddressRefused, Resolve

connect_seconds_max: Final = 10.0
resolving_threads: Final = 16
_keep_seconds: Final = 60.0


class Session:
    """Kept connections to any number of servers; see `Upstreams.open`."""

    def __init__(self, resolve: Resolve, *, silent_seconds_max: float) -> None:
        self._approved = _Approved(resolve)
        # The resolver approves; no cache may stand before it.
        connector = aiohttp.TCPConnector(
            resolver=self._approved,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=_keep_seconds,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=connect_seconds_max, sock_read=silent_seconds_max
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            trust_env=False,
        )

    @asynccontextmanager
    async def open(self, request: UpstreamRequest) -> AsyncIterator[UpstreamAnswer]:
        """See `Upstreams.open`; the address was looked at."""
        with _translated():
            response = await self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
            )
        try:
            yield _Answer(response)
        finally:
            # What was left before its end is closed by this, what was read to it is kept.
            response.release() if response.content.at_eof() else response.close()

    async def close(self) -> None:
        """See `Upstreams.close`."""
        await self._session.close()
        await self._approved.close()  # A connector closes no resolver that it was given.


class _Answer:
    """See `UpstreamAnswer`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """See `UpstreamAnswer.status`."""
        return self._response.status

    def header(self, name: str) -> str | None:
        """See `UpstreamAnswer.header`."""
        return self._response.headers.get(name)

    async def parts(self) -> AsyncIterator[bytes]:
        """See `UpstreamAnswer.parts`."""
        content = self._response.content
        while True:
            with _translated():
                part = await content.readany()
            if not part:
                return
            yield part

    async def read(self, bytes_max: int) -> bytes | None:
        """See `UpstreamAnswer.read`."""
        body = bytearray()
        async for part in self.parts():
            body += part
            if len(body) > bytes_max:
                return None
        return bytes(body)


class _Approved(AbstractResolver):
    """Gives the addresses that may be connected to, in a thread of its own."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        # Name servers may be slow; they hold up nothing but other requests of models.
        self._threads = ThreadPoolExecutor(resolving_threads, thread_name_prefix="resolve-model")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See `AbstractResolver.resolve`."""
        del family
        loop = asyncio.get_running_loop()
        addresses = await loop.run_in_executor(self._threads, self._resolve, host, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """See `AbstractResolver.close`."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _translated:  # noqa: N801 - reads as a statement
    """Raises what aiohttp raises in the block as `UpstreamLost`."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate; what is not of the connection rises as it is."""
        if error is None or not isinstance(error, (aiohttp.ClientError, OSError, AddressRefused)):
            return
        raise UpstreamLost(_cause(error), str(error) or type(error).__name__) from error


def _cause(error: BaseException) -> Cause:
    if isinstance(error, AddressRefused):
        return Cause.ADDRESS_REFUSED
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return Cause.CERTIFICATE
    if isinstance(error, TimeoutError):
        return Cause.TIMEOUT
    if isinstance(error, aiohttp.ClientConnectorError):
        return Cause.UNREACHABLE
    return Cause.BROKEN
