"""One SQLite file: its connections, its lanes, and groups of use cases that share a commit."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import structlog

from tidemill.core.clock import Clock
from tidemill.core.crash import crash_point
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.sqlite.connection import (
    Cache,
    Pragmas,
    connect,
    is_fatal,
    is_refused_write,
    store_unavailable,
    translated,
    unavailable_reason,
)
from tidemill.infrastructure.database.sqlite.crew import Lane
from tidemill.infrastructure.database.sqlite.job import Job, hand_over
from tidemill.infrastructure.database.sqlite.tx import SqliteTx
from tidemill.infrastructure.database.transaction import Rows, perform

_log = structlog.get_logger(__name__)

# One slow read keeps the others of its turn waiting, so a turn is short.
_reads_per_turn_max = 4


class StoreFile:
    """A file that a lane of writers and a lane of readers serve."""

    def __init__(  # noqa: PLR0913 - a file is what all of these say
        self,
        kind: StoreKind,
        path: Path,
        *,
        options: DatabaseOptions,
        clock: Clock,
        settle: Callable[[list[Job]], None],
        readers: int,
        cache: Cache,
    ) -> None:
        self.kind = kind
        self.path = path
        self.failure: str | None = None
        self.groups: Counter[int] = Counter()
        self._options = options
        self._clock = clock
        self._settle = settle
        self._pragmas = Pragmas(options.synchronous, options.busy_timeout_ms, cache)
        self._writer: sqlite3.Connection | None = None
        self._idle_readers: list[sqlite3.Connection] = []
        self._generation = 0
        self._lock = threading.Lock()
        batch_max = options.group_size_max if options.group_commit else 1
        self.writes: Lane[Job] = Lane(self._serve_writes, width=1, batch_max=batch_max)
        self.reads: Lane[Job] = Lane(
            self._serve_reads, width=readers, batch_max=_reads_per_turn_max
        )

    def writer(self) -> sqlite3.Connection:
        """Return the one connection that writes; only for the thread that serves `writes`."""
        if self._writer is None:
            self._writer = connect(self.path, self._pragmas, writable=True)
        return self._writer

    def close(self) -> None:
        """Close every connection; the lanes must be empty."""
        self._drop_connections()

    def _serve_writes(self, jobs: list[Job]) -> None:
        wanted: list[Job] = []
        unwanted: list[Job] = []
        for job in jobs:
            (unwanted if job.future.cancelled() else wanted).append(job)
        if wanted:
            self._write_group(wanted)
        hand_over(unwanted + wanted, self._settle)

    def _write_group(self, jobs: list[Job]) -> None:
        """Run `jobs` in one transaction, and add those that join them."""
        try:
            self._commit_group(jobs, self._late)
        except BaseException as error:  # noqa: BLE001 - the thread must outlive any failure
            self._abandon(jobs, error)
        else:
            self._worked()
            self.groups[len(jobs)] += 1

    def _late(self, running: int) -> list[Job]:
        """Take what was asked for while the use cases ran: it need not wait for its own commit."""
        late: list[Job] = []
        waiting = self.writes.waiting
        while waiting and running + len(late) < self.writes.batch_max:
            if waiting[0].future.cancelled():
                break
            late.append(waiting.popleft())
        return late

    def _commit_group(self, jobs: list[Job], late: Callable[[int], list[Job]]) -> None:
        connection = self.writer()
        connection.execute("BEGIN IMMEDIATE")
        facts: Rows = []
        last = self._run_each(connection, jobs, facts, alone=len(jobs) == 1)
        if last is None:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return
        joining = late(len(jobs))
        jobs += joining
        last = self._run_each(connection, joining, facts, alone=False) or last
        if self.kind is StoreKind.TENANT:
            last.number(facts)
        crash_point("before_commit")
        connection.execute("COMMIT")
        crash_point("after_commit")

    def _run_each(
        self, connection: sqlite3.Connection, jobs: list[Job], facts: Rows, *, alone: bool
    ) -> SqliteTx | None:
        """Run use cases, add their facts, and return the last transaction that stands."""
        last: SqliteTx | None = None
        for job in jobs:
            tx = self._transaction(connection, job, writable=True)
            self._run_in_savepoint(connection, job, tx, alone=alone)
            if job.error is None:
                facts.extend(tx.facts)
                last = tx
        return last

    def _run_in_savepoint(
        self, connection: sqlite3.Connection, job: Job, tx: SqliteTx, *, alone: bool
    ) -> None:
        if not alone:
            connection.execute("SAVEPOINT use_case")
        job.writes, job.began_at = True, time.perf_counter()
        try:
            job.result = perform(
                tx, job.use_case, job.once, kept_hours=self._options.idempotency_hours
            )
        except BaseException as error:
            if unavailable_reason(error) or not connection.in_transaction:
                raise
            job.error = translated(error)
            if not alone:
                connection.execute("ROLLBACK TO use_case")
        else:
            job.callbacks, job.dirty, job.changed = tx.callbacks, tx.dirty, bool(tx.changes)
        finally:
            job.ended_at = time.perf_counter()
        if not alone:
            connection.execute("RELEASE use_case")

    def _abandon(self, jobs: list[Job], error: BaseException) -> None:
        """Roll the group back; nothing of it may be acknowledged."""
        self._roll_back(error)
        reason = unavailable_reason(error)
        if reason is None and len(jobs) > 1:
            # One of the group upset all of them: each gets a transaction of its own.
            for job in jobs:
                _reset(job)
                self._alone(job)
            return
        raised = store_unavailable(self.kind, self.path, error) or translated(error)
        if reason:
            raised.__cause__ = error
            self._failed(reason)
        for job in jobs:
            _reset(job)
            job.error = raised

    def _failed(self, reason: str) -> None:
        if reason != self.failure:
            _log.error("store.failed", store=self.kind, file=str(self.path), reason=reason)
        self.failure = reason

    def _worked(self) -> None:
        if self.failure is not None:
            _log.info("store.recovered", store=self.kind, file=str(self.path))
            self.failure = None

    def _alone(self, job: Job) -> None:
        try:
            self._commit_group([job], _nobody)
        except BaseException as error:  # noqa: BLE001 - as above
            self._abandon([job], error)

    def _roll_back(self, error: BaseException) -> None:
        connection = self._writer
        if connection is None:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop_connections()
        if is_fatal(error):
            self._drop_connections()

    def _serve_reads(self, jobs: list[Job]) -> None:
        for job in jobs:
            if job.future.cancelled():
                continue
            try:
                self._read(job)
            except BaseException as error:  # noqa: BLE001 - the thread must outlive any failure
                refused = is_refused_write(error)
                raised = None if refused else store_unavailable(self.kind, self.path, error)
                job.error = raised or error
                if raised:
                    raised.__cause__ = error
        hand_over(jobs, self._settle)

    def _read(self, job: Job) -> None:
        generation, connection = self._take_reader()
        healthy = False
        try:
            connection.execute("BEGIN")
            job.began_at = time.perf_counter()
            try:
                tx = self._transaction(connection, job, writable=False)
                job.result = perform(tx, job.use_case, None, kept_hours=0)
            finally:
                job.ended_at = time.perf_counter()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            job.callbacks = tx.callbacks
            healthy = True
        except BaseException as error:
            healthy = not is_fatal(error)
            raise
        finally:
            self._give_back(generation, connection, healthy=healthy)

    def _take_reader(self) -> tuple[int, sqlite3.Connection]:
        with self._lock:
            generation = self._generation
            if self._idle_readers:
                return generation, self._idle_readers.pop()
        return generation, connect(self.path, self._pragmas, writable=False)

    def _give_back(self, generation: int, connection: sqlite3.Connection, *, healthy: bool) -> None:
        with self._lock:
            if healthy and generation == self._generation:
                self._idle_readers.append(connection)
                return
        connection.close()

    def _drop_connections(self) -> None:
        with self._lock:
            self._generation += 1
            idle, self._idle_readers = self._idle_readers, []
        for connection in idle:
            connection.close()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _transaction(self, connection: sqlite3.Connection, job: Job, *, writable: bool) -> SqliteTx:
        return SqliteTx(connection, self.kind, job.tenant_id, self._clock.now(), writable=writable)


def _nobody(_running: int) -> list[Job]:
    return []


def _reset(job: Job) -> None:
    job.result, job.error, job.callbacks = None, None, []
    job.dirty = job.changed = False
