"""Passes an answer on as it comes: one deployment after the other until one answers (ADR 0040).

An ASGI application for each request, since a client that leaves is only seen by who receives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import structlog
from litestar.types import Receive, Scope, Send
from msgspec import Struct, structs

from tidemill.core.errors import TidemillError
from tidemill.core.upstreams import Cause, UpstreamAnswer, UpstreamLost, UpstreamRequest, Upstreams
from tidemill.llm.dialects.codec import Operation, StreamFailed
from tidemill.llm.errors import ProviderBusy, ProviderFailed, RequestRefused
from tidemill.llm.gateway.models import ModelRequest, Route, Target
from tidemill.llm.usage.models import Outcome, Tokens

log = structlog.get_logger(__name__)

answer_bytes_max: Final = 64 * 1024 * 1024
"""How long an answer in one piece may be."""
refusal_bytes_max: Final = 64 * 1024
retry_after_seconds_default: Final = 5.0
_bytes_per_token: Final = 4
_code_chars_max: Final = 60
_OK: Final = 200
_BROKE: Final = 500
_TOO_MANY: Final = 429
_OUR_FAULT: Final = frozenset({400, 413, 422})
"""What is wrong with the request itself is wrong for every other deployment, too."""
_JSON: Final = "application/json"
_TOLD: Final = {
    Cause.ADDRESS_REFUSED: "its address is not allowed here",
    Cause.UNREACHABLE: "it cannot be reached",
    Cause.CERTIFICATE: "its certificate is not valid",
    Cause.TIMEOUT: "it does not answer",
    Cause.BROKEN: "its answer broke off",
}
_MISSHAPEN: Final = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError)
"""What translating raises, where any part of a provider's JSON may be of another type."""


class Result(Struct, kw_only=True):
    """What came of a request, as far as it went."""

    outcome: Outcome = Outcome.FAILED
    status: int = 502
    attempts: int = 0
    target: Target | None = None
    tokens: Tokens = Tokens()
    estimated: bool = False
    first_part_ms: int | None = None
    duration_ms: int = 0


Ended = Callable[[Result], Awaitable[None]]
"""Keeps what a request used; called once, whatever became of it."""


class Relay:
    """An answer on its way from a provider to a client."""

    def __init__(
        self,
        upstreams: Upstreams,
        request: ModelRequest,
        route: Route,
        ended: Ended,
        *,
        created: int,
    ) -> None:
        self._upstreams = upstreams
        self._request = request
        self._route = route
        self._ended = ended
        self._created = created
        self._result = Result()
        self._began = time.monotonic()
        self._is_shown = False
        self._is_counted = False
        self._busy = 0
        self._retry_after = retry_after_seconds_default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or stop asking as soon as the client is gone."""
        del scope
        relaying = asyncio.ensure_future(self._relay(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({relaying, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not relaying.done() and self._result.outcome is not Outcome.OK:
                self._result.outcome = Outcome.CANCELLED
                if not self._is_counted:
                    # What it was asked was read; a stream that has begun counts itself at its end.
                    self._count(None, written=0)
            relaying.cancel()
            leaving.cancel()
            await asyncio.gather(relaying, leaving, return_exceptions=True)
            error = None if relaying.cancelled() else relaying.exception()
            if error is not None:
                self._result.status = error.status if isinstance(error, TidemillError) else _BROKE
            self._result.duration_ms = self._elapsed_ms()
            await asyncio.shield(self._ended(self._result))
        if not relaying.cancelled():
            relaying.result()

    async def _relay(self, send: Send) -> None:
        failures: list[str] = []
        for target in self._route.targets:
            self._result.attempts += 1
            self._result.target = target
            try:
                if await self._ask(target, send, failures):
                    return
            except UpstreamLost as error:
                log.warning(
                    "llm.provider.lost",
                    provider=target.provider_name,
                    cause=error.cause.value,
                    detail=target.without_key(str(error)),
                )
                failure = f"{target.provider_name}: {_TOLD[error.cause]}"
                if self._result.outcome is Outcome.OK:
                    # All was said before the connection broke.
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    return
                if self._is_shown:
                    await self._break_off(send, ProviderFailed(f"{failure}."))
                    return
                failures.append(failure)
        raise self._failed(failures)

    async def _ask(self, target: Target, send: Send, failures: list[str]) -> bool:
        """Return whether the client has its answer; else the next deployment is asked."""
        request = UpstreamRequest(
            url=target.url(self._request.operation),
            headers=target.headers(),
            body=self._request.for_target(self._route, target),
        )
        async with self._upstreams.open(request) as answer:
            self._result.status = answer.status
            if answer.status == _OK:
                await self._pass(answer, target, send)
                return True
            if answer.status in _OUR_FAULT:
                await self._pass_refusal(answer, target, send)
                return True
            if answer.status == _TOO_MANY:
                self._busy += 1
                self._retry_after = _seconds(answer.header("retry-after"))
            # Its words may repeat what was asked, which no log shall hold.
            error = (_object_of(await answer.read(refusal_bytes_max) or b"") or {}).get("error")
            log.warning(
                "llm.provider.refused",
                provider=target.provider_name,
                status=answer.status,
                code=target.without_key(_code_of(error)),
            )
        failures.append(f"{target.provider_name}: it answered {answer.status}")
        return False

    async def _pass(self, answer: UpstreamAnswer, target: Target, send: Send) -> None:
        if (coding := answer.header("content-encoding")) not in {None, "identity"}:
            raise UpstreamLost(Cause.BROKEN, f"The answer is packed as {coding}, unasked.")
        if self._request.stream and not _is_json(answer):
            await self._pass_events(answer, target, send)
            return
        body = await answer.read(answer_bytes_max)
        if body is None:
            raise UpstreamLost(Cause.BROKEN, f"The answer has over {answer_bytes_max} bytes.")
        self._result.first_part_ms = self._elapsed_ms()
        said = _object_of(body)
        if said is None or said.get("error") or self._request.stream:
            raise UpstreamLost(Cause.BROKEN, "It answered 200, but not what was asked.")
        if not self._request.is_passed_to(target):
            with _reading():
                body = msgspec.json.encode(self._request.answer_of(target, said, self._created))
        self._count(target.codec.tokens_of(said), written=len(body))
        await self._begin(send, answer, target, length=len(body))
        await send({"type": "http.response.body", "body": body, "more_body": False})
        self._result.outcome = Outcome.OK

    async def _pass_events(self, answer: UpstreamAnswer, target: Target, send: Send) -> None:
        events = self._request.events_of(target, self._created)
        try:
            async for part in answer.parts():
                with _reading():
                    shown = events.feed(part)
                if shown:
                    if not self._is_shown:
                        self._result.first_part_ms = self._elapsed_ms()
                        await self._begin(send, answer, target)
                    await send({"type": "http.response.body", "body": shown, "more_body": True})
                if events.is_told:
                    # Clients leave now, and need not wait for the provider to close.
                    self._result.outcome = Outcome.OK
        finally:
            self._count(
                events.tokens,
                written=events.events * _bytes_per_token,
                is_whole=events.is_counted,
            )
        with _reading():
            last = events.end()
        if not self._is_shown:
            await self._begin(send, answer, target)
        self._result.outcome = Outcome.OK
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _pass_refusal(self, answer: UpstreamAnswer, target: Target, send: Send) -> None:
        body = await answer.read(refusal_bytes_max)
        error = None if body is None else (_object_of(body) or {}).get("error")
        if body is None or not isinstance(error, dict):
            raise RequestRefused(target.provider_name, f"it answered {answer.status}.")
        if not self._request.is_passed_to(target):
            said = target.without_key(str(error.get("message", "")))
            raise RequestRefused(target.provider_name, said)
        shown = target.without_key(body.decode(errors="replace")).encode()
        await self._begin(send, answer, target, length=len(shown))
        await send({"type": "http.response.body", "body": shown, "more_body": False})

    async def _begin(
        self, send: Send, answer: UpstreamAnswer, target: Target, length: int | None = None
    ) -> None:
        kind = self._request.codec.stream_type if length is None else _JSON
        headers = [
            (b"content-type", kind.encode()),
            (b"x-tidemill-provider", target.provider_name.encode()),
            (b"x-tidemill-model", target.model.encode("ascii", "replace")),
            (b"x-tidemill-attempts", b"%d" % self._result.attempts),
        ]
        if length is None:
            headers.append((b"x-accel-buffering", b"no"))
        else:
            headers.append((b"content-length", b"%d" % length))
        self._is_shown = True
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _break_off(self, send: Send, error: TidemillError) -> None:
        """End a stream that has begun by an event that says why, as OpenAI's clients read it."""
        self._result.outcome = Outcome.FAILED
        event = self._request.codec.error_event(error)
        await send({"type": "http.response.body", "body": event, "more_body": False})

    def _failed(self, failures: list[str]) -> TidemillError:
        if self._busy and self._busy == self._result.attempts:
            return ProviderBusy(self._retry_after)
        return ProviderFailed(f"No provider answered ({'; '.join(failures)}).")

    def _count(self, counted: Tokens | None, *, written: int, is_whole: bool = True) -> None:
        self._is_counted = True
        self._result.estimated = counted is None or not is_whole
        # What nobody counted: about four bytes are a token, in English text; vectors are none.
        is_text = self._request.operation is not Operation.EMBEDDING
        output = written // _bytes_per_token if is_text else 0
        if counted is None:
            asked = len(msgspec.json.encode(self._request.body))
            self._result.tokens = Tokens(input=asked // _bytes_per_token, output=output)
        elif is_whole:
            self._result.tokens = counted
        else:
            self._result.tokens = structs.replace(counted, output=max(counted.output, output))

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)


async def _left(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return


@contextmanager
def _reading() -> Iterator[None]:
    """Raise `UpstreamLost` for what no provider of the dialect says, and for what it tells of."""
    try:
        yield
    except StreamFailed:
        raise UpstreamLost(Cause.BROKEN, "It tells of an error in its stream.") from None
    except _MISSHAPEN as error:
        kind = type(error).__name__
        raise UpstreamLost(Cause.BROKEN, f"The answer cannot be read: {kind}.") from None


def _is_json(answer: UpstreamAnswer) -> bool:
    return (answer.header("content-type") or "").partition(";")[0].strip().lower() == _JSON


def _code_of(error: object) -> str:
    """Return the short names that a provider's error has, which are of its own making."""
    if not isinstance(error, dict):
        return ""
    names = (error.get("type"), error.get("code"))
    return " ".join(name[:_code_chars_max] for name in names if isinstance(name, str))


def _object_of(body: bytes) -> dict[str, Any] | None:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _seconds(header: str | None) -> float:
    try:
        return min(3600.0, max(1.0, float(header or "")))
    except ValueError:
        return retry_after_seconds_default
