"""The SQL that finds many items by what people call them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from tidemill.board.contract import WorkItemId
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import SELECT_ITEMS
from tidemill.core.ports import Tx

# As an array PostgreSQL looks the few up one by one; it would read the whole table for a set.
_AMONG_IDS: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        ))""",
}
_KEYS: Final = {
    "sqlite": """
        SELECT value ->> 0 AS project_key, CAST(value ->> 1 AS INTEGER) AS number
        FROM json_each(:keys)
    """,
    "postgres": """
        SELECT value ->> 0 AS project_key, CAST(value ->> 1 AS BIGINT) AS number
        FROM jsonb_array_elements(CAST(CAST(:keys AS TEXT) AS jsonb)) AS one (value)
    """,
}
# SQLite joins in the order that a cross join says.
BY_KEYS: Final = {
    dialect: f"""
    SELECT k.project_key, k.number, w.id FROM ({keys}) AS k
    CROSS JOIN projects AS p
    CROSS JOIN work_items AS w
    WHERE p.tenant_id = :tenant_id AND p.key = k.project_key AND w.tenant_id = p.tenant_id
        AND w.project_id = p.id AND w.number = k.number
    """  # noqa: S608 - a constant
    for dialect, keys in _KEYS.items()
}
# Whatever became of the project that the item left; what it gave counts more than what an import
# brought, and so comes last.
BY_FORMER_KEYS: Final = {
    dialect: f"""
    SELECT k.project_key, k.number, i.work_item_id FROM ({keys}) AS k
    CROSS JOIN imported_keys AS i
    WHERE i.tenant_id = :tenant_id AND i.project_key = k.project_key AND i.number = k.number
    UNION ALL
    SELECT k.project_key, k.number, f.work_item_id FROM ({keys}) AS k
    CROSS JOIN projects AS p
    CROSS JOIN former_keys AS f
    WHERE p.tenant_id = :tenant_id AND p.key = k.project_key AND f.tenant_id = p.tenant_id
        AND f.project_id = p.id AND f.number = k.number
    """  # noqa: S608 - a constant
    for dialect, keys in _KEYS.items()
}
# In one order for all, so that two that change the same items do not wait for each other.
HELD: Final = {
    dialect: f"{SELECT_ITEMS} WHERE w.tenant_id = :tenant_id AND w.id {among} ORDER BY w.id {lock}"
    for (dialect, among), lock in zip(_AMONG_IDS.items(), ("", "FOR UPDATE OF w"), strict=True)
}
BLOCKING: Final = {
    dialect: f"""
    SELECT d.blocking_item_id, d.blocked_item_id FROM dependencies AS d
    WHERE d.tenant_id = :tenant_id AND d.blocked_item_id {among} AND d.dependency_type = 'blocks'
    ORDER BY d.blocked_item_id, d.blocking_item_id
    """  # noqa: S608 - a constant
    for dialect, among in _AMONG_IDS.items()
}


class BulkChangeRepository:
    """Many items of a tenant."""

    def ids_of_keys(
        self, tx: Tx, keys: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], WorkItemId]:
        """Return the items that have, or had, these keys; deleted ones too."""
        if not keys:
            return {}
        encoded = msgspec.json.encode(list(keys)).decode()
        found: dict[tuple[str, int], WorkItemId] = {}
        # What has a key goes before what had it once.
        for sql in (BY_FORMER_KEYS[tx.dialect], BY_KEYS[tx.dialect]):
            found |= {(row[0], row[1]): row[2] for row in tx.all(sql, keys=encoded)}
        return found

    def held(self, tx: Tx, ids: Iterable[str]) -> list[WorkItem]:
        """Return items, deleted or not, which nobody else changes until the transaction ends."""
        wanted = dict.fromkeys(ids)
        found = self._held(tx, wanted)
        missing = wanted.keys() - {item.id for item in found}
        if missing and tx.dialect == "postgres":
            # Who waited for one that went to another project was told of no row: its project is
            # not the one that was joined before.
            found += self._held(tx, sorted(missing))
        return found

    def blocking(self, tx: Tx, ids: Iterable[str]) -> Sequence[tuple[str, str]]:
        """Return what blocks these items, as pairs of ids."""
        rows = tx.all(BLOCKING[tx.dialect], ids=_encoded(ids))
        return [(row[0], row[1]) for row in rows]

    def _held(self, tx: Tx, ids: Iterable[str]) -> list[WorkItem]:
        return [WorkItem(*row) for row in tx.all(HELD[tx.dialect], ids=_encoded(ids))]


def _encoded(ids: Iterable[str]) -> str:
    return msgspec.json.encode(list(ids)).decode()
