"""Enqueues in the transaction of the program itself."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from tidemill.jobs.contract import JobRequest
from tidemill.library.app import Tidemill
from tidemill.library.connections import raw, raw_sqlite, raw_sync
from tidemill.library.errors import NotInTransaction


def create_outbox(connection: Any) -> None:
    """Make the table for jobs in a SQLite file of the program; safe to repeat.

    Name the file in `Tidemill(outboxes=[…])`, so that the worker looks there. Raises
    `ConnectionUnknown` for any other connection: on PostgreSQL `enqueue_in` needs no outbox.

    >>> connection = sqlite3.connect("shop.db")
    >>> tidemill.create_outbox(connection)
    >>> connection.close()
    >>> tidemill.create_outbox("shop.db")
    Traceback (most recent call last):
    tidemill.library.errors.ConnectionUnknown: builtins.str: give one of sqlite3, ...
    """
    from tidemill.runtime import queue  # noqa: PLC0415 - `import tidemill` stays cheap

    queue.create_outbox(raw_sqlite(connection))


class Borrowed(NamedTuple):
    """The id of a job; with `comes_later` the worker carries it into the queue."""

    job_id: str
    comes_later: bool


async def enqueue_in(app: Tidemill, connection: Any, request: JobRequest) -> Borrowed:
    """Enqueue in the transaction on `connection`, whichever kind that is."""
    from tidemill.runtime import queue  # noqa: PLC0415 - `import tidemill` stays cheap

    own = await raw(connection)
    try:
        if isinstance(own, sqlite3.Connection):
            return Borrowed(queue.leave(own, request, tenant=app.tenant), comes_later=True)
        opened = await app.open()
        order = await queue.prepare(opened, request, tenant=app.tenant)
        job_id = await queue.enqueue_in(opened, own, order, app.place)
        return Borrowed(job_id, comes_later=False)
    except queue.NoTransaction:
        raise NotInTransaction from None


def enqueue_in_sync(app: Tidemill, connection: Any, request: JobRequest) -> Borrowed:
    """Enqueue in the transaction on a synchronous `connection`."""
    from tidemill.runtime import queue  # noqa: PLC0415 - `import tidemill` stays cheap

    own = raw_sync(connection)
    try:
        if isinstance(own, sqlite3.Connection):
            return Borrowed(queue.leave(own, request, tenant=app.tenant), comes_later=True)
        opened = app.run(app.open)
        order = app.run(lambda: queue.prepare(opened, request, tenant=app.tenant))
        job_id = queue.enqueue_in_sync(opened, own, order, app.place)
        return Borrowed(job_id, comes_later=False)
    except queue.NoTransaction:
        raise NotInTransaction from None
