"""Requests to servers of models, whose answers come bit by bit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from tidemill.core.module import Port


class Cause(StrEnum):
    """Why there is no answer, or no more of it."""

    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    BROKEN = "broken"


class UpstreamLost(Exception):
    """A server could not be reached, or stopped in mid-answer.

    The text names addresses: it is for logs, and for whoever set the address.
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class UpstreamRequest(Struct, frozen=True, kw_only=True):
    """What is asked of a server; `url` is whole."""

    method: str = "POST"
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class UpstreamAnswer(Protocol):
    """An answer that has begun."""

    @property
    def status(self) -> int:
        """Its HTTP status."""
        ...

    def header(self, name: str) -> str | None:
        """Return the value of a header; `name` in any case."""
        ...

    def parts(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises `UpstreamLost` where it breaks off."""
        ...

    async def read(self, bytes_max: int) -> bytes | None:
        """Return the whole body, or None when it is longer; raises `UpstreamLost`."""
        ...


class Upstreams(Protocol):
    """Asks servers at public addresses, and at what the operator allows besides.

    Follows no redirect. Connections are kept, and one whose answer was left before its end is
    closed, so that the server may stop.
    """

    def refusal(self, url: str) -> str | None:
        """Return why `url` is never asked, as far as it shows without asking a name server."""
        ...

    def open(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send the request, and give its answer for the block; raises `UpstreamLost`."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


UPSTREAMS: Final[Port[Upstreams]] = Port("upstreams")
