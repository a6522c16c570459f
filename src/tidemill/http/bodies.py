"""Bases of wire bodies: what comes in refuses unknown fields, what goes out is plain."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec
from litestar.connection import Request
from litestar.enums import HttpMethod
from msgspec import Struct

from tidemill.core.pages import Page
from tidemill.http.answers import Answer

T = TypeVar("T")


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of request bodies; subclasses repeat `frozen=True, kw_only=True`.

    An optional field that may be absent or null uses `UNSET`.
    """


class View(Struct, frozen=True, kw_only=True):
    """Base of response bodies."""


class ErrorDetail(View, frozen=True, kw_only=True):
    """What went wrong: for people, for programs, and which field is at fault."""

    message: str
    type: str
    code: str
    param: str | None = None


class ErrorBody(View, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class PageView(View, frozen=True, kw_only=True):
    """What every list answers beside its `items`."""

    next_cursor: str | None = None


def etag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"v{version}"'


class Tagged(Answer[T]):
    """An answer with an ETag; OpenAPI tells so of every route that returns one."""


def single(body: T, *, version: int, request: Request[Any, Any, Any]) -> Tagged[T]:
    """Answer one object with its ETag, or 304 when the caller already has this version."""
    return _tagged(body, etag(version), request)


def composed(
    body: T, *, version: int, request: Request[Any, Any, Any], born: int | None = None
) -> Tagged[T]:
    """Answer as `single` does what shows more than its version counts, or begins anew at 1.

    The tag names the content, too, so that 304 hides no change. If-Match compares the version, and
    with `born`, when the thing was made, that it is still that thing.
    """
    digest = hashlib.blake2b(msgspec.json.encode(body), digest_size=8).hexdigest()
    made = "" if born is None else f".{born:x}"
    return _tagged(body, f'"v{version}.{digest}{made}"', request)


def _tagged(body: T, tag: str, request: Request[Any, Any, Any]) -> Tagged[T]:
    if request.method == HttpMethod.GET and is_known(tag, request.headers.get("if-none-match")):
        return Tagged(None, status_code=304, headers={"ETag": tag})  # type: ignore[arg-type]
    return Tagged(body, headers={"ETag": tag})


def is_known(tag: str, header: str | None) -> bool:
    """Return whether `If-None-Match` names `tag`; proxies that compress make tags weak."""
    if header is None:
        return False
    given = {each.strip().removeprefix("W/") for each in header.split(",")}
    return tag in given or "*" in given


def listed(page: Page[T]) -> dict[str, list[T] | str | None]:
    """Answer a page of views."""
    return {"items": page.items, "next_cursor": page.next_cursor}
