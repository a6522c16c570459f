"""Runs migrations on a SQLite connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import (
    Migration,
    MigrationFailed,
    discover,
    pending,
    to_undo,
)
from tidemill.infrastructure.database.sqlite.connection import unavailable_reason

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        checksum TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT
"""


def applied_versions(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the checksum of each migration that ran in this file."""
    exists = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
    ).fetchone()
    if exists is None:
        return {}
    rows = connection.execute("SELECT version, checksum FROM schema_migrations ORDER BY version")
    return dict(rows.fetchall())


def upgrade_connection(
    connection: sqlite3.Connection,
    kind: StoreKind,
    now: Instant,
    migrations: Sequence[Migration] | None = None,
) -> int:
    """Run what the file lacks, each migration wholly or not at all; return its version.

    Raises `MigrationFailed`.
    """
    known = discover("sqlite", kind) if migrations is None else migrations
    applied = applied_versions(connection)
    missing = pending(known, applied, store=f"the {kind} store")

    def up(migration: Migration) -> None:
        _run(connection, migration.up)
        connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at) "
            "VALUES (?, ?, ?, ?)",
            (migration.version, migration.name, migration.checksum, now),
        )

    if missing:
        _step_through(connection, missing, up)
    return max([*applied, *(migration.version for migration in missing)], default=0)


def downgrade_connection(
    connection: sqlite3.Connection,
    kind: StoreKind,
    target: int,
    migrations: Sequence[Migration] | None = None,
) -> int:
    """Undo what lies above `target`, last first; return the version. Raises `MigrationFailed`."""
    known = discover("sqlite", kind) if migrations is None else migrations
    applied = applied_versions(connection)
    undone = to_undo(known, applied, target)

    def down(migration: Migration) -> None:
        _run(connection, migration.down)
        connection.execute("DELETE FROM schema_migrations WHERE version = ?", (migration.version,))

    if undone:
        _step_through(connection, undone, down)
    gone = {migration.version for migration in undone}
    return max((version for version in applied if version not in gone), default=0)


def _step_through(
    connection: sqlite3.Connection, steps: Sequence[Migration], apply: Callable[[Migration], None]
) -> None:
    """Apply each step in a savepoint of one transaction: those before a failure stay."""
    # Rebuilding a table breaks references for a moment; the check below finds what stays broken.
    connection.execute("PRAGMA foreign_keys=OFF")
    failed: tuple[Migration, sqlite3.Error] | None = None
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        for step in steps:
            connection.execute("SAVEPOINT migration")
            try:
                apply(step)
                _check_references(connection)
            except sqlite3.Error as error:
                if unavailable_reason(error) or not connection.in_transaction:
                    raise
                connection.execute("ROLLBACK TO migration")
                failed = (step, error)
            connection.execute("RELEASE migration")
            if failed:
                break
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys=ON")
    if failed:
        raise MigrationFailed(f"{failed[0].label} failed: {failed[1]}.") from failed[1]


def _check_references(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise sqlite3.IntegrityError(f"a row of {broken[0]} refers to a missing {broken[2]}")


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    """Split at the semicolons that end a statement, not at those inside triggers or strings."""
    pending_text = ""
    for piece in script.split(";"):
        pending_text += piece + ";"
        if sqlite3.complete_statement(pending_text):
            yield pending_text
            pending_text = ""
