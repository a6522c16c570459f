"""Enqueues in the transaction of a program, on its own connection."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec
from msgspec import structs
from uuid_utils import uuid7

from tidemill.core.clock import Instant
from tidemill.core.ids import tenant_id
from tidemill.infrastructure.database.postgres.borrowed import Borrowed, Driver, within
from tidemill.infrastructure.messaging.postgres import live_channel, live_payload
from tidemill.jobs.announcing import announcement
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.errors import ArgumentsTooLarge
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.plans import check_begins
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.requests import check
from tidemill.runtime.clock import SystemClock
from tidemill.runtime.queue.opening import OpenQueue, actor_of, outbox_prefix
from tidemill.runtime.queue.places import QueuePlace

_CREATE: Final = """
    CREATE TABLE IF NOT EXISTS tidemill_outbox (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant_id TEXT NOT NULL,
        request TEXT NOT NULL,
        error TEXT
    )
"""
_INSERT: Final = """
    INSERT INTO tidemill_outbox (id, tenant_id, request)
    SELECT ?1, ?2, ?3
    WHERE NOT EXISTS (SELECT 1 FROM tidemill_outbox WHERE id = ?1 AND tenant_id = ?2)
"""
_LIMITS: Final = QueueLimits()
_UNDEFINED_TABLE: Final = "42P01"


class OutboxMissing(RuntimeError):
    """A SQLite file of the program has no table for its jobs yet."""

    def __init__(self) -> None:
        super().__init__(
            "This SQLite file has no table tidemill_outbox. Make it once with "
            "tidemill.create_outbox(connection), and name the file in Tidemill(outboxes=[…]), so "
            "that the worker carries its jobs over."
        )


class WrongDatabase(TypeError):
    """The connection leads to another kind of database than that of the queue."""


class NoTransaction(RuntimeError):
    """No transaction is open on the connection."""


def create_outbox(connection: sqlite3.Connection) -> None:
    """Make the table in which `enqueue_in` leaves jobs; safe to repeat."""
    connection.execute(_CREATE)


def leave(connection: sqlite3.Connection, request: JobRequest, *, tenant: str) -> str:
    """Leave a request in the program's SQLite file; return the id that the job will have.

    What is there under that id already stays as it is, as in the queue itself.

    Raises `OutboxMissing`, `NoTransaction`, and what the queue would refuse: once it is carried
    over, only a log would hear of that.
    """
    if connection.isolation_level is None and not connection.in_transaction:
        raise NoTransaction
    _check(request, SystemClock().now())
    key = request.id or f"{outbox_prefix}{uuid7()}"
    body = msgspec.json.encode(structs.replace(request, id=key)).decode()
    try:
        connection.execute(_INSERT, (key, tenant, body))
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise OutboxMissing from error
        raise
    return key


def _check(request: JobRequest, now: Instant) -> None:
    check(request, _LIMITS)
    size = len(msgspec.json.encode(request.args))
    if size > _LIMITS.args_bytes_max:
        raise ArgumentsTooLarge(size, _LIMITS.args_bytes_max)
    if request.limits is not None and request.run_at is not None:
        check_begins(request.limits, now, request.run_at, param="run_at")


async def enqueue_in(queue: OpenQueue, connection: Any, order: Order, place: QueuePlace) -> str:
    """Insert the job on a connection of PostgreSQL; return its id."""
    borrowed = _borrowed(connection, place)
    if not borrowed.is_async:
        return borrowed.run_sync(lambda driver: _insert(queue, driver, order, place))
    return await borrowed.run(lambda driver: _insert(queue, driver, order, place))


def enqueue_in_sync(queue: OpenQueue, connection: Any, order: Order, place: QueuePlace) -> str:
    """See `enqueue_in`; for a synchronous connection."""
    borrowed = _borrowed(connection, place)
    if borrowed.is_async:
        raise WrongDatabase("This connection is asynchronous; use `await job.enqueue_in(…)`.")
    return borrowed.run_sync(lambda driver: _insert(queue, driver, order, place))


async def prepare(queue: OpenQueue, request: JobRequest, *, tenant: str) -> Order:
    """Check a request before a transaction is borrowed for it."""
    return await queue.service.prepare(request, actor=actor_of(tenant))


def _borrowed(connection: Any, place: QueuePlace) -> Borrowed:
    try:
        borrowed = Borrowed(connection)
    except TypeError as error:
        raise WrongDatabase(
            f"{type(connection).__module__}.{type(connection).__qualname__} is no connection of "
            "asyncpg or psycopg 3."
        ) from error
    if place.url is None:
        raise WrongDatabase(
            "The queue is a SQLite file, so a transaction on PostgreSQL cannot hold its jobs. Put "
            "the queue into the same PostgreSQL database."
        )
    if not borrowed.in_transaction:
        raise NoTransaction
    return borrowed


def _insert(queue: OpenQueue, driver: Driver, order: Order, place: QueuePlace) -> str:
    now = queue.clock.now()
    run_at = order.request.run_at
    schema = f"{place.schema_prefix}jobs"
    try:
        job = within(
            driver,
            schema,
            tenant_id(order.actor.tenant_id),
            now,
            lambda tx: queue.service.enqueue_in(tx, order),
            notify=(
                live_channel(place.bus_prefix),
                live_payload(announcement(now if run_at is None else run_at)),
            ),
        )
    except Exception as error:
        if getattr(error, "sqlstate", None) != _UNDEFINED_TABLE:
            raise
        raise WrongDatabase(
            f"The database of this connection has no queue in a schema {schema}. Give a "
            "connection to the database in which the queue lies."
        ) from error
    return job.public_id
