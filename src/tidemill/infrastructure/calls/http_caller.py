"""Posts to addresses outside, each connection to an address that was approved."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httptools

from tidemill.core.calls import CallAnswer
from tidemill.infrastructure.calls.approving import AddressRefused, RefusalOf, Resolve

head_bytes_max: Final = 64 * 1024
resolving_threads: Final = 16
_READ_BYTES: Final = 16 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_FIRST_FINAL: Final = 200


class HttpCaller:
    """See `Caller`. `refusal_of` says why a literal address is refused; None for names."""

    def __init__(
        self,
        resolve: Resolve,
        refusal_of: RefusalOf,
        *,
        seconds_max: float,
        body_bytes_max: int,
    ) -> None:
        self._resolve = resolve
        self._refusal_of = refusal_of
        self._seconds_max = seconds_max
        self._body_bytes_max = body_bytes_max
        # Name servers may be slow; they hold up nothing but other calls.
        self._resolving = ThreadPoolExecutor(resolving_threads, thread_name_prefix="resolve")
        self._trust: ssl.SSLContext | None = None

    def refusal(self, url: str) -> str | None:
        """See `Caller.refusal`."""
        parts = urlsplit(url)
        return self._refusal_of(parts.hostname or "", _port(parts))

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """See `Caller.post`."""
        try:
            async with asyncio.timeout(self._seconds_max):
                return await self._post(urlsplit(url), headers, body)
        except TimeoutError:
            return CallAnswer(problem=f"No answer came within {self._seconds_max:g} s.")
        except ssl.SSLCertVerificationError as error:
            return CallAnswer(problem=f"The certificate is not valid: {error.verify_message}.")
        except AddressRefused as error:
            return CallAnswer(problem=str(error))
        except httptools.HttpParserUpgrade:
            # The parser raises it apart from its errors.
            return CallAnswer(problem="The answer wants another protocol, which is not spoken.")
        except (OSError, httptools.HttpParserError) as error:
            return CallAnswer(problem=f"The call failed: {error}.")

    async def _post(
        self, parts: SplitResult, headers: Mapping[str, str], body: bytes
    ) -> CallAnswer:
        reader, writer = await self._connected(parts)
        try:
            writer.write(_request(parts, headers, body))
            await writer.drain()
            return await self._answer(reader)
        finally:
            writer.transport.abort()

    async def _connected(
        self, parts: SplitResult
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = parts.hostname or "", _port(parts)
        addresses = await asyncio.get_running_loop().run_in_executor(
            self._resolving, self._resolve, host, port
        )
        secure = parts.scheme == "https"
        failure: OSError = OSError(f"{host} has no address")
        for address in addresses:
            try:
                # The address that was approved, not the name: it may lead elsewhere by now.
                return await asyncio.open_connection(
                    address,
                    port,
                    ssl=self._trusted() if secure else None,
                    server_hostname=host if secure else None,
                )
            except ssl.SSLError:
                raise
            except OSError as error:
                failure = error
        raise failure

    def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust

    async def _answer(self, reader: asyncio.StreamReader) -> CallAnswer:
        collected = _Collected()
        parser = collected.parser = httptools.HttpResponseParser(collected)
        head_bytes = 0
        while not collected.is_complete and len(collected.body) < self._body_bytes_max:
            data = await reader.read(_READ_BYTES)
            if not data:
                break
            parser.feed_data(data)
            head_bytes += len(data)
            if collected.status is None and head_bytes > head_bytes_max:
                return CallAnswer(problem=f"The head of the answer is over {head_bytes_max} bytes.")
        if collected.status is None:
            return CallAnswer(problem="The connection was closed without an answer.")
        text = bytes(collected.body[: self._body_bytes_max]).decode(errors="replace")
        return CallAnswer(status=collected.status, body=text)


class _Collected:
    """What a parser has read of an answer; interim ones are passed by."""

    def __init__(self) -> None:
        self.parser: httptools.HttpResponseParser | None = None
        self.status: int | None = None
        self.body = bytearray()
        self.is_complete = False

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code() if self.parser else 0
        self.status = status if status >= _FIRST_FINAL else None

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = self.status is not None


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    lines = [
        f"POST {target} HTTP/1.1",
        f"host: {parts.netloc}",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"content-length: {len(body)}",
        "connection: close",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
