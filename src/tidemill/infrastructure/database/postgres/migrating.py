"""Makes schemas and runs migrations in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import (
    Migration,
    MigrationFailed,
    discover,
    pending,
    to_undo,
)
from tidemill.infrastructure.database.postgres.failures import unavailable_reason
from tidemill.infrastructure.database.postgres.isolation import protect, show_to_owner

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version BIGINT PRIMARY KEY,
        name TEXT NOT NULL,
        checksum TEXT NOT NULL,
        applied_at BIGINT NOT NULL
    )
"""
_APPLIED: Final = "SELECT version, checksum FROM schema_migrations ORDER BY version"
_INSERT: Final = """
    INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)
"""
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_DELETE: Final = "DELETE FROM schema_migrations WHERE version = $1"


async def applied_versions(connection: Any, schema: str) -> dict[int, str]:
    """Return the checksum of each migration that ran in `schema`."""
    exists = await connection.fetchval(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = 'schema_migrations'",
        schema,
    )
    if not exists:
        return {}
    async with connection.transaction():
        await connection.execute(f"SET LOCAL search_path TO {quoted(schema)}")
        return {row[0]: row[1] for row in await connection.fetch(_APPLIED)}


async def upgrade_schema(
    connection: Any,
    kind: StoreKind,
    schema: str,
    now: Instant,
    *,
    migrations: Sequence[Migration] | None = None,
    shared_with_role: str | None = None,
) -> int:
    """Run what `schema` lacks, each migration wholly or not at all; return its version.

    With `shared_with_role` row-level security then keeps the schema's tenants apart. Raises
    `MigrationFailed`.
    """
    known = discover("postgres", kind) if migrations is None else migrations
    applied = await applied_versions(connection, schema)
    missing = pending(known, applied, store=schema)
    # A new schema is made in one transaction: it is there as a whole, or not at all.
    batches = [[migration] for migration in missing] if applied else [missing]
    for batch in filter(None, batches):
        async with _exclusively(connection, schema):
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}; {_TABLE}")
            # Another process may have been faster.
            done = {row[0] for row in await connection.fetch(_APPLIED)}
            if shared_with_role is not None:
                await show_to_owner(connection, schema)
            for migration in batch:
                if migration.version not in done:
                    await _run(connection, migration, migration.up)
                    values = (migration.version, migration.name, migration.checksum, now)
                    await connection.execute(_INSERT, *values)
            if shared_with_role is not None:
                await protect(connection, schema, shared_with_role)
    return max((migration.version for migration in known), default=0)


async def downgrade_schema(
    connection: Any,
    kind: StoreKind,
    schema: str,
    target: int,
    *,
    migrations: Sequence[Migration] | None = None,
    shared_with_role: str | None = None,
) -> int:
    """Undo what lies above `target`, last first; return the version.

    See `upgrade_schema` for `shared_with_role`. Raises `MigrationFailed`.
    """
    known = discover("postgres", kind) if migrations is None else migrations
    applied = await applied_versions(connection, schema)
    undone = to_undo(known, applied, target)
    for migration in undone:
        async with _exclusively(connection, schema):
            if shared_with_role is not None:
                await show_to_owner(connection, schema)
            await _run(connection, migration, migration.down)
            await connection.execute(_DELETE, migration.version)
            if shared_with_role is not None:
                await protect(connection, schema, shared_with_role)
    gone = {migration.version for migration in undone}
    return max((version for version in applied if version not in gone), default=0)


def quoted(name: str) -> str:
    """Return `name` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


@asynccontextmanager
async def _exclusively(connection: Any, schema: str) -> AsyncIterator[None]:
    """Open a transaction in `schema` that no other migration runs beside."""
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0")
        await connection.execute(_LOCK, f"migrate:{schema}")
        # A session that waited for the lock may still believe that there is no such schema, and
        # fail to make it; reading the catalogue tells it what the other one has committed.
        await connection.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema)
        await connection.execute(f"SET LOCAL search_path TO {quoted(schema)}")
        yield


async def _run(connection: Any, migration: Migration, script: str) -> None:
    try:
        await connection.execute(script)
    except asyncpg.PostgresError as error:
        if unavailable_reason(error) is not None:
            raise
        raise MigrationFailed(f"{migration.label} failed: {error}.") from error
