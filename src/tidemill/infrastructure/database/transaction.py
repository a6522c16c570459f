"""What a transaction does on every database: facts, audit lines, changes, idempotency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CoroutineType
from typing import Any, Final, TypeVar

import msgspec
import uuid_utils

from tidemill.core.actor import Actor, AuditActor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.errors import TidemillError
from tidemill.core.facts import Fact, FactActor
from tidemill.core.ids import TenantId
from tidemill.core.ports import Once, ReadGuard, Row, StoreKind, Value
from tidemill.core.store_errors import IdempotencyKeyReused

T = TypeVar("T")
Rows = list[dict[str, Value]]

_encode: Final = msgspec.json.Encoder().encode

INSERT_AUDIT: Final = """
    INSERT INTO audit_outbox (tenant_id, id, at, action, actor, resource,
                              request_id, address, before, after, detail)
    VALUES (:tenant_id, :id, :at, :action, :actor, :resource,
            :request_id, :address, :before, :after, :detail)
"""
_INSERT_OUTBOX: Final = """
    INSERT INTO outbox (tenant_id, id, feature, type, subject, at, actor, topics, data, traceparent)
    VALUES (:tenant_id, :id, :feature, :type, :subject, :at, :actor, :topics, :data, :traceparent)
"""
_INSERT_STREAM: Final = """
    INSERT INTO stream (tenant_id, seq, id, feature, type, subject, at, actor, topics, data,
                        traceparent)
    VALUES (:tenant_id, :seq, :id, :feature, :type, :subject, :at, :actor, :topics, :data,
            :traceparent)
"""
_TAKE_NUMBERS: Final = """
    INSERT INTO stream_heads (tenant_id, seq, published_seq, epoch)
    VALUES (:tenant_id, :count, 0, :epoch)
    ON CONFLICT (tenant_id) DO UPDATE SET seq = stream_heads.seq + excluded.seq
    RETURNING seq
"""
_INSERT_CHANGE: Final = """
    INSERT INTO changes (kind, tenant_id, key, at) VALUES (:kind, :tenant_id, :key, :now)
"""
_FIRST_RESULT: Final = """
    SELECT fingerprint, result
    FROM idempotency_keys
    WHERE tenant_id = :tenant_id AND scope = :scope AND key = :key
"""
_FORGET_RESULTS: Final = """
    DELETE FROM idempotency_keys WHERE tenant_id = :tenant_id AND created_at < :oldest
"""
# Taken before the use case runs: the same request beside it waits here for the first one's
# result, instead of meeting what the first one wrote.
_TAKE_KEY: Final = """
    INSERT INTO idempotency_keys (tenant_id, scope, key, fingerprint, result, created_at)
    VALUES (:tenant_id, :scope, :key, :fingerprint, '', :now)
    ON CONFLICT (tenant_id, scope, key) DO NOTHING
"""
_KEEP_RESULT: Final = """
    UPDATE idempotency_keys SET result = :result
    WHERE tenant_id = :tenant_id AND scope = :scope AND key = :key
"""


class RunAgain(Exception):
    """The key that stood in the way is gone again: run the use case again."""


class BaseTx:
    """The part of `Tx` that does not differ between databases."""

    dialect = ""

    def __init__(
        self, kind: StoreKind, tenant_id: TenantId, now: Instant, *, writable: bool
    ) -> None:
        self._kind = kind
        self._tenant_id = tenant_id
        self._now = now
        self._writable = writable
        self.facts: Rows = []
        self.audits: Rows = []
        self.changes: Rows = []
        self.callbacks: list[Callable[[], None]] = []

    @property
    def tenant_id(self) -> TenantId:
        """See `Tx.tenant_id`."""
        return self._tenant_id

    @property
    def now(self) -> Instant:
        """See `Tx.now`."""
        return self._now

    @property
    def dirty(self) -> bool:
        """Whether facts or audit lines were recorded."""
        return bool(self.facts or self.audits)

    def new_id(self) -> str:
        """See `Tx.new_id`."""
        return str(uuid_utils.uuid7())

    def execute(self, sql: str, /, **parameters: Value) -> int:
        """See `Tx.execute`."""
        raise NotImplementedError

    def execute_row(self, sql: str, names: tuple[str, ...], row: Sequence[Value], /) -> int:
        """See `Tx.execute_row`."""
        return self.execute(sql, **dict(zip(names, row, strict=True)))

    def defer(self, sql: str, /, **parameters: Value) -> None:
        """See `Tx.defer`."""
        self.execute(sql, **parameters)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """See `Tx.execute_many`."""
        raise NotImplementedError

    def execute_rows(
        self, sql: str, names: tuple[str, ...], rows: Iterable[tuple[Value, ...]], /
    ) -> None:
        """See `Tx.execute_rows`."""
        self.execute_many(sql, (dict(zip(names, row, strict=True)) for row in rows))

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        """See `Tx.one`."""
        raise NotImplementedError

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all`."""
        raise NotImplementedError

    def all_alone(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_alone`."""
        return self.all(sql, **parameters)

    def all_guarded(self, sql: str, guard: ReadGuard, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_guarded`."""
        raise NotImplementedError

    def lock_changes(self) -> None:
        """Make the numbers of changes follow the order of commits."""
        raise NotImplementedError

    def first_result(self, once: Once[T]) -> T | None:
        """See `Tx.first_result`."""
        row = self.one(_FIRST_RESULT, scope=once.scope, key=once.key)
        if row is None:
            return None
        if row[0] != once.fingerprint:
            raise IdempotencyKeyReused
        return msgspec.json.decode(row[1], type=once.result_type)

    def attempt(self, part: Callable[[], T]) -> T:
        """See `Tx.attempt`."""
        self._must_write()
        gathered: list[list[Any]] = [self.facts, self.audits, self.changes, self.callbacks]
        lengths = [len(each) for each in gathered]
        self._mark("SAVEPOINT attempt")
        try:
            result = part()
        except TidemillError:
            self._mark("ROLLBACK TO attempt")
            self._mark("RELEASE attempt")
            for each, length in zip(gathered, lengths, strict=True):
                del each[length:]
            raise
        self._mark("RELEASE attempt")
        return result

    def record(self, fact: Fact, *, by: Actor) -> str:
        """See `Tx.record`."""
        self._must_write()
        actor = FactActor(kind=by.kind, id=by.id, user_id=by.user_id)
        fact_id = self.new_id()
        self.facts.append(
            {
                "id": fact_id,
                "feature": fact.feature,
                "type": type(fact).__name__,
                "subject": fact.subject,
                "at": self._now,
                "actor": _json(actor),
                "topics": _json(fact.topics()),
                "data": _json(fact),
                "traceparent": by.origin.traceparent,
            }
        )
        return fact_id

    def audit(
        self,
        action: str,
        *,
        by: Actor,
        resource: str,
        before: object = None,
        after: object = None,
        detail: str | None = None,
    ) -> None:
        """See `Tx.audit`."""
        self._must_write()
        actor = AuditActor(kind=by.kind, id=by.id, user_id=by.user_id, on_behalf_of=by.on_behalf_of)
        self.audits.append(
            {
                "id": self.new_id(),
                "at": self._now,
                "action": action,
                "actor": _json(actor),
                "resource": resource,
                "request_id": by.origin.request_id,
                "address": by.origin.address,
                "before": None if before is None else _json(before),
                "after": None if after is None else _json(after),
                "detail": detail,
            }
        )

    def invalidate(self, kind: str, key: str) -> None:
        """See `Tx.invalidate`."""
        self._must_write()
        if self._kind is not StoreKind.CONTROL:
            raise RuntimeError("Only a transaction on the control store can invalidate.")
        self.changes.append({"kind": kind, "key": key})

    def after_commit(self, callback: Callable[[], None]) -> None:
        """See `Tx.after_commit`."""
        self.callbacks.append(callback)

    def finish(self) -> None:
        """Write what was gathered, but for the facts of a tenant's stream."""
        if self.audits:
            self.write_audits()
        if self.facts and self._kind is not StoreKind.TENANT:
            self.execute_many(_INSERT_OUTBOX, self.facts)
        if self.changes:
            self.lock_changes()
            self.execute_many(_INSERT_CHANGE, self.changes)

    def write_audits(self) -> None:
        """Write the audit lines in the order in which they were made."""
        self.execute_many(INSERT_AUDIT, self.audits)

    def number(self, facts: Rows) -> None:
        """Append `facts` to the tenant's stream; the last statements before the commit."""
        if not facts:
            return
        row = self.one(_TAKE_NUMBERS, count=len(facts), epoch=self.new_id())
        if row is None:
            raise RuntimeError("The stream's head gave no number.")
        first = int(row[0]) - len(facts) + 1
        self.execute_many(
            _INSERT_STREAM, [{**fact, "seq": first + i} for i, fact in enumerate(facts)]
        )

    def _mark(self, sql: str) -> None:
        """Run a statement about savepoints, which concerns no tenant."""
        raise NotImplementedError

    def _must_read(self) -> None:
        if self._writable:
            raise RuntimeError("A guarded read needs a transaction that only reads.")

    def _must_write(self) -> None:
        if not self._writable:
            raise RuntimeError("This transaction only reads.")


def perform(
    tx: BaseTx, use_case: Callable[[Any], T], once: Once[T] | None, *, kept_hours: int
) -> T:
    """Run `use_case` and write what it gathered; with `once`, at most one time for its key."""
    if once is None:
        result = _run(tx, use_case)
        tx.finish()
        return result
    oldest = tx.now - kept_hours * 3600 * MICROSECONDS_PER_SECOND
    tx.execute(_FORGET_RESULTS, oldest=oldest)
    if not tx.execute(_TAKE_KEY, scope=once.scope, key=once.key, fingerprint=once.fingerprint):
        first = tx.first_result(once)
        if first is None:
            raise RunAgain
        return first
    result = _run(tx, use_case)
    kept = once.without_secrets(result) if once.without_secrets else result
    tx.execute(_KEEP_RESULT, scope=once.scope, key=once.key, result=_json(kept))
    tx.finish()
    return result


def _run(tx: BaseTx, use_case: Callable[[Any], T]) -> T:
    result = use_case(tx)
    if isinstance(result, CoroutineType):
        result.close()
        raise TypeError("A use case is a plain function; this one is a coroutine function.")
    return result


def _json(value: object) -> str:
    return _encode(value).decode()
