"""The SQL of limits: who has a slot, who waits, and who is next.

Each statement names the tenant itself, so that it works in transactions across tenants too. The row
of a key is locked before its jobs are counted, so that two transactions never give one slot twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.core.ports import Tx, Value
from tidemill.jobs.limits.buckets import Bucket

released_per_look_max: Final = 1_000
blocked_look_microseconds: Final = 1_000_000
"""When a bucket is looked at again whose jobs no worker takes, unless one does before."""

_KEEP_SLOTS: Final = """
    INSERT INTO concurrency_slots (tenant_id, key, slots_max, used_at)
    VALUES (:tenant, :key, :slots_max, :now)
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET slots_max = excluded.slots_max, used_at = excluded.used_at
"""
_LOCK_SLOTS: Final = """
    UPDATE concurrency_slots SET used_at = :now WHERE tenant_id = :tenant AND key = :key
    RETURNING slots_max, held
"""
_IN_LINE: Final = """
    SELECT id, rate_key FROM jobs
    WHERE waits_for = 'concurrency' AND tenant_id = :tenant AND gate_key = :key
    ORDER BY order_key, position LIMIT :limit
"""
_LINE_LENGTH: Final = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM jobs
        WHERE waits_for = 'concurrency' AND tenant_id = :tenant AND gate_key = :key LIMIT :limit
    ) AS line
"""
_GIVE_SLOTS: Final = {
    dialect: f"""
        UPDATE jobs SET slot_at = :now, gate_key = rate_key,
            state = CASE WHEN rate_key IS NULL THEN 'queued' ELSE 'waiting' END,
            waits_for = CASE WHEN rate_key IS NULL THEN NULL ELSE 'rate' END
        WHERE tenant_id = :tenant AND id IN ({ids}) AND waits_for = 'concurrency'
    """  # noqa: S608 - constants
    for dialect, ids in {
        "sqlite": "SELECT value FROM json_each(:ids)",
        "postgres": "SELECT jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb))",
    }.items()
}
_HOLD: Final = """
    UPDATE concurrency_slots SET held = held + :given WHERE tenant_id = :tenant AND key = :key
"""
# What a bucket lacks are tokens: at another rate they come in another time, and whoever waits for
# the next one is looked at anew. As products of long times they would not fit in an integer. What a
# larger bucket lacked could be years at a slower rate: there it is what the new one holds, and full
# no sooner than it was to be.
_KEEP_BUCKET: Final = """
    INSERT INTO rate_buckets (tenant_id, key, interval_microseconds, burst, full_at, used_at)
    VALUES (:tenant, :key, :interval, :burst, :now, :now)
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET interval_microseconds = excluded.interval_microseconds, burst = excluded.burst,
        used_at = excluded.used_at,
        full_at = CASE
            WHEN rate_buckets.interval_microseconds = excluded.interval_microseconds
                OR rate_buckets.full_at <= excluded.used_at THEN rate_buckets.full_at
            WHEN rate_buckets.interval_microseconds < excluded.interval_microseconds
                AND CAST(rate_buckets.full_at - excluded.used_at AS DOUBLE PRECISION)
                / rate_buckets.interval_microseconds > excluded.burst THEN CASE
                WHEN excluded.used_at + excluded.burst * excluded.interval_microseconds
                    > rate_buckets.full_at
                THEN excluded.used_at + excluded.burst * excluded.interval_microseconds
                ELSE rate_buckets.full_at END
            ELSE excluded.used_at + CAST(
                CAST(rate_buckets.full_at - excluded.used_at AS DOUBLE PRECISION)
                * excluded.interval_microseconds / rate_buckets.interval_microseconds AS BIGINT)
        END,
        wake_at = CASE
            WHEN rate_buckets.wake_at > excluded.used_at AND (
                rate_buckets.interval_microseconds <> excluded.interval_microseconds
                OR rate_buckets.burst <> excluded.burst) THEN excluded.used_at
            ELSE rate_buckets.wake_at
        END
"""
_LOCK_BUCKET: Final = """
    UPDATE rate_buckets SET used_at = :now WHERE tenant_id = :tenant AND key = :key
    RETURNING interval_microseconds, burst, full_at
"""
_UNSTARTED: Final = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM jobs
        WHERE tenant_id = :tenant AND rate_key = :key AND state = 'queued' LIMIT :limit
    ) AS unstarted
"""
_RATE_LINE: Final = """
    SELECT id FROM jobs
    WHERE waits_for = 'rate' AND tenant_id = :tenant AND gate_key = :key
    ORDER BY order_key, position LIMIT :limit
"""
_LET_GO: Final = """
    UPDATE jobs SET state = 'queued', waits_for = NULL, gate_key = NULL
    WHERE tenant_id = :tenant AND id = :id AND waits_for = 'rate'
"""
_WRITE_BUCKET: Final = """
    UPDATE rate_buckets SET full_at = :full_at, wake_at = :wake_at
    WHERE tenant_id = :tenant AND key = :key
"""
_MARK: Final = """
    UPDATE jobs SET state = :state, concurrency_key = :concurrency_key, rate_key = :rate_key,
        cache_key = :cache_key, expires_at = :expires_at, waits_for = :waits_for,
        gate_key = :gate_key
    WHERE tenant_id = :tenant AND id = :id
"""
_ENTER: Final = """
    UPDATE jobs SET waits_for = :waits_for, gate_key = :gate_key
    WHERE tenant_id = :tenant AND id = :id AND waits_for = 'entry'
"""
_LEAVE_ENTRY: Final = """
    UPDATE jobs SET state = 'queued', waits_for = NULL
    WHERE tenant_id = :tenant AND id = :id AND waits_for = 'entry'
"""
_CACHE_KEY: Final = "SELECT cache_key FROM jobs WHERE tenant_id = :tenant AND id = :id"
_PUT_BACK: Final = """
    UPDATE jobs SET slot_at = CASE WHEN state = 'scheduled' THEN NULL ELSE slot_at END,
        waits_for = NULL, gate_key = NULL, expires_at = :expires_at
    WHERE tenant_id = :tenant AND id = :id
"""
_DUE: Final = """
    SELECT 'entry', tenant_id, id FROM (
        SELECT tenant_id, id FROM jobs WHERE waits_for = 'entry'
        ORDER BY tenant_id, order_key, position LIMIT :limit) AS entering
    UNION ALL
    SELECT 'rate', tenant_id, key FROM (
        SELECT tenant_id, key FROM rate_buckets WHERE wake_at <= :now
        ORDER BY wake_at LIMIT :limit) AS waking
    UNION ALL
    SELECT 'expired', tenant_id, id FROM (
        SELECT tenant_id, id FROM jobs WHERE expires_at <= :now AND worker_id IS NULL
        ORDER BY expires_at LIMIT :limit) AS expired
"""
_HAS_DUE: Final = """
    SELECT 1 WHERE EXISTS (SELECT 1 FROM jobs WHERE waits_for = 'entry')
        OR EXISTS (SELECT 1 FROM rate_buckets WHERE wake_at <= :now)
        OR EXISTS (SELECT 1 FROM jobs WHERE expires_at <= :now AND worker_id IS NULL)
"""
_RATE_KEYS: Final = """
    SELECT DISTINCT rate_key FROM jobs
    WHERE tenant_id = :tenant AND id = :id AND rate_key IS NOT NULL
"""
_AHEAD: Final = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM jobs AS other JOIN jobs AS own
            ON own.tenant_id = other.tenant_id AND own.id = :id
        WHERE other.waits_for = :waits_for AND other.tenant_id = :tenant
            AND other.gate_key = :key
            AND (other.order_key < own.order_key
                OR (other.order_key = own.order_key AND other.position < own.position))
        LIMIT :limit
    ) AS ahead
"""
_SLOTS: Final = "SELECT slots_max FROM concurrency_slots WHERE tenant_id = :tenant AND key = :key"
_BUCKET: Final = """
    SELECT interval_microseconds, burst, full_at, wake_at FROM rate_buckets
    WHERE tenant_id = :tenant AND key = :key
"""
_HOLDERS: Final = """
    SELECT id FROM jobs
    WHERE tenant_id = :tenant AND concurrency_key = :key AND slot_at IS NOT NULL
    ORDER BY slot_at, position LIMIT :limit
"""
_KEEP_RESULT: Final = """
    UPDATE job_history SET result_expires_at = :until
    WHERE tenant_id = :tenant AND day = :day AND id = :id
"""
_DROP_RESULTS: Final = {
    dialect: f"""
        UPDATE job_history SET result = NULL, cache_key = NULL
        WHERE {row} IN (
            SELECT {row[1:-1]} FROM job_history
            WHERE result_expires_at <= :now AND result IS NOT NULL
            ORDER BY result_expires_at LIMIT :limit)
    """  # noqa: S608 - constants
    for dialect, row in {"sqlite": "(rowid)", "postgres": "(tenant_id, day, id)"}.items()
}
_FORGET_SLOTS: Final = """
    DELETE FROM concurrency_slots WHERE used_at < :before AND NOT EXISTS (
        SELECT 1 FROM jobs WHERE jobs.tenant_id = concurrency_slots.tenant_id
            AND jobs.concurrency_key = concurrency_slots.key AND jobs.slot_at IS NOT NULL)
        AND NOT EXISTS (
        SELECT 1 FROM jobs WHERE jobs.waits_for = 'concurrency'
            AND jobs.tenant_id = concurrency_slots.tenant_id
            AND jobs.gate_key = concurrency_slots.key)
"""
_FORGET_BUCKETS: Final = """
    DELETE FROM rate_buckets WHERE used_at < :before AND full_at < :now AND wake_at IS NULL
        AND NOT EXISTS (
        SELECT 1 FROM jobs WHERE jobs.waits_for = 'concurrency'
            AND jobs.tenant_id = rate_buckets.tenant_id AND jobs.rate_key = rate_buckets.key)
"""


class Marks(Struct, frozen=True, kw_only=True):
    """What limits write on a job's row."""

    state: str
    concurrency_key: str | None = None
    rate_key: str | None = None
    cache_key: str | None = None
    expires_at: int | None = None
    waits_for: str | None = None
    gate_key: str | None = None


class Due(Struct, frozen=True):
    """Something that limits have to look at: `name` is a job's id, or the key of a bucket."""

    kind: str
    tenant_id: str
    name: str


class LimitRepository:
    """Gates of all tenants."""

    def mark(self, tx: Tx, tenant: str, id_: str, marks: Marks) -> None:
        """Write on a new job's row what limits it."""
        values: dict[str, Value] = {name: getattr(marks, name) for name in marks.__struct_fields__}
        tx.execute(_MARK, tenant=tenant, id=id_, **values)

    def enter(self, tx: Tx, tenant: str, id_: str, waits_for: str, gate_key: str) -> None:
        """Put a job whose time has come in the line of its first limit."""
        tx.execute(_ENTER, tenant=tenant, id=id_, waits_for=waits_for, gate_key=gate_key)

    def leave_entry(self, tx: Tx, tenant: str, id_: str) -> None:
        """Let a job go to workers whose time has come and that nothing holds back."""
        tx.execute(_LEAVE_ENTRY, tenant=tenant, id=id_)

    def cache_key(self, tx: Tx, tenant: str, id_: str) -> str | None:
        """Return the key under which an earlier result may answer a live job."""
        row = tx.one(_CACHE_KEY, tenant=tenant, id=id_)
        return row[0] if row else None

    def keep_slots(self, tx: Tx, tenant: str, key: str, slots_max: int) -> None:
        """Write how many slots a key has, and lock it."""
        tx.execute(_KEEP_SLOTS, tenant=tenant, key=key, slots_max=slots_max)

    def keep_bucket(self, tx: Tx, tenant: str, key: str, *, interval: int, burst: int) -> None:
        """Write how fast a bucket fills, and lock it."""
        tx.execute(_KEEP_BUCKET, tenant=tenant, key=key, interval=interval, burst=burst)

    def admit(self, tx: Tx, tenant: str, key: str) -> set[str]:
        """Give free slots of a key to the first in its line; return the jobs that may start."""
        row = tx.one(_LOCK_SLOTS, tenant=tenant, key=key)
        if row is None:
            return set()
        free = int(row[0]) - int(row[1])
        if free <= 0:
            return set()
        heads = tx.all(_IN_LINE, tenant=tenant, key=key, limit=min(free, released_per_look_max))
        if not heads:
            return set()
        ids = msgspec.json.encode([id_ for id_, _ in heads]).decode()
        given = tx.execute(_GIVE_SLOTS[tx.dialect], tenant=tenant, ids=ids)
        tx.execute(_HOLD, tenant=tenant, key=key, given=given)
        started = {id_ for id_, rate_key in heads if rate_key is None}
        for rate_key in sorted({row[1] for row in heads if row[1] is not None}):
            started |= self.refill(tx, tenant, rate_key)
        return started

    def refill(self, tx: Tx, tenant: str, key: str) -> set[str]:
        """Give the tokens of a bucket to the first in its line; return who got one."""
        row = tx.one(_LOCK_BUCKET, tenant=tenant, key=key)
        if row is None:
            return set()
        bucket = Bucket(*row)
        unstarted = tx.one(_UNSTARTED, tenant=tenant, key=key, limit=bucket.burst)
        count = int(unstarted[0]) if unstarted else 0
        limit = min(bucket.burst, released_per_look_max) + 1
        line = tx.all(_RATE_LINE, tenant=tenant, key=key, limit=limit)
        wanted = min(len(line), released_per_look_max)
        granted, after = bucket.taken(tx.now, wanted=wanted, unstarted=count)
        got = [row[0] for row in line[:granted]]
        tx.execute_many(_LET_GO, ({"tenant": tenant, "id": id_} for id_ in got))
        wake_at: int | None = None
        if len(line) > granted:
            wake_at = max(after.next_at, tx.now + 1)
            if count + granted >= bucket.burst:
                wake_at = max(wake_at, tx.now + blocked_look_microseconds)
        tx.execute(_WRITE_BUCKET, tenant=tenant, key=key, full_at=after.full_at, wake_at=wake_at)
        return set(got)

    def release(self, tx: Tx, keys: Iterable[tuple[str, str]]) -> set[str]:
        """Hand on the slots of keys (tenant, key) whose jobs have ended or gone back."""
        started: set[str] = set()
        # In one order, so that two transactions never wait for each other.
        for tenant, key in sorted(set(keys)):
            started |= self.admit(tx, tenant, key)
        return started

    def put_back(self, tx: Tx, tenant: str, id_: str, expires_at: int | None) -> None:
        """Take the slot of a job that waits for its next attempt, and write when it is given up."""
        tx.execute(_PUT_BACK, tenant=tenant, id=id_, expires_at=expires_at)

    def has_due(self, tx: Tx) -> bool:
        """Return whether `due` has something."""
        return tx.one(_HAS_DUE) is not None

    def due(self, tx: Tx) -> Sequence[Due]:
        """Return a portion of what limits have to look at now, of all tenants."""
        return [Due(*row) for row in tx.all(_DUE, limit=released_per_look_max)]

    def line_length(self, tx: Tx, tenant: str, key: str, limit: int) -> int:
        """Return how many jobs wait for a slot of a key, `limit` at most."""
        row = tx.one(_LINE_LENGTH, tenant=tenant, key=key, limit=limit)
        return int(row[0]) if row else 0

    def wake_at(self, tx: Tx, tenant: str, key: str) -> int | None:
        """Return when a bucket has to be looked at again, if somebody waits for it."""
        row = tx.one(_BUCKET, tenant=tenant, key=key)
        return row[3] if row else None

    def rate_keys(self, tx: Tx, tenant: str, ids: Iterable[str]) -> set[str]:
        """Return the rate keys of live jobs."""
        found = (tx.one(_RATE_KEYS, tenant=tenant, id=id_) for id_ in ids)
        return {row[0] for row in found if row is not None}

    def holders(self, tx: Tx, tenant: str, key: str, limit: int) -> list[str]:
        """Return jobs that have a slot of a key, the longest first."""
        return [row[0] for row in tx.all(_HOLDERS, tenant=tenant, key=key, limit=limit)]

    def slots(self, tx: Tx, tenant: str, key: str) -> int | None:
        """Return how many slots a key has."""
        row = tx.one(_SLOTS, tenant=tenant, key=key)
        return int(row[0]) if row else None

    def bucket(self, tx: Tx, tenant: str, key: str) -> Bucket | None:
        """Return the bucket of a key."""
        row = tx.one(_BUCKET, tenant=tenant, key=key)
        return Bucket(*row[:3]) if row else None

    def ahead(self, tx: Tx, tenant: str, id_: str, gate: tuple[str, str], limit: int) -> int:
        """Return how many jobs stand before one in the line of a gate (kind, key)."""
        waits_for, key = gate
        row = tx.one(_AHEAD, tenant=tenant, id=id_, waits_for=waits_for, key=key, limit=limit)
        return int(row[0]) if row else 0

    def keep_result(self, tx: Tx, tenant: str, day: int, id_: str, until: int) -> None:
        """Write until when the result of a finished job is kept."""
        tx.execute(_KEEP_RESULT, tenant=tenant, day=day, id=id_, until=until)

    def drop_results(self, tx: Tx, limit: int) -> int:
        """Drop results that were kept long enough; return how many."""
        return tx.execute(_DROP_RESULTS[tx.dialect], limit=limit)

    def forget(self, tx: Tx, before: int) -> None:
        """Delete rows of keys that nobody has used since."""
        tx.execute(_FORGET_SLOTS, before=before)
        tx.execute(_FORGET_BUCKETS, before=before)
