"""The SQL of gates: keys are locked before their jobs, and know how many slots are held.

Each statement names the tenant itself, so that it works in transactions across tenants too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from tidemill.core.ports import Tx

miscounted_per_look_max: Final = 1_000
_NAMED: Final = {
    "sqlite": "SELECT value ->> 0, value ->> 1 FROM json_each(:refs)",
    "postgres": """
        SELECT ref ->> 0, ref ->> 1
        FROM jsonb_array_elements(CAST(CAST(:refs AS TEXT) AS jsonb)) AS ref
    """,
}
_KEYS: Final = f"""
    SELECT tenant_id, concurrency_key, rate_key FROM jobs
    WHERE (tenant_id, id) IN ({_NAMED["postgres"]})
        AND (concurrency_key IS NOT NULL OR rate_key IS NOT NULL)
"""  # noqa: S608 - constants
_LOCK: Final = {
    table: f"""
        SELECT 1 FROM {table} WHERE (tenant_id, key) IN ({_NAMED["postgres"]})
        ORDER BY tenant_id, key FOR UPDATE
    """  # noqa: S608 - constants
    for table in ("concurrency_slots", "rate_buckets")
}
_HELD: Final = {
    dialect: f"""
        SELECT tenant_id, concurrency_key, COUNT(*) FROM jobs
        WHERE (tenant_id, id) IN ({named}) AND slot_at IS NOT NULL
        GROUP BY tenant_id, concurrency_key ORDER BY tenant_id, concurrency_key
    """  # noqa: S608 - constants
    for dialect, named in _NAMED.items()
}
_LEAVE: Final = """
    UPDATE concurrency_slots SET held = held - :left WHERE tenant_id = :tenant AND key = :key
"""
_COUNT: Final = """(
    SELECT COUNT(*) FROM jobs
    WHERE jobs.tenant_id = concurrency_slots.tenant_id
        AND jobs.concurrency_key = concurrency_slots.key AND jobs.slot_at IS NOT NULL)"""
_MISCOUNTED: Final = f"""
    SELECT tenant_id, key FROM concurrency_slots WHERE held <> {_COUNT}
    ORDER BY tenant_id, key LIMIT :limit
"""  # noqa: S608 - constants
_RECOUNT: Final = f"""
    UPDATE concurrency_slots SET held = {_COUNT} WHERE tenant_id = :tenant AND key = :key
"""  # noqa: S608 - constants

Refs = Collection[tuple[str, str]]
"""Jobs or keys, each with its tenant."""


class GateRepository:
    """Gates of all tenants."""

    def lock(self, tx: Tx, jobs: Refs, *, rates: Refs = ()) -> None:
        """Lock the keys of live jobs, and those of `rates`, before the jobs themselves.

        Who lets jobs through a gate has locked it and then locks them: whoever takes them the
        other way round could wait for that one, and that one for them.
        """
        # SQLite has one writer.
        if tx.dialect == "sqlite":
            return
        keys = tx.all(_KEYS, refs=_json(jobs)) if jobs else ()
        slots = {(row[0], row[1]) for row in keys if row[1] is not None}
        self.lock_keys(tx, slots, {*rates, *((row[0], row[2]) for row in keys if row[2])})

    def lock_keys(self, tx: Tx, slots: Refs, rates: Refs) -> None:
        """Lock keys (tenant, key) of slots, and then of rates, each in one order."""
        if tx.dialect == "sqlite":
            return
        for table, keys in (("concurrency_slots", slots), ("rate_buckets", rates)):
            if keys:
                tx.all(_LOCK[table], refs=_json(keys))

    def leave(self, tx: Tx, jobs: Refs) -> None:
        """Count the slots of locked jobs as free, which end or wait for their time after this."""
        for tenant, key, left in tx.all(_HELD[tx.dialect], refs=_json(jobs)) if jobs else ():
            tx.execute(_LEAVE, tenant=tenant, key=key, left=left)

    def miscounted(self, tx: Tx) -> Sequence[tuple[str, str]]:
        """Return keys (tenant, key) with another number than that of their jobs with a slot.

        There are none but where a process of an earlier release worked beside this one.
        """
        rows = tx.all(_MISCOUNTED, limit=miscounted_per_look_max)
        return [(row[0], row[1]) for row in rows]

    def recount(self, tx: Tx, tenant: str, key: str) -> None:
        """Count the slots of a key anew."""
        # Locked by a statement of its own, so that the count sees what others have committed.
        self.lock_keys(tx, [(tenant, key)], ())
        tx.execute(_RECOUNT, tenant=tenant, key=key)


def _json(refs: Refs) -> str:
    return msgspec.json.encode(sorted(refs)).decode()
