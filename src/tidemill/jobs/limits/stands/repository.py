"""The SQL of keys for which one job stands."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.ports import Tx

# The update changes nothing but the lock that it takes: what follows reads what others committed.
_LOCK: Final = """
    INSERT INTO job_stands (tenant_id, kind, key, job_id, since_at, until_at, used_at)
    VALUES (:tenant_id, :kind, :key, '', 0, 0, :now)
    ON CONFLICT (tenant_id, kind, key) DO UPDATE SET used_at = :now
    RETURNING job_id, since_at, until_at
"""
_WRITE: Final = """
    UPDATE job_stands SET job_id = :job_id, since_at = :since_at, until_at = :until_at
    WHERE tenant_id = :tenant_id AND kind = :kind AND key = :key
"""
_FORGET: Final = """
    DELETE FROM job_stands WHERE used_at < :before AND until_at < :now AND NOT EXISTS (
        SELECT 1 FROM jobs
        WHERE jobs.tenant_id = job_stands.tenant_id AND jobs.id = job_stands.job_id)
"""


class Stand(Struct, frozen=True):
    """The job that stands for a key since, and at least until."""

    job_id: str
    since_at: int
    until_at: int


class StandRepository:
    """Keys of one tenant."""

    def lock(self, tx: Tx, kind: str, key: str) -> Stand:
        """Return who stands for a key; nobody else changes that before this commits."""
        row = tx.one(_LOCK, kind=kind, key=key)
        assert row is not None  # noqa: S101 - an upsert returns its row
        return Stand(*row)

    def write(self, tx: Tx, kind: str, key: str, stand: Stand) -> None:
        """Let another job stand for a locked key."""
        tx.execute(
            _WRITE,
            kind=kind,
            key=key,
            job_id=stand.job_id,
            since_at=stand.since_at,
            until_at=stand.until_at,
        )

    def forget(self, tx: Tx, before: int) -> None:
        """Delete keys of all tenants for which nobody stands, and that nobody has used since."""
        tx.execute(_FORGET, before=before)
