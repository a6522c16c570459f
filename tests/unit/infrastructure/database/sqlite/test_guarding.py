from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tidemill.core.ports import ReadGuard
from tidemill.infrastructure.database.sql import StatementRefused
from tidemill.infrastructure.database.sqlite.guarding import guarded

_GUARD = ReadGuard(
    tables=frozenset({"lamps"}), functions=frozenset({"count"}), milliseconds_max=60_000
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute("CREATE TABLE lamps (name TEXT)")
        opened.execute("CREATE TABLE secrets (name TEXT)")
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM secrets",
        "SELECT name FROM lamps UNION SELECT name FROM secrets",
        "SELECT (SELECT COUNT(*) FROM secrets) FROM lamps",
        "SELECT name FROM sqlite_master",
        "SELECT upper(name) FROM lamps",
        "DELETE FROM lamps",
        "PRAGMA query_only = OFF",
        "ATTACH ':memory:' AS other",
    ],
)
def test_guarded_refuses_whatever_is_not_named(connection: sqlite3.Connection, sql: str) -> None:
    with pytest.raises(StatementRefused), guarded(connection, _GUARD):
        connection.execute(sql).fetchall()


def test_guarded_lets_what_is_named_pass_and_all_else_behind_it(
    connection: sqlite3.Connection,
) -> None:
    with guarded(connection, _GUARD):
        counted = connection.execute(
            "WITH l AS (SELECT name FROM lamps) SELECT COUNT(*) FROM l"
        ).fetchall()

    assert counted == [(0,)]
    assert connection.execute("SELECT name FROM secrets").fetchall() == []
