"""The SQL of the log of deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.automation.contract import WebhookId
from tidemill.automation.deliveries.models import Delivery, DeliveryDetails
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx, Value

_FIELDS: Final = """id, webhook_id, event_type, event_id, seq, state, attempts, attempts_max,
        due_at, attempted_at, duration_ms, status_code, error, created_at, finished_at"""
_PAGE: Final = f"""
    SELECT {_FIELDS}
    FROM webhook_deliveries
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id
"""  # noqa: S608 - a constant
_OF_STATE: Final = " AND state = :state"
_BEFORE: Final = " AND id < :before"
_PAGE_END: Final = " ORDER BY id DESC LIMIT :limit"
_BY_ID: Final = f"""
    SELECT {_FIELDS}, body, response_body
    FROM webhook_deliveries
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND id = :id
"""  # noqa: S608 - a constant
_INSERT: Final = """
    INSERT INTO webhook_deliveries (tenant_id, id, webhook_id, event_type, event_id, seq, body,
        state, attempts, attempts_max, due_at, created_at)
    VALUES (:tenant_id, :id, :webhook_id, :event_type, :event_id, :seq, :body,
        :state, :attempts, :attempts_max, :due_at, :created_at)
"""
_AGAIN: Final = """
    UPDATE webhook_deliveries
    SET state = 'pending', due_at = :now, finished_at = NULL,
        attempts_max = attempts + :attempts_more
    WHERE tenant_id = :tenant_id AND id = :id
"""
_NEXT: Final = """
    SELECT id, body, attempts
    FROM webhook_deliveries
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND state = 'pending'
        AND due_at <= :now
    ORDER BY due_at, seq, id
    LIMIT 1
"""
_ATTEMPTS_MAX: Final = """
    SELECT attempts_max FROM webhook_deliveries WHERE tenant_id = :tenant_id AND id = :id
"""
_ATTEMPTED: Final = """
    UPDATE webhook_deliveries
    SET state = :state, attempts = attempts + 1, due_at = :due_at, attempted_at = :attempted_at,
        duration_ms = :duration_ms, status_code = :status_code, error = :error,
        response_body = :response_body, finished_at = :finished_at
    WHERE tenant_id = :tenant_id AND id = :id AND state = 'pending' AND attempts = :attempts
"""
_DUE: Final = """
    SELECT w.id
    FROM webhooks AS w
    WHERE w.tenant_id = :tenant_id AND w.active_since IS NOT NULL AND EXISTS (
        SELECT 1 FROM webhook_deliveries AS d
        WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.state = 'pending'
            AND d.due_at <= :now)
    ORDER BY w.id
    LIMIT :limit
"""
_NEXT_DUE: Final = """
    SELECT min(due_at) FROM (
        SELECT (
            SELECT min(d.due_at) FROM webhook_deliveries AS d
            WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.state = 'pending'
        ) AS due_at
        FROM webhooks AS w
        WHERE w.tenant_id = :tenant_id AND w.active_since IS NOT NULL
    ) AS waiting
"""
_OLDEST_FINISHED: Final = """
    SELECT min(finished_at) FROM webhook_deliveries
    WHERE tenant_id = :tenant_id AND finished_at IS NOT NULL
"""
_OLDEST_HELD: Final = """
    SELECT min(d.created_at)
    FROM webhooks AS w
    JOIN webhook_deliveries AS d ON d.tenant_id = w.tenant_id AND d.webhook_id = w.id
    WHERE w.tenant_id = :tenant_id AND w.active_since IS NULL AND d.state = 'pending'
"""
_ANY_DELETED: Final = (
    "SELECT 1 FROM webhooks WHERE tenant_id = :tenant_id AND deleted_at IS NOT NULL LIMIT 1"
)
_MORE_THAN: Final = """
    SELECT 1 FROM webhook_deliveries
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND state = 'pending'
        AND created_at >= :since
    LIMIT 1 OFFSET :most
"""
_PRUNE: Final = """
    DELETE FROM webhook_deliveries WHERE tenant_id = :tenant_id AND id IN (
        SELECT id FROM webhook_deliveries
        WHERE tenant_id = :tenant_id AND finished_at IS NOT NULL AND finished_at <= :before
        ORDER BY finished_at LIMIT :limit)
"""
_PRUNE_HELD: Final = """
    DELETE FROM webhook_deliveries WHERE tenant_id = :tenant_id AND id IN (
        SELECT d.id
        FROM webhooks AS w
        JOIN webhook_deliveries AS d ON d.tenant_id = w.tenant_id AND d.webhook_id = w.id
        WHERE w.tenant_id = :tenant_id AND w.active_since IS NULL AND d.state = 'pending'
            AND d.created_at <= :before
        ORDER BY d.id LIMIT :limit)
"""
_PRUNE_DELETED: Final = """
    DELETE FROM webhook_deliveries WHERE tenant_id = :tenant_id AND id IN (
        SELECT d.id
        FROM webhooks AS w
        JOIN webhook_deliveries AS d ON d.tenant_id = w.tenant_id AND d.webhook_id = w.id
        WHERE w.tenant_id = :tenant_id AND w.deleted_at IS NOT NULL
        ORDER BY d.id LIMIT :limit)
"""
_GONE: Final = """IN (
        SELECT w.id FROM webhooks AS w
        WHERE w.tenant_id = :tenant_id AND w.deleted_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM webhook_deliveries AS d
            WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id))"""
_REMOVE_GONE: Final = tuple(
    f"DELETE FROM {table} WHERE tenant_id = :tenant_id AND {column} {_GONE}"  # noqa: S608 - constants
    for table, column in (
        ("webhook_secrets", "webhook_id"),
        ("webhook_leases", "webhook_id"),
        ("webhooks", "id"),
    )
)


class DeliveryRepository:
    """Deliveries of a tenant's webhooks."""

    def page(
        self, tx: Tx, webhook_id: str, state: str | None, *, before: str | None, limit: int
    ) -> list[Delivery]:
        """Return deliveries, newest first."""
        given: dict[str, Value] = {"webhook_id": webhook_id, "limit": limit}
        sql = _PAGE
        if state is not None:
            sql, given["state"] = sql + _OF_STATE, state
        if before is not None:
            sql, given["before"] = sql + _BEFORE, before
        return [Delivery(*row) for row in tx.all(sql + _PAGE_END, **given)]

    def find(self, tx: Tx, webhook_id: str, delivery_id: str) -> DeliveryDetails | None:
        """Return a delivery of a webhook with its bodies."""
        row = tx.one(_BY_ID, webhook_id=webhook_id, id=delivery_id)
        return DeliveryDetails(Delivery(*row[:-2]), *row[-2:]) if row else None

    def add(self, tx: Tx, delivery: Delivery, body: str) -> None:
        """Insert a delivery that waits."""
        tx.execute(
            _INSERT,
            id=delivery.id,
            webhook_id=delivery.webhook_id,
            event_type=delivery.event_type,
            event_id=delivery.event_id,
            seq=delivery.seq,
            body=body,
            state=delivery.state,
            attempts=delivery.attempts,
            attempts_max=delivery.attempts_max,
            due_at=delivery.due_at,
            created_at=delivery.created_at,
        )

    def again(self, tx: Tx, delivery_id: str, *, attempts_more: int) -> None:
        """Let a delivery wait anew, for so many more attempts."""
        tx.execute(_AGAIN, id=delivery_id, attempts_more=attempts_more)

    def next_of(self, tx: Tx, webhook_id: WebhookId) -> tuple[str, str, int] | None:
        """Return id, body and attempts of what is due first."""
        row = tx.one(_NEXT, webhook_id=webhook_id)
        return (row[0], row[1], row[2]) if row else None

    def attempts_max(self, tx: Tx, delivery_id: str) -> int:
        """Return how often a delivery may be tried by now; a replay under way has raised it."""
        row = tx.one(_ATTEMPTS_MAX, id=delivery_id)
        return int(row[0]) if row else 0

    def attempted(self, tx: Tx, delivery_id: str, attempts: int, **outcome: Value) -> bool:
        """Keep how an attempt went; False when another process has made it meanwhile."""
        return tx.execute(_ATTEMPTED, id=delivery_id, attempts=attempts, **outcome) == 1

    def webhooks_due(self, tx: Tx, limit: int) -> list[WebhookId]:
        """Return the enabled webhooks that something is due for."""
        return [WebhookId(row[0]) for row in tx.all(_DUE, limit=limit)]

    def has_more_than(self, tx: Tx, webhook_id: WebhookId, most: int, *, since: Instant) -> bool:
        """Return whether more than `most` deliveries wait that a webhook was given since then."""
        return tx.one(_MORE_THAN, webhook_id=webhook_id, most=most, since=since) is not None

    def next_due(self, tx: Tx, keep: int) -> Instant | None:
        """Return when there is something to do next; lines are kept for `keep` microseconds."""
        if tx.one(_ANY_DELETED) is not None:
            return tx.now
        due: Iterable[int | None] = (
            _first(tx, _NEXT_DUE),
            *(None if at is None else at + keep for at in self._oldest(tx)),
        )
        return min((Instant(at) for at in due if at is not None), default=None)

    def prune(self, tx: Tx, before: Instant, limit: int) -> int:
        """Remove some of what the log keeps no more; return how many lines."""
        count = tx.execute(_PRUNE, before=before, limit=limit)
        count += tx.execute(_PRUNE_HELD, before=before, limit=limit)
        count += tx.execute(_PRUNE_DELETED, limit=limit)
        for sql in _REMOVE_GONE:
            tx.execute(sql)
        return count

    def _oldest(self, tx: Tx) -> tuple[int | None, int | None]:
        return _first(tx, _OLDEST_FINISHED), _first(tx, _OLDEST_HELD)


def _first(tx: Tx, sql: str) -> int | None:
    row = tx.one(sql)
    return row[0] if row else None
