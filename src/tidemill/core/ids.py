"""Ids are UUIDv7 as lower-case text; each kind of thing has its own type."""

from __future__ import annotations

import re
from typing import Final, NewType

from tidemill.core.errors import InvalidInput

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)

INSTALLATION: Final = TenantId("installation")
"""The reserved tenant of what belongs to no tenant; it has a stream and an audit chain only."""

_TENANT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Names that Windows or a careless path join would treat as something else.
_RESERVED = frozenset({"con", "prn", "aux", "nul", "control", "jobs"})


class InvalidTenantId(InvalidInput):
    """A tenant id holds characters that must never reach a path or a schema name."""

    code = "INVALID_TENANT_ID"

    def __init__(self) -> None:
        super().__init__(
            "A tenant id has 1 to 64 characters of A-Z, a-z, 0-9, '-' and '_'.",
            param="tenant_id",
        )


def tenant_id(text: str) -> TenantId:
    """Return `text` as a tenant id; refuse what could leave its directory or schema."""
    if not _TENANT_ID.fullmatch(text) or text.lower() in _RESERVED:
        raise InvalidTenantId
    return TenantId(text)
