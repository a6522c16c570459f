"""Parameters that many routes share; `injection` hands them out by name."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

from litestar.connection import Request
from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant, from_datetime
from tidemill.core.errors import InvalidInput, PreconditionFailed
from tidemill.core.pages import PageRequest, page_request
from tidemill.http.authentication import CredentialsMissing, context_of

Limit = Annotated[
    int | None, QueryParameter(name="limit", description="How many items, 1 to 200; 50 by default.")
]
Cursor = Annotated[
    str | None, QueryParameter(name="cursor", description="`next_cursor` of the page before.")
]
_ETAG: Final = re.compile(r'(W/)?"v(\d{1,18})(?:\.[0-9a-f]{16}(?:\.([0-9a-f]{1,16}))?)?"')
if_match_tags_max: Final = 20


class ReadVersion(int):
    """The version that an ETag names, and when what has it was made, if the tag tells that.

    The last tag of a list stands for it, and has those before it.
    """

    born: int | None = None
    weak: bool = False
    before: tuple[ReadVersion, ...] = ()

    def names(self, current: int, born: int | None) -> bool:
        """Return whether one of the tags is the current one, compared strongly (RFC 9110)."""
        if any(one.names(current, born) for one in self.before):
            return True
        is_other = self.born is not None and born is not None and self.born != born
        return not self.weak and self == current and not is_other


class AnyVersion(int):
    """What `*` names: any version of what is there."""


ANY: Final = AnyVersion()


class InvalidIfMatch(InvalidInput):
    """`If-Match` is not an ETag that this API gave."""

    code = "INVALID_IF_MATCH"

    def __init__(self) -> None:
        super().__init__(
            'If-Match must repeat ETags of this API, such as "v1.f8a0e94b738c8f09", or be *; '
            f"it takes up to {if_match_tags_max}, with commas between them.",
            param="If-Match",
        )


class VersionChanged(PreconditionFailed):
    """Somebody changed the thing since the version that `If-Match` names."""

    code = "VERSION_CHANGED"

    def __init__(self, *, expected: int, current: int) -> None:
        told = f"You changed version {expected}, and it is at version {current} now."
        if isinstance(expected, AnyVersion):
            told = "There is none yet, and If-Match: * changes only what is there."
        elif isinstance(expected, ReadVersion) and expected.weak:
            told = "A weak ETag never matches in If-Match: send it without W/."
        elif expected == current:
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
    if expected is None or isinstance(expected, AnyVersion):
        return
    matches = (
        expected.names(current, born) if isinstance(expected, ReadVersion) else expected == current
    )
    if not matches:
        raise VersionChanged(expected=expected, current=current)


def check_found(found: Named | None, expected: int | None) -> None:
    """Return when what was found by its name is what `expected` names; raises `VersionChanged`."""
    if found is None:
        _refuse_any(expected)
        check_version(0, expected)
    else:
        check_version(found.version, expected, born=found.created_at)


def check_written(written: Named, expected: int | None) -> None:
    """Return when what was written follows what `expected` names; raises `VersionChanged`.

    On PostgreSQL somebody else may have come in between the look and the write.
    """
    if written.version == 1:
        _refuse_any(expected)
    check_version(written.version - 1, expected, born=written.created_at)


def _refuse_any(expected: int | None) -> None:
    if isinstance(expected, AnyVersion):
        raise VersionChanged(expected=expected, current=0)


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return who acts; the guard has put it there."""
    actor = context_of(request.scope).actor
    if actor is None:
        raise CredentialsMissing
    return actor


def page(limit: int | None, cursor: str | None, name: str) -> PageRequest:
    """Return the part of the list of that name that the request asks for."""
    return page_request(limit, cursor, name)


def expected_version(request: Request[Any, Any, Any]) -> int | None:
    """Return what `If-Match` names, or None where it is not sent; raises `InvalidIfMatch`."""
    fields = request.headers.getall("if-match", [])
    return expected_by(", ".join(fields)) if fields else None


def expected_by(header: str) -> int:
    """Return what the value of `If-Match` names; raises `InvalidIfMatch`."""
    if header.strip() == "*":
        return ANY
    # Our own tags hold no comma. Empty elements of a list mean nothing (RFC 9110, 5.6.1.2).
    tags = [tag for each in header.split(",") if (tag := each.strip())]
    if not 1 <= len(tags) <= if_match_tags_max:
        raise InvalidIfMatch
    versions = [_read_version(tag) for tag in tags]
    versions[-1].before = tuple(versions[:-1])
    return versions[-1]


def _read_version(tag: str) -> ReadVersion:
    match = _ETAG.fullmatch(tag)
    if match is None:
        raise InvalidIfMatch
    version = ReadVersion(match[2])
    version.weak = match[1] is not None
    version.born = None if match[3] is None else int(match[3], 16)
    return version


def instant_of(name: str, moment: datetime | None) -> Instant | None:
    """Return what a query parameter says; raises `InvalidInput` for a moment without a zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidInput(f"{name} needs a zone, such as 2026-01-31T12:00:00Z.", param=name)
    return from_datetime(moment)
