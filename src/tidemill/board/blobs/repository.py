"""The SQL of blobs: one row for each digest that a tenant has bytes of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

# What is written on a conflict changes nothing: it locks the row that is there, and returns it.
_HOLD: Final = """
    INSERT INTO blobs (tenant_id, sha256, name, bytes, created_at, unused_since)
    VALUES (:tenant_id, :sha256, :name, :bytes, :now, :now)
    ON CONFLICT (tenant_id, sha256) DO UPDATE SET bytes = blobs.bytes
    RETURNING name, unused_since
"""
_LOCK: Final = """
    SELECT bytes FROM blobs
    WHERE tenant_id = :tenant_id AND sha256 = :sha256 AND unused_since IS NULL
"""
_USE: Final = """
    UPDATE blobs SET unused_since = NULL WHERE tenant_id = :tenant_id AND sha256 = :sha256
"""
_A_USE: Final = """
    SELECT id FROM attachments WHERE tenant_id = :tenant_id AND sha256 = :sha256 LIMIT 1
"""
_LEAVE: Final = """
    UPDATE blobs SET unused_since = :now WHERE tenant_id = :tenant_id AND sha256 = :sha256
"""
_ADD: Final = """
    INSERT INTO blob_totals (tenant_id, bytes) VALUES (:tenant_id, :bytes)
    ON CONFLICT (tenant_id) DO UPDATE SET bytes = blob_totals.bytes + excluded.bytes
    RETURNING bytes
"""
_ORPHANS: Final = """
    SELECT b.sha256 FROM blobs AS b
    WHERE b.tenant_id = :tenant_id AND b.unused_since IS NULL AND b.sha256 > :after
        AND NOT EXISTS (
            SELECT 1 FROM attachments AS a
            WHERE a.tenant_id = b.tenant_id AND a.sha256 = b.sha256
        )
    ORDER BY b.sha256
    LIMIT :limit
"""
# The row itself is asked again: it may have been used since it was found.
_FORGET: Final = """
    DELETE FROM blobs
    WHERE tenant_id = :tenant_id AND unused_since < :before AND sha256 IN (
        SELECT sha256 FROM blobs
        WHERE tenant_id = :tenant_id AND unused_since < :before
        ORDER BY unused_since
        LIMIT :limit
    )
    RETURNING name
"""
_KNOWN: Final = "SELECT name FROM blobs WHERE tenant_id = :tenant_id AND name IN "
_VALUES: Final = {
    "sqlite": "(SELECT value FROM json_each(:names))",
    "postgres": "(SELECT json_array_elements_text(CAST(:names AS json)))",
}
_FOR_UPDATE: Final = {"sqlite": "", "postgres": " FOR UPDATE"}


class BlobRepository:
    """Blobs of a tenant. Whoever uses one or leaves it holds its row until the end."""

    def hold(self, tx: Tx, sha256: str, name: str, size: int) -> tuple[str, Instant | None]:
        """Return where the bytes are and since when nobody uses them; `name` where they are new."""
        row = tx.one(_HOLD, sha256=sha256, name=name, bytes=size)
        if row is None:
            raise LookupError(sha256)
        return row[0], row[1]

    def use(self, tx: Tx, sha256: str) -> None:
        """Write that something uses the bytes."""
        tx.execute(_USE, sha256=sha256)

    def leave(self, tx: Tx, sha256: str) -> int:
        """Write that nobody uses the bytes any more, unless somebody does; return how many."""
        row = tx.one(_LOCK + _FOR_UPDATE[tx.dialect], sha256=sha256)
        # A statement of its own: it sees what was committed while this one waited for the row.
        if row is None or tx.one(_A_USE, sha256=sha256) is not None:
            return 0
        tx.execute(_LEAVE, sha256=sha256)
        return int(row[0])

    def add_to_total(self, tx: Tx, size: int) -> int:
        """Return how much all blobs in use hold, with `size` added."""
        row = tx.one(_ADD, bytes=size)
        return int(row[0]) if row else size

    def orphans(self, tx: Tx, *, after: str, limit: int) -> list[str]:
        """Return digests whose last use went without a word, such as with its item."""
        return [row[0] for row in tx.all(_ORPHANS, after=after, limit=limit)]

    def forget(self, tx: Tx, before: Instant, *, limit: int) -> list[str]:
        """Remove rows that nothing has used since `before`; return their names."""
        return [row[0] for row in tx.all(_FORGET, before=before, limit=limit)]

    def known(self, tx: Tx, names: Sequence[str]) -> frozenset[str]:
        """Return which of `names` have a row."""
        listed = msgspec.json.encode(names).decode()
        return frozenset(row[0] for row in tx.all(_KNOWN + _VALUES[tx.dialect], names=listed))
