"""What Tidemill needs of the outside, as protocols. Only `runtime` picks the adapters.

Every adapter of a port passes one conformance suite in `tests/conformance`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.errors import Unavailable
from tidemill.core.facts import Fact, RecordedFact, Topic
from tidemill.core.ids import TenantId

T = TypeVar("T")

Value = str | int | float | bytes | None
"""What a column holds. Instants are int microseconds, ids and JSON are text, flags are instants
that are null until set."""

Row = Sequence[Any]
"""One row, read by position, so that `Model(*row)` builds a value without a dict between."""


class ReadGuard(Struct, frozen=True, kw_only=True):
    """What a guarded read may do: read of these tables, call these functions, for so long.

    What a statement names itself, by `WITH`, counts as a table.
    """

    tables: frozenset[str]
    functions: frozenset[str]
    milliseconds_max: int


class Tx(Protocol):
    """One transaction on one store, for one tenant. Everything in it is synchronous.

    Statements are plain SQL in the dialect common to SQLite and PostgreSQL with `:name`
    parameters; `:tenant_id` and `:now` are bound by themselves.
    """

    @property
    def tenant_id(self) -> TenantId:
        """The tenant that this transaction can see."""
        ...

    @property
    def now(self) -> Instant:
        """The instant of this transaction; the same for everything in it."""
        ...

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgres`, for the few repositories whose SQL must differ."""
        ...

    def new_id(self) -> str:
        """Return a fresh UUIDv7."""
        ...

    def execute(self, sql: str, /, **parameters: Value) -> int:
        """Run one statement; return the number of rows it changed."""
        ...

    def execute_row(self, sql: str, names: tuple[str, ...], row: Sequence[Value], /) -> int:
        """Run one statement whose many values are in the order of `names`; see `execute`."""
        ...

    def defer(self, sql: str, /, **parameters: Value) -> None:
        """Run one statement before the next one, or else when this commits.

        A transaction that has no other one is that statement alone, which costs least.
        """
        ...

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """Run one statement once for each mapping of parameters."""
        ...

    def execute_rows(
        self, sql: str, names: tuple[str, ...], rows: Iterable[tuple[Value, ...]], /
    ) -> None:
        """Run one statement once for each row, whose values are in the order of `names`."""
        ...

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        """Return the first row, or None; works for `… RETURNING` too."""
        ...

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """Return all rows; the statement has a LIMIT unless its result is bounded by a rule."""
        ...

    def all_alone(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """Return all rows of a statement that may count by itself: it is one round trip then.

        It does where nothing was done before it; what comes after it is another transaction, and
        it stands when that fails.
        """
        ...

    def all_guarded(self, sql: str, guard: ReadGuard, /, **parameters: Value) -> Sequence[Row]:
        """Return all rows of a statement that reads what `guard` allows, in a `Database.read`.

        Raises `ReadTookTooLong`. SQLite asks about each table and function; on PostgreSQL, where
        the same statements run, the transaction reads only, and the server ends what takes long.
        """
        ...

    def first_result(self, once: Once[T]) -> T | None:
        """Return what the write under a key gave, or None when there was none.

        Raises `IdempotencyKeyReused`.
        """
        ...

    def attempt(self, part: Callable[[], T]) -> T:
        """Run a part of the use case, and return what it returns.

        Where it raises a `TidemillError`, all that it wrote, recorded and audited is undone, and
        the use case may go on; what else it raises ends the transaction as ever. One attempt
        cannot hold another.
        """
        ...

    def record(self, fact: Fact, *, by: Actor) -> str:
        """Put `fact` on the tenant's event stream, when and only when this commits.

        Return the id that it has there.
        """
        ...

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
        """Write a line in the tenant's audit log, when and only when this commits.

        `action` is `feature.things.verb`, `resource` is `kind:id`; `before` and `after` are
        plain data or Structs without secrets.
        """
        ...

    def invalidate(self, kind: str, key: str) -> None:
        """Tell every process to drop what it caches under (`kind`, `key`).

        Only the control store has the table of changes; elsewhere this raises `RuntimeError`.
        """
        ...

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop of the caller once this has committed."""
        ...


class Once(Struct, Generic[T], frozen=True, kw_only=True):
    """An `Idempotency-Key`: the write happens once, and a replay gets the first result.

    `scope` is who and where: actor id, method and path. `fingerprint` is a digest of the
    request; the same key with another fingerprint raises `IdempotencyKeyReused`. The result is
    kept as JSON of `result_type` after `without_secrets` was applied to it.
    """

    key: str
    scope: str
    fingerprint: str
    result_type: type[T]
    without_secrets: Callable[[T], T] | None = None


class Database(Protocol):
    """A set of stores of one kind (control, jobs or tenant), addressed by tenant."""

    async def read(self, tenant_id: TenantId, use_case: Callable[[Tx], T]) -> T:
        """Run `use_case` on a consistent snapshot and return what it returns; it cannot write."""
        ...

    async def write(
        self,
        tenant_id: TenantId,
        use_case: Callable[[Tx], T],
        *,
        once: Once[T] | None = None,
    ) -> T:
        """Run `use_case` in a transaction of its own; return its result once that is durable.

        An exception rolls it back and rises. Deadlocks and serialisation failures run
        `use_case` again, so it must have no effect but through `tx`. Raises `StoreUnavailable`
        when the store cannot be reached, and `TenantUnavailable` when the tenant is not active.
        """
        ...

    async def reclaim(self, tenant_id: TenantId, table: str) -> None:
        """Free what deleted rows of `table` still take, where the database leaves that for later.

        Readers and writers go on meanwhile. Raises as `write` does.
        """
        ...


class StoreKind(StrEnum):
    """The three kinds of store."""

    CONTROL = "control"
    JOBS = "jobs"
    TENANT = "tenant"


class Wakeups(Protocol):
    """Says which tenants have undelivered facts or audit lines in which kind of store."""

    def on_dirty(self, handler: Callable[[StoreKind, TenantId], None]) -> None:
        """Call `handler` on the event loop after a commit that recorded facts or audit lines."""
        ...

    async def dirty(self) -> Sequence[tuple[StoreKind, TenantId]]:
        """Return what a crash, or another process, left undelivered."""
        ...

    async def delivered(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Say that nothing of `tenant_id` was left undelivered when it was looked at last."""
        ...


class TenantStores(Protocol):
    """Makes the stores of tenants."""

    async def provision(self, tenant_id: TenantId) -> None:
        """Create and migrate the tenant's store and mark it active; safe to repeat."""
        ...


class FactBatch(Struct, frozen=True, kw_only=True):
    """Facts of one tenant with consecutive numbers, in order.

    `through` is the number of the last one. A bus that carries numbers only, or a fact that is
    too large for it, leaves `facts` empty: the reader then reads the log up to `through`.
    """

    tenant_id: TenantId
    through: int
    facts: tuple[RecordedFact, ...] = ()


class Ephemeral(Struct, frozen=True, kw_only=True):
    """A live update that no log keeps: job states, log lines, progress."""

    tenant_id: TenantId
    topics: tuple[Topic, ...]
    type: str
    data: msgspec.Raw


class EventBus(Protocol):
    """Carries facts and ephemeral updates to every process.

    It may lose, duplicate or reorder: readers repair from the log by `seq`. `shared` says whether
    it reaches other processes than this one.
    """

    shared: bool

    async def start(self) -> None:
        """Connect. Raises an `Unavailable` error when the bus cannot be reached at start."""
        ...

    async def stop(self) -> None:
        """Disconnect; pending publications are flushed within two seconds or dropped."""
        ...

    async def publish(self, batches: Sequence[FactBatch]) -> None:
        """Send facts; returns when the bus has taken them. Raises when it has not."""
        ...

    async def broadcast(self, update: Ephemeral) -> None:
        """Send an ephemeral update, at most once."""
        ...

    def on_facts(self, handler: Callable[[FactBatch], None]) -> None:
        """Call `handler` for what arrives, own publications included. Before `start` only."""
        ...

    def on_ephemeral(self, handler: Callable[[Ephemeral], None]) -> None:
        """Call `handler` for each ephemeral update, own ones included. Before `start` only."""
        ...

    def on_gap(self, handler: Callable[[], None]) -> None:
        """Call `handler` after a reconnection, when anything may have been missed."""
        ...


class Change(Struct, frozen=True, kw_only=True):
    """A row of the control store's table of changes: drop what is cached under it."""

    seq: int
    kind: str
    tenant_id: TenantId
    key: str


class Invalidations(Protocol):
    """Follows the control store's changes in this process."""

    def on_change(self, kind: str, handler: Callable[[Change], None]) -> None:
        """Call `handler` for each change of `kind`, within 2 s of its commit."""
        ...

    def on_reset(self, handler: Callable[[], None]) -> None:
        """Call `handler` when changes may have been missed: everything cached must go."""
        ...

    def age_seconds(self) -> float:
        """Return how long ago the control store last confirmed that nothing was missed.

        Over 5 s, cached entries must be verified directly; over 30 s, answer 503.
        """
        ...


class LiveUpdates(Protocol):
    """Sends ephemeral updates to whoever watches; coalesced per tick, never blocking."""

    def publish(
        self, tenant_id: TenantId, topics: Sequence[Topic], type_: str, data: object
    ) -> None:
        """Queue an update for subscribers of `topics`; `data` is encoded once as JSON."""
        ...

    def is_followed(self, tenant_id: TenantId) -> bool:
        """Return whether anybody may watch the tenant, so that an update is worth its making."""
        ...


class RateLimiter(Protocol):
    """Token buckets by key."""

    async def take(self, key: str, *, per_minute: int, burst: int, cost: int = 1) -> RateLimitState:
        """Take `cost` from the bucket `key`; `allowed` is false when it holds too little."""
        ...


class RateLimitState(Struct, frozen=True, kw_only=True):
    """What a bucket answered; seconds are until one request fits and until it is full."""

    allowed: bool
    limit: int
    remaining: int
    retry_after_seconds: float
    reset_seconds: float


class Mail(Struct, frozen=True, kw_only=True):
    """One message in plain text, and the same as HTML where that is given.

    `headers` are further ones. `message_id` is what stands before the domain: the same for each
    attempt to send one message.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = {}
    message_id: str | None = None


class Mailer(Protocol):
    """Hands mail to SMTP, or to a directory of files when no server is set."""

    async def send(self, mail: Mail) -> None:
        """Deliver `mail`; raises `MailNotSent` when the server refuses or is away."""
        ...


class MailNotSent(Unavailable):
    """Mail could not be handed over: the server refuses it or is away."""

    code = "MAIL_NOT_SENT"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The mail was not sent. {reason}")
