"""What metrics and probes show of the stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

DAMAGED_TENANTS: Final = "tenant_files"
"""The part of `Stores.health` that tells of tenants whose files are damaged."""


class StoreFigures(Struct, frozen=True, kw_only=True):
    """What metrics show of one kind of store.

    `groups` counts commits by how many use cases shared them.
    """

    store: str
    groups: Mapping[int, int] = {}
    queue_depth: int = 0
    open_files: int = 0
    wal_bytes: int = 0
    connections: int = 0
    connections_idle: int = 0
