"""Reads what an installation has written, past all of its processes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from tests.fixtures.databases import rows

Store = Literal["control", "jobs", "tenant"]
UNDELIVERED: Final[dict[Store, tuple[str, ...]]] = {
    "control": ("outbox", "audit_outbox"),
    "jobs": ("outbox", "audit_outbox"),
    "tenant": ("audit_outbox",),
}


class Books(Protocol):
    """The stores of one tenant's story."""

    def values(self, store: Store, query: str) -> list[Any]:
        """Return the first column of what a query of a store gives."""
        ...


class SqliteBooks:
    """The files of a data directory."""

    def __init__(self, data_dir: Path, tenant_id: str) -> None:
        self._files = {
            "control": data_dir / "control.db",
            "jobs": data_dir / "jobs.db",
            "tenant": data_dir / "tenants" / tenant_id / "main.db",
        }

    def values(self, store: Store, query: str) -> list[Any]:
        """See `Books`."""
        file = self._files[store]
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as opened:
            return [row[0] for row in opened.execute(query)]


class PostgresBooks:
    """The schemas of a database."""

    def __init__(self, url: str, tenant_id: str) -> None:
        self._url = url
        self._schemas = {"control": "control", "jobs": "jobs", "tenant": self._placed(tenant_id)}

    def values(self, store: Store, query: str) -> list[Any]:
        """See `Books`."""
        return [row[0] for row in rows(self._url, query, self._schemas[store])]

    def _placed(self, tenant_id: str) -> str:
        query = f"SELECT placement_schema FROM control.tenants WHERE id = '{tenant_id}'"
        return str(rows(self._url, query)[0][0])
