"""`Idempotency-Key`: a write that is sent twice happens once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from litestar.connection import Request
from msgspec import Struct

from tidemill.core.errors import InvalidInput
from tidemill.core.ports import Once
from tidemill.http.authentication import context_of

T = TypeVar("T")

key_length_max: Final = 255
_HEADER: Final = "idempotency-key"


class InvalidIdempotencyKey(InvalidInput):
    """The key is empty, too long, or not plain text."""

    code = "INVALID_IDEMPOTENCY_KEY"

    def __init__(self) -> None:
        super().__init__(
            f"An Idempotency-Key has 1 to {key_length_max} visible ASCII characters.",
            param="Idempotency-Key",
        )


class Idempotency(Struct, frozen=True, kw_only=True):
    """The request's key, or none; routes hand `once(…)` to their service."""

    key: str | None = None
    scope: str = ""
    fingerprint: str = ""

    def once(
        self, result_type: type[T], *, without_secrets: Callable[[T], T] | None = None
    ) -> Once[T] | None:
        """Return what the database needs to do the write once; None when no key came."""
        if self.key is None:
            return None
        return Once(
            key=self.key,
            scope=self.scope,
            fingerprint=self.fingerprint,
            result_type=result_type,
            without_secrets=without_secrets,
        )


class LaterIdempotency(Struct, frozen=True, kw_only=True):
    """The key of a request whose body is read as it comes, and is known only when it is over."""

    key: str | None = None
    scope: str = ""
    query: bytes = b""

    def once(self, result_type: type[T], digest: str) -> Once[T] | None:
        """Return what `Idempotency.once` does, given a digest of the body."""
        fingerprint = _fingerprint(self.query, digest.encode())
        return Idempotency(key=self.key, scope=self.scope, fingerprint=fingerprint).once(
            result_type
        )


_FORM: Final = "multipart/form-data"
_NO_KEY: Final = Idempotency()


async def idempotency(request: Request[Any, Any, Any]) -> Idempotency:
    """Read the request's key. Raises `InvalidIdempotencyKey`."""
    key = _key_of(request)
    if key is None:
        return _NO_KEY
    return Idempotency(
        key=key,
        scope=_scope_of(request),
        fingerprint=_fingerprint(
            request.scope["query_string"], _said(request, await request.body())
        ),
    )


def later_idempotency(request: Request[Any, Any, Any]) -> LaterIdempotency:
    """Read the request's key, and nothing of its body. Raises `InvalidIdempotencyKey`."""
    return LaterIdempotency(
        key=_key_of(request), scope=_scope_of(request), query=request.scope["query_string"]
    )


def _key_of(request: Request[Any, Any, Any]) -> str | None:
    key = request.headers.get(_HEADER)
    if key is None:
        return None
    if not key or len(key) > key_length_max or not (key.isascii() and key.isprintable()):
        raise InvalidIdempotencyKey
    return key


def _scope_of(request: Request[Any, Any, Any]) -> str:
    actor = context_of(request.scope).actor
    who = actor.id if actor is not None else "anonymous"
    return f"{who} {request.method} {request.scope['path']}"


def _said(request: Request[Any, Any, Any], body: bytes) -> bytes:
    """Return a body without what differs though the request is the same."""
    kind, options = request.content_type
    boundary = options.get("boundary", "").encode()
    # Each form has a boundary of its own, which stands nowhere in what it holds.
    return body.replace(boundary, b"") if kind == _FORM and boundary else body


def _fingerprint(query: bytes, body: bytes) -> str:
    # What the query asks for is a part of the request: an import with another mode is another.
    digest = hashlib.sha256(query)
    digest.update(b"\n")
    digest.update(body)
    return digest.hexdigest()
