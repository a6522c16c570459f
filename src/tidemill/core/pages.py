"""Keyset pagination: a page of a list and the opaque cursor to the next one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from tidemill.core.errors import InvalidInput

T = TypeVar("T")

limit_default: Final = 50
limit_max: Final = 200

Key = tuple[str | int | None, ...]


class InvalidCursor(InvalidInput):
    """The cursor was not made by this list, or was changed."""

    code = "INVALID_CURSOR"

    def __init__(self) -> None:
        super().__init__(
            "This cursor does not belong to this list. Start again without `cursor`.",
            param="cursor",
        )


class PageRequest(Struct, frozen=True, kw_only=True):
    """What part of a list is wanted: at most `limit` rows after the key `after`.

    `filter_digest` ties a cursor to the filter that it was made under.
    """

    limit: int = limit_default
    after: Key | None = None
    filter_digest: str = ""

    @property
    def limit_plus_one(self) -> int:
        """Return how many rows to ask the database for, to know whether more follow."""
        return self.limit + 1


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list; `next_cursor` is None on the last page."""

    items: list[T]
    next_cursor: str | None = None


class _Cursor(Struct, frozen=True, array_like=True):
    key: Key
    filter_digest: str


def page_of(rows: Sequence[T], request: PageRequest, key: Callable[[T], Key]) -> Page[T]:
    """Cut `rows`, which were read with `limit_plus_one`, to a page."""
    items = list(rows[: request.limit])
    if len(rows) <= request.limit:
        return Page(items=items)
    return Page(items=items, next_cursor=_encode(key(items[-1]), request.filter_digest))


def cursor_after(key: Key, request: PageRequest) -> str:
    """Return the cursor of what follows `key`, for lists that are not cut by `page_of`."""
    return _encode(key, request.filter_digest)


def page_request(limit: int | None, cursor: str | None, filter_digest: str = "") -> PageRequest:
    """Return a validated request; raises `InvalidInput` and `InvalidCursor`."""
    if limit is not None and not 1 <= limit <= limit_max:
        message = f"limit must be between 1 and {limit_max}."
        raise InvalidInput(message, param="limit")
    return PageRequest(
        limit=limit if limit is not None else limit_default,
        after=_decode(cursor, filter_digest) if cursor else None,
        filter_digest=filter_digest,
    )


def _encode(key: Key, filter_digest: str) -> str:
    raw = msgspec.json.encode(_Cursor(key, filter_digest))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(cursor: str, filter_digest: str) -> Key:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        decoded = msgspec.json.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidCursor from error
    if decoded.filter_digest != filter_digest:
        raise InvalidCursor
    return decoded.key
