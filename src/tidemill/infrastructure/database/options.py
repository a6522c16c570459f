"""What the stores are opened with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class DatabaseOptions(Struct, frozen=True, kw_only=True):
    """Where the stores lie and how much they may use.

    Without a `url` the stores are SQLite files below `data_dir`; with `postgresql://…` they are
    schemas. `dsns` names further PostgreSQL databases that tenants may be placed in. With
    `migrate` the shared stores are brought to this release's schema when they are opened.
    """

    data_dir: Path
    url: str | None = None
    dsns: Mapping[str, str] = {}
    schema_prefix: str = ""
    placement: str = "schema"
    schemas_per_database_max: int = 500
    migrate: bool = True

    synchronous: str = "FULL"
    busy_timeout_ms: int = 5_000
    tenant_writer_threads: int = 4
    tenant_reader_threads: int = 4
    shared_reader_threads: int = 2
    open_files_max: int = 64
    group_size_max: int = 256
    queue_length_max: int = 8_192
    group_commit: bool = True

    pool_size_min: int = 1
    pool_size_max: int = 10
    connect_timeout_seconds: float = 5.0
    acquire_timeout_seconds: float = 10.0
    lock_timeout_ms: int = 4_000
    statement_timeout_ms: int = 20_000
    attempts_max: int = 6

    poll_seconds: float = 1.0
    idempotency_hours: int = 24
    changes_hours: int = 24
    free_bytes_min: int = 16 * 1024 * 1024
