"""Parameters that many routes share; `injection` hands them out by name."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from litestar.connection import Request
from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.errors import InvalidInput, PreconditionFailed
from tidemill.core.pages import PageRequest, page_request
from tidemill.http.authentication import CredentialsMissing, context_of

Limit = Annotated[
    int | None, QueryParameter(name="limit", description="How many items, 1 to 200; 50 by default.")
]
Cursor = Annotated[
    str | None, QueryParameter(name="cursor", description="`next_cursor` of the page before.")
]
_ETAG: Final = re.compile(r'(?:W/)?"v(\d{1,18})"')


class InvalidIfMatch(InvalidInput):
    """`If-Match` is not an ETag that this API gave."""

    code = "INVALID_IF_MATCH"

    def __init__(self) -> None:
        super().__init__('If-Match must repeat an ETag, such as "v3".', param="If-Match")


class VersionChanged(PreconditionFailed):
    """Somebody changed the thing since the version that `If-Match` names."""

    code = "VERSION_CHANGED"

    def __init__(self, *, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            headers={"ETag": f'"v{current}"'},
        )


def check_version(current: int, expected: int | None) -> None:
    """Return when `expected`, if anything is, is the current version; raises `VersionChanged`.

    What is not there yet has version 0.
    """
    if expected is not None and expected != current:
        raise VersionChanged(expected=expected, current=current)


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return who acts; the guard has put it there."""
    actor = context_of(request.scope).actor
    if actor is None:
        raise CredentialsMissing
    return actor


def page(limit: int | None = None, cursor: str | None = None) -> PageRequest:
    """Return the part of a list that the request asks for."""
    return page_request(limit, cursor)


def expected_version(request: Request[Any, Any, Any]) -> int | None:
    """Return the version that `If-Match` names, or None."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    match = _ETAG.fullmatch(header.strip())
    if match is None:
        raise InvalidIfMatch
    return int(match[1])
