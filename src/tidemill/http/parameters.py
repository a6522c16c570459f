"""Parameters that many routes share; `injection` hands them out by name."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Protocol

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
_ETAG: Final = re.compile(r'(?:W/)?"v(\d{1,18})(?:\.[0-9a-f]{16}(?:\.([0-9a-f]{1,16}))?)?"')


class ReadVersion(int):
    """The version that an ETag names, and when what has it was made, if the tag tells that."""

    born: int | None = None


class InvalidIfMatch(InvalidInput):
    """`If-Match` is not an ETag that this API gave."""

    code = "INVALID_IF_MATCH"

    def __init__(self) -> None:
        super().__init__(
            'If-Match must repeat an ETag of this API, such as "v1.f8a0e94b738c8f09".',
            param="If-Match",
        )


class VersionChanged(PreconditionFailed):
    """Somebody changed the thing since the version that `If-Match` names."""

    code = "VERSION_CHANGED"

    def __init__(self, *, expected: int, current: int) -> None:
        told = f"You changed version {expected}, and it is at version {current} now."
        if expected == current:
            told = "What you read was deleted, and another one was made in its place."
        super().__init__(
            f"{told} Read it again.",
            headers={"ETag": f'"v{current}"'},
        )


class Named(Protocol):
    """What is found by a name, under which another one may have been before."""

    @property
    def version(self) -> int:
        """How often it was changed, from 1 on."""
        ...

    @property
    def created_at(self) -> int:
        """When it was made."""
        ...


def check_version(current: int, expected: int | None, *, born: int | None = None) -> None:
    """Return when `expected`, if anything is, is the current version; raises `VersionChanged`.

    What is not there yet has version 0. What is found by its name counts from 1 again after it was
    deleted; `born`, when it was made, tells the two apart.
    """
    if expected is None:
        return
    before = expected.born if isinstance(expected, ReadVersion) else None
    is_other = before is not None and born is not None and before != born
    if expected != current or is_other:
        raise VersionChanged(expected=expected, current=current)


def check_found(found: Named | None, expected: int | None) -> None:
    """Return when what was found by its name is what `expected` names; raises `VersionChanged`."""
    if found is None:
        check_version(0, expected)
    else:
        check_version(found.version, expected, born=found.created_at)


def check_written(written: Named, expected: int | None) -> None:
    """Return when what was written follows what `expected` names; raises `VersionChanged`.

    On PostgreSQL somebody else may have come in between the look and the write.
    """
    check_version(written.version - 1, expected, born=written.created_at)


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return who acts; the guard has put it there."""
    actor = context_of(request.scope).actor
    if actor is None:
        raise CredentialsMissing
    return actor


def page(limit: int | None, cursor: str | None, name: str) -> PageRequest:
    """Return the part of the list of that name that the request asks for."""
    return page_request(limit, cursor, name)


def expected_version(request: Request[Any, Any, Any]) -> ReadVersion | None:
    """Return the version that `If-Match` names, or None."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    match = _ETAG.fullmatch(header.strip())
    if match is None:
        raise InvalidIfMatch
    version = ReadVersion(match[1])
    version.born = None if match[2] is None else int(match[2], 16)
    return version
