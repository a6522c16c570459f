from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tidemill.core.store_errors import ConstraintViolated
from tidemill.infrastructure.database.sqlite.connection import (
    Cache,
    Pragmas,
    connect,
    is_fatal,
    translated,
    unavailable_reason,
)

_PRAGMAS = Pragmas("FULL", 1_234, Cache(kib=100, statements=10))


def _error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 1_234)],
)
def test_connect_sets_each_connection(tmp_path: Path, pragma: str, value: object) -> None:
    with closing(connect(tmp_path / "x.db", _PRAGMAS, writable=True)) as connection:
        assert connection.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_connect_for_reading_cannot_write(tmp_path: Path) -> None:
    with (
        closing(connect(tmp_path / "x.db", _PRAGMAS, writable=True)),
        closing(connect(tmp_path / "x.db", _PRAGMAS, writable=False)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("CREATE TABLE x (y)")


@pytest.mark.parametrize(
    ("code", "reason", "fatal"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full", False),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "it is locked by another process", False),
        (sqlite3.SQLITE_IOERR_FSYNC, "the disk failed", True),
        (sqlite3.SQLITE_CORRUPT, "its file is damaged", True),
        (sqlite3.SQLITE_ERROR, None, False),
    ],
)
def test_unavailable_reason_tells_the_machine_from_the_statement(
    code: int, reason: str | None, fatal: bool
) -> None:
    assert unavailable_reason(_error(code)) == reason
    assert is_fatal(_error(code)) is fatal


def test_translated_names_a_unique_constraint() -> None:
    error = sqlite3.IntegrityError("UNIQUE constraint failed: lamps.id")
    error.sqlite_errorcode = sqlite3.SQLITE_CONSTRAINT_UNIQUE

    assert isinstance(translated(error), ConstraintViolated)


def test_translated_leaves_a_broken_check_as_a_mistake() -> None:
    error = sqlite3.IntegrityError("CHECK constraint failed")
    error.sqlite_errorcode = sqlite3.SQLITE_CONSTRAINT_CHECK

    assert translated(error) is error
