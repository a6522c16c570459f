"""SQL of audit lines, their heads, and the outboxes that feed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from tidemill.audit.chain.models import ERASE, GENESIS, Entry, Head, Line
from tidemill.core.actor import AuditActor
from tidemill.core.clock import Instant
from tidemill.core.ports import Row, Tx

_COLUMNS: Final = "seq, id, at, action, actor_id, resource, body, digest, hash"
_PENDING: Final = """
    SELECT id, at, action, actor, resource, request_id, address, before, after, detail
    FROM audit_outbox
    WHERE tenant_id = :tenant_id AND delivered_at IS NULL
    ORDER BY position
    LIMIT :limit
"""
_REMOVE: Final = "DELETE FROM audit_outbox WHERE tenant_id = :tenant_id AND id = :id"
_BY_IDS: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
        SELECT jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb))
    ))""",
}
_DELIVERED: Final = {
    dialect: f"""
        UPDATE audit_outbox SET delivered_at = :now
        WHERE tenant_id = :tenant_id AND id {ids} AND delivered_at IS NULL
    """  # noqa: S608 - constants only
    for dialect, ids in _BY_IDS.items()
}
_FIRST_HEAD: Final = """
    INSERT INTO audit_heads (tenant_id, seq, hash) VALUES (:tenant_id, 0, :hash)
    ON CONFLICT (tenant_id) DO NOTHING
"""
# An UPDATE, since it locks the row on both databases.
_LOCK_HEAD: Final = """
    UPDATE audit_heads SET seq = seq WHERE tenant_id = :tenant_id RETURNING seq, hash
"""
_HEAD: Final = "SELECT seq, hash FROM audit_heads WHERE tenant_id = :tenant_id"
_MOVE_HEAD: Final = """
    UPDATE audit_heads SET seq = :seq, hash = :hash WHERE tenant_id = :tenant_id
"""
_KNOWN: Final = {
    dialect: f"SELECT id FROM audit_lines WHERE tenant_id = :tenant_id AND id {ids}"  # noqa: S608 - constants only
    for dialect, ids in _BY_IDS.items()
}
_ADD: Final = """
    INSERT INTO audit_lines
        (tenant_id, seq, id, at, action, actor_id, resource, body, digest, hash)
    VALUES (:tenant_id, :seq, :id, :at, :action, :actor_id, :resource, :body, :digest, :hash)
"""
_FORWARD: Final = """
    SELECT seq, id, at, action, actor_id, resource, body, digest, hash FROM audit_lines
    WHERE tenant_id = :tenant_id AND seq > :after
    ORDER BY seq
    LIMIT :limit
"""
_TENANTS: Final = """
    SELECT id FROM tenants WHERE state = 'active' AND id > :after ORDER BY id LIMIT :limit
"""
# Only a whole beginning of the chain is erased: numbers follow instants but for moments.
_LAST_BEFORE: Final = """
    SELECT COALESCE(MIN(CASE WHEN at >= :before THEN seq END) - 1, MAX(seq), 0)
    FROM audit_lines
    WHERE tenant_id = :tenant_id
"""
_FIRST_WITH_BODY: Final = """
    SELECT seq FROM audit_lines
    WHERE tenant_id = :tenant_id AND body IS NOT NULL
    ORDER BY seq
    LIMIT 1
"""
_LAST_ERASURE: Final = """
    SELECT body FROM audit_lines
    WHERE tenant_id = :tenant_id AND action = :action AND body IS NOT NULL
    ORDER BY seq DESC
    LIMIT 1
"""
_REMAINS: Final = """
    SELECT seq, id, at FROM audit_lines
    WHERE tenant_id = :tenant_id AND seq > :after AND seq <= :last
    ORDER BY seq
    LIMIT :limit
"""
_ERASE: Final = """
    UPDATE audit_lines SET body = NULL, action = '', actor_id = '', resource = ''
    WHERE tenant_id = :tenant_id AND seq >= :first AND seq <= :last
"""

Pages = Callable[[Tx], list[Line]]
Tenants = Callable[[Tx], list[str]]

_actor: Final = msgspec.json.Decoder(AuditActor)


def pending(tx: Tx, limit: int) -> list[Entry]:
    """Return the oldest entries that no chain has yet."""
    return [_entry(row) for row in tx.all(_PENDING, limit=limit)]


def remove_pending(tx: Tx, entries: Sequence[Entry]) -> None:
    """Drop entries of the tenant's own outbox that this transaction puts into the chain."""
    tx.execute_many(_REMOVE, [{"id": entry.id} for entry in entries])


def mark_delivered(tx: Tx, entries: Sequence[Entry]) -> None:
    """Mark entries of another store's outbox as part of the chain."""
    tx.execute(_DELIVERED[tx.dialect], ids=_ids(entries))


def locked_head(tx: Tx) -> Head:
    """Return the head of the chain, held until the end of the transaction."""
    row = tx.one(_LOCK_HEAD)
    if row is None:
        tx.execute(_FIRST_HEAD, hash=GENESIS)
        row = tx.one(_LOCK_HEAD)
    return Head(seq=row[0], hash=row[1]) if row else Head()


def head(tx: Tx) -> Head:
    """Return the head of the chain."""
    row = tx.one(_HEAD)
    return Head(seq=row[0], hash=row[1]) if row else Head()


def known(tx: Tx, entries: Sequence[Entry]) -> frozenset[str]:
    """Return the ids of those entries that the chain has already."""
    return frozenset(row[0] for row in tx.all(_KNOWN[tx.dialect], ids=_ids(entries)))


def add(tx: Tx, lines: Sequence[Line]) -> None:
    """Add lines at the end of the chain and move its head."""
    tx.execute_many(_ADD, [_parameters(line) for line in lines])
    tx.execute(_MOVE_HEAD, seq=lines[-1].seq, hash=lines[-1].hash)


def forward(tx: Tx, *, after: int, limit: int) -> list[Line]:
    """Return lines in the order of the chain."""
    return [_line(row) for row in tx.all(_FORWARD, after=after, limit=limit)]


def search(
    tx: Tx, filters: dict[str, str | int], *, before_seq: int | None, limit: int
) -> list[Line]:
    """Return lines that match every filter, newest first."""
    conditions = [_CONDITIONS[name] for name in filters]
    if before_seq is not None:
        conditions.append("seq < :before_seq")
        filters = {**filters, "before_seq": before_seq}
    where = " AND ".join(["tenant_id = :tenant_id", *conditions])
    # The conditions are this module's own constants; values are bound.
    sql = f"SELECT {_COLUMNS} FROM audit_lines WHERE {where} ORDER BY seq DESC LIMIT :limit"  # noqa: S608 - constants only
    return [_line(row) for row in tx.all(sql, **filters, limit=limit)]


def erasable(tx: Tx, before: Instant) -> tuple[int, int] | None:
    """Return first and last number of the lines before an instant that still have bodies."""
    last, first = tx.one(_LAST_BEFORE, before=before), tx.one(_FIRST_WITH_BODY)
    if last is None or first is None or first[0] > last[0]:
        return None
    return int(first[0]), int(last[0])


def erase(tx: Tx, first: int, last: int) -> int:
    """Erase what lines of a range say; the chain stays whole."""
    return tx.execute(_ERASE, first=first, last=last)


def last_erasure(tx: Tx) -> Entry | None:
    """Return the newest line that says how far bodies were erased."""
    row = tx.one(_LAST_ERASURE, action=ERASE)
    return msgspec.json.decode(row[0], type=Entry) if row else None


def remains(tx: Tx, *, after: int, last: int, limit: int) -> list[tuple[int, str, Instant]]:
    """Return number, id and instant of lines of a range, in the order of the chain."""
    rows = tx.all(_REMAINS, after=after, last=last, limit=limit)
    return [(row[0], row[1], Instant(row[2])) for row in rows]


def active_tenants(tx: Tx, *, after: str, limit: int) -> list[str]:
    """Return tenants in the order of their ids; in the control store only."""
    return [row[0] for row in tx.all(_TENANTS, after=after, limit=limit)]


_CONDITIONS: Final = {
    "actor": "actor_id = :actor",
    "action": "action = :action",
    "resource": "resource = :resource",
    "since": "at >= :since",
    "until": "at < :until",
}


def _entry(row: Row) -> Entry:
    id_, at, action, actor, resource, request_id, address, before, after, detail = row
    return Entry(
        id=id_,
        at=Instant(at),
        action=action,
        actor=_actor.decode(actor),
        resource=resource,
        request_id=request_id,
        address=address,
        before=_data(before),
        after=_data(after),
        detail=detail,
    )


def _data(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _line(row: Row) -> Line:
    seq, id_, at, action, actor_id, resource, body, digest, hash_ = row
    return Line(
        seq=seq,
        id=id_,
        at=Instant(at),
        action=action,
        actor_id=actor_id,
        resource=resource,
        body=body,
        digest=digest,
        hash=hash_,
    )


def _parameters(line: Line) -> dict[str, str | int | None]:
    return {
        "seq": line.seq,
        "id": line.id,
        "at": line.at,
        "action": line.action,
        "actor_id": line.actor_id,
        "resource": line.resource,
        "body": line.body,
        "digest": line.digest,
        "hash": line.hash,
    }


def _ids(entries: Sequence[Entry]) -> str:
    return msgspec.json.encode([entry.id for entry in entries]).decode()
