"""Streamed requests to servers of models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tidemill.core.upstreams import Cause, UpstreamAnswer, UpstreamLost, UpstreamRequest
from tidemill.infrastructure.calls.approving import RefusalOf, Resolve

if TYPE_CHECKING:
    from tidemill.infrastructure.calls.sessions import Session

_PORTS: Final = {"http": 80, "https": 443}


class HttpUpstreams:
    """See `Upstreams`. `silent_seconds_max` is how long the next part of an answer may take."""

    def __init__(
        self, resolve: Resolve, refusal_of: RefusalOf, *, silent_seconds_max: float
    ) -> None:
        self._resolve = resolve
        self._refusal_of = refusal_of
        self._silent_seconds_max = silent_seconds_max
        self._session: Session | None = None

    def refusal(self, url: str) -> str | None:
        """See `Upstreams.refusal`."""
        parts = urlsplit(url)
        return self._refusal_of(parts.hostname or "", parts.port or _PORTS[parts.scheme])

    @asynccontextmanager
    async def open(self, request: UpstreamRequest) -> AsyncIterator[UpstreamAnswer]:
        """See `Upstreams.open`."""
        refusal = self.refusal(request.url)
        if refusal is not None:
            raise UpstreamLost(Cause.ADDRESS_REFUSED, refusal)
        async with self._opened().open(request) as answer:
            yield answer

    async def close(self) -> None:
        """See `Upstreams.close`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> Session:
        if self._session is None:
            from tidemill.infrastructure.calls.sessions import (  # noqa: PLC0415 - costs 90 ms
                Session,
            )

            self._session = Session(self._resolve, silent_seconds_max=self._silent_seconds_max)
        return self._session
