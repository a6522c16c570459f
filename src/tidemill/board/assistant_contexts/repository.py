"""The SQL of contexts: which columns there are in this store now."""

from __future__ import annotations

from typing import Final

from tidemill.board.assistant_contexts.tables import TABLES
from tidemill.core.ports import Tx

_columns_max: Final = 200
_COLUMNS: Final = {
    "sqlite": """
        SELECT name FROM pragma_table_info(:name) WHERE :tenant_id <> '' ORDER BY cid LIMIT :limit
    """,
    "postgres": """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = :name AND :tenant_id <> ''
        ORDER BY ordinal_position LIMIT :limit
    """,
}


def live_columns(tx: Tx) -> dict[str, list[str]]:
    """Return the columns that each table of `TABLES` has in this store, in their order."""
    sql = _COLUMNS[tx.dialect]
    return {
        table: [row[0] for row in tx.all(sql, name=table, limit=_columns_max)] for table in TABLES
    }
