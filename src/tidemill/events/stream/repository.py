"""SQL of the tenant's stream."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Tx
from tidemill.events.stream.models import Head
from tidemill.events.stream.rows import as_parameters, recorded

_HEAD = "SELECT seq, published_seq, epoch FROM stream_heads WHERE tenant_id = :tenant_id"
_MAKE_HEAD = """
    INSERT INTO stream_heads (tenant_id, seq, published_seq, epoch)
    VALUES (:tenant_id, 0, 0, :epoch)
    ON CONFLICT (tenant_id) DO NOTHING
"""
_LOCK_HEAD = """
    UPDATE stream_heads SET seq = seq WHERE tenant_id = :tenant_id
    RETURNING seq, published_seq, epoch
"""
_MOVE_HEAD = "UPDATE stream_heads SET seq = :seq WHERE tenant_id = :tenant_id"
_PUBLISHED = """
    UPDATE stream_heads SET published_seq = :seq
    WHERE tenant_id = :tenant_id AND published_seq < :seq
"""
_AFTER = """
    SELECT id, seq, feature, type, subject, at, actor, topics, data, traceparent
    FROM stream
    WHERE tenant_id = :tenant_id AND seq > :after
    ORDER BY seq
    LIMIT :limit
"""
_KNOWN = "SELECT 1 FROM stream WHERE tenant_id = :tenant_id AND id = :id"
_APPEND = """
    INSERT INTO stream (tenant_id, seq, id, feature, type, subject, at, actor, topics, data,
                        traceparent)
    VALUES (:tenant_id, :seq, :id, :feature, :type, :subject, :at, :actor, :topics, :data,
            :traceparent)
"""


def head(tx: Tx) -> Head | None:
    """Return the stream's head; None before anything was written."""
    row = tx.one(_HEAD)
    return Head(*row) if row is not None else None


def make_head(tx: Tx) -> None:
    """Begin the stream, unless it has begun."""
    tx.execute(_MAKE_HEAD, epoch=tx.new_id())


def lock_head(tx: Tx) -> Head:
    """Return the head of a stream that has begun; nobody else can number until the commit."""
    row = tx.one(_LOCK_HEAD)
    if row is None:
        raise LookupError("The stream has no head.")
    return Head(*row)


def move_head(tx: Tx, seq: int) -> None:
    """Say that numbers up to `seq` are given."""
    tx.execute(_MOVE_HEAD, seq=seq)


def published(tx: Tx, seq: int) -> None:
    """Say that the bus has heard everything up to `seq`."""
    tx.execute(_PUBLISHED, seq=seq)


def after(tx: Tx, seq: int, limit: int) -> list[RecordedFact]:
    """Return at most `limit` facts that follow `seq`, in order."""
    return [recorded(tx.tenant_id, row) for row in tx.all(_AFTER, after=seq, limit=limit)]


def is_known(tx: Tx, fact_id: str) -> bool:
    """Return whether the stream holds this fact."""
    return tx.one(_KNOWN, id=fact_id) is not None


def append(tx: Tx, facts: Sequence[RecordedFact]) -> None:
    """Insert numbered facts."""
    tx.execute_many(_APPEND, [as_parameters(fact) for fact in facts])
