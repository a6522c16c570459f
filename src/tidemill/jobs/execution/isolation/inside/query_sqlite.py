"""SQL in SQLite, on a file of the tenant. What a statement names cannot lead out of that file."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from .answers import Failed
from .journal import say
from .rows import Rows
from .sql import database_file, share

_FETCH: Final = 500
_REFUSED: Final = {
    sqlite3.SQLITE_ATTACH: "ATTACH and VACUUM INTO",
    sqlite3.SQLITE_DETACH: "DETACH",
}
_REFUSED_FUNCTIONS: Final = frozenset({"load_extension", "readfile", "writefile", "edit"})
_REFUSED_PRAGMAS: Final = frozenset({"temp_store_directory", "data_store_directory"})


def run(settings: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    """Run the statements; return the result as JSON."""
    path = database_file(settings)
    share(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=settings["timeout_seconds"])
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.set_authorizer(_allow)
        return _run(connection, settings, arguments)
    except sqlite3.DatabaseError as error:
        if "not authorized" in str(error) or "prohibited" in str(error):
            names = ", ".join(_REFUSED.values())
            message = f"{error}: {names} and extensions are not allowed here."
            raise Failed("StatementRefused", message) from None
        raise
    finally:
        connection.close()


def _run(
    connection: sqlite3.Connection, settings: dict[str, Any], arguments: dict[str, Any]
) -> bytes:
    rows = Rows(settings)
    status: str | None = None
    connection.execute("BEGIN IMMEDIATE" if not settings["reads"] else "BEGIN")
    for statement in settings["statements"]:
        bound = {
            str(n): _bound(arguments.get(name)) for n, name in enumerate(statement["names"], 1)
        }
        cursor = connection.execute(statement["text"], bound)
        rows.clear()
        if cursor.description is None:
            status = f"{max(cursor.rowcount, 0)} rows"
            rows.count = max(cursor.rowcount, 0)
            say("INFO", f"statement {statement['number']}: {status}")
            continue
        status = None
        rows.columns(column[0] for column in cursor.description)
        while batch := cursor.fetchmany(_FETCH):
            for row in batch:
                rows.add(row)
        say("INFO", f"statement {statement['number']}: {rows.count} rows")
    answer = rows.result(status)
    connection.execute("COMMIT")
    return answer


def _bound(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        import json  # noqa: PLC0415 - few parameters are documents

        return json.dumps(value, ensure_ascii=False)
    return value


def _allow(action: int, first: str | None, second: str | None, *_: object) -> int:
    refused = (
        action in _REFUSED
        or (action == sqlite3.SQLITE_FUNCTION and second in _REFUSED_FUNCTIONS)
        or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _REFUSED_PRAGMAS)
    )
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK
