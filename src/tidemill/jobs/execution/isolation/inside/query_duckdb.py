"""SQL in DuckDB, in memory or on a file of the tenant, without any way to the outside."""

from __future__ import annotations

from typing import Any, Final

import duckdb

from .journal import say
from .rows import Rows
from .sql import database_file

_FETCH: Final = 500


def run(settings: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    """Run the statements; return the result as JSON."""
    path = database_file(settings)
    connection = duckdb.connect(
        path,
        config={
            # No files, no network, no extensions, and no statement that allows them again.
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "lock_configuration": "true",
            "memory_limit": f"{settings['memory_bytes_max'] * 6 // 10}B",
            "threads": "2",
        },
    )
    try:
        return _run(connection, settings, arguments)
    finally:
        connection.close()


def _run(connection: Any, settings: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    rows = Rows(settings)
    connection.execute("BEGIN TRANSACTION")
    for statement in settings["statements"]:
        bound = [arguments.get(name) for name in statement["names"]]
        cursor = connection.execute(statement["text"], bound)
        rows.clear()
        rows.columns(column[0] for column in cursor.description or ())
        while batch := cursor.fetchmany(_FETCH):
            for row in batch:
                rows.add(row)
        say("INFO", f"statement {statement['number']}: {rows.count} rows")
    answer = rows.result(None)
    connection.execute("COMMIT")
    return answer
