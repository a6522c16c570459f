"""Where a program's jobs go."""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Literal,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
)
from weakref import WeakKeyDictionary

from tidemill.library.errors import NoDatabase
from tidemill.library.kinds import KINDS, check_kinds
from tidemill.library.portal import Portal

if TYPE_CHECKING:
    from tidemill.runtime.queue import OpenQueue, QueuePlace

T = TypeVar("T")

slots_max: Final = 1000
VARIABLE: Final = "TIDEMILL_DATABASE_URL"


class Placing(TypedDict, total=False):
    """What `set_strategy` may say."""

    order: Literal["fair_share", "priority_fifo"]
    workers: Literal["first_free", "round_robin", "least_loaded", "affinity", "resource_aware"]
    affinity_wait_seconds: float
    reserve_seconds: float
    weights: dict[str, int]


class Tidemill:
    """A queue in a database, opened when it is used first.

    `database` is `postgresql://…`, `sqlite:///jobs.db` or the path of a SQLite file; without it
    the variable `TIDEMILL_DATABASE_URL` says so. On PostgreSQL the tables lie in the schema
    `{schema_prefix}jobs`; with an empty prefix they are those of a Tidemill server on the same
    database. `state` is the directory of this machine's logs and sockets. `outboxes` are SQLite
    files of the program whose `enqueue_in` the worker carries over.

    The first one that is made is the program's own: `@tidemill.job` enqueues there. Nothing is
    opened yet; whatever uses the queue raises what `open` does, and `InvalidTenantId`. Raises
    `TypeError` for what none of these can be.

    >>> async with tidemill.Tidemill("sqlite:///other.db", tenant="harbour") as other:
    ...     job = await charge.options(app=other).enqueue(7)
    """

    _own: ClassVar[Tidemill | None] = None
    _used: tuple[asyncio.AbstractEventLoop, OpenQueue] | None

    def __init__(
        self,
        database: str | Path | None = None,
        *,
        tenant: str = "default",
        schema_prefix: str = "tidemill_",
        state: str | Path | None = None,
        outboxes: Sequence[str | Path] = (),
    ) -> None:
        check_kinds(database=database, tenant=tenant, schema_prefix=schema_prefix)
        check_kinds({"state": KINDS["database"]}, state=state)
        check_kinds(outboxes=outboxes)
        self.tenant = tenant
        self.outboxes = tuple(Path(file).absolute() for file in outboxes)
        self._database = database
        self._schema_prefix = schema_prefix
        self._state = None if state is None else Path(state)
        self._forget()
        if Tidemill._own is None:
            Tidemill._own = self

    @classmethod
    def own(cls) -> Tidemill:
        """Return the program's own queue: the first that was made, else that of the variable.

        Where there is neither, its first use raises `NoDatabase`.

        >>> tidemill.Tidemill.own() is app
        True
        """
        if cls._own is None:
            cls()
        assert cls._own is not None  # noqa: S101 - the first one made is kept
        return cls._own

    @property
    def place(self) -> QueuePlace:
        """Where the queue lies.

        Raises `NoDatabase` when nothing says so, and `DatabaseUnusable` for what is neither
        PostgreSQL nor a file in a directory that is there.

        >>> app.place.file.name
        'jobs.db'
        >>> tidemill.Tidemill("mysql://host/jobs").place
        Traceback (most recent call last):
        tidemill.runtime.queue.places.DatabaseUnusable: mysql:// is no database for a queue. ...
        """
        from tidemill.runtime.queue import place_of  # noqa: PLC0415 - `import tidemill` stays cheap

        database = self._database or os.environ.get(VARIABLE)
        if not database:
            raise NoDatabase
        return place_of(database, schema_prefix=self._schema_prefix, state=self._state)

    async def open(self) -> OpenQueue:
        """Return the queue on the running loop, opened and migrated if this is its first use.

        Raises `NoDatabase` and `DatabaseUnusable` as `place` does, `StoreUnavailable` and
        `BusUnavailable` when the database does not answer, `MigrationFailed` when its tables
        cannot be brought to this version, and `RuntimeError` where no loop runs.

        >>> queue = await app.open()
        """
        if os.getpid() != self._pid:
            # A server that forks its processes: what the parent has open is not ours.
            self._forget()
        loop = asyncio.get_running_loop()
        # Each enqueue asks: what was used last is found without a lock.
        if self._used is not None and self._used[0] is loop:
            return self._used[1]
        with self._lock:
            opening = self._queues.get(loop)
            if opening is None:
                opening = self._queues[loop] = loop.create_task(self._open())
        if opening.done() and not opening.cancelled() and opening.exception() is None:
            self._used = loop, opening.result()
            return opening.result()
        try:
            return await asyncio.shield(opening)
        except Exception:
            with self._lock:
                if self._queues.get(loop) is opening:
                    del self._queues[loop]
            raise

    async def close(self) -> None:
        """Close what this loop has open; the next use opens it again.

        Raises what `open` does while that is under way and fails.

        >>> other = tidemill.Tidemill("sqlite:///other.db")
        >>> job = await charge.options(app=other).enqueue(7)
        >>> await other.close()
        """
        with self._lock:
            self._used = None
            opening = self._queues.pop(asyncio.get_running_loop(), None)
        if opening is not None:
            await (await opening).close()

    def close_sync(self) -> None:
        """See `close`; for what the synchronous calls of this process have open."""
        self.run(self.close)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` for a caller without an event loop.

        Raises what `work` raises. On a loop it holds that up: `await` the work itself there.

        >>> app.run(lambda: charge.enqueue(7))
        JobHandle('...')
        """
        if os.getpid() != self._pid:
            self._forget()
        return self._portal.run(work())

    @asynccontextmanager
    async def worker(self, *, slots: int = 200, threads: int = 8) -> AsyncIterator[str]:
        """Run jobs in this process while the block lasts; yield the worker's name.

        For tests, development and small programs: `tidemill worker --app` is a process of its
        own, so that jobs cannot hold up what else the program does. At the end of the block
        running jobs may finish. Raises `SignatureUnusable` when a function cannot be a job,
        `DataDirectoryInUse` when another worker has the SQLite file, `TooManyWorkers` for more
        than 256 on this machine, `TypeError` and `ValueError` for other than 1 to 1000 slots and
        threads, and what `open` does.

        >>> async with tidemill.Tidemill("sqlite:///other.db") as other, other.worker(slots=10):
        ...     job = await charge.options(app=other).enqueue(7)
        ...     cents = await job.result(timeout=60)
        >>> cents
        100
        """
        check_kinds(slots=slots, threads=threads)
        for name, count in (("slots", slots), ("threads", threads)):
            if not 1 <= count <= slots_max:
                raise ValueError(f"{name} must be between 1 and {slots_max}, not {count}.")
        from tidemill.core.config import Config  # noqa: PLC0415 - `import tidemill` stays cheap
        from tidemill.jobs.code.functions.registry import REGISTRY  # noqa: PLC0415 - as above
        from tidemill.jobs.code.functions.running import Functions  # noqa: PLC0415 - as above
        from tidemill.runtime.queue import QueueOptions, queue_worker  # noqa: PLC0415 - as above

        functions = Functions(REGISTRY.all(), threads_max=threads)
        # Read here, as the worker's own task would end by it unseen while jobs are accepted.
        functions.registered()
        options = QueueOptions(slots=slots, outboxes=self.outboxes)
        async with queue_worker(self.place, functions, options, Config()) as worker:
            yield worker.name

    async def set_strategy(self, tag: str, **fields: Unpack[Placing]) -> None:
        """Say in which order the jobs of a tag come up, and which worker gets each.

        What is left out is as it is by default; safe to repeat, as at each start of the program.
        Raises `InvalidStrategy` for a rule or number that there is not, and `StrategyInUse` when
        jobs wait that ask for what the new strategy does not look at.

        >>> await app.set_strategy("mail", workers="affinity", affinity_wait_seconds=5)
        >>> await app.set_strategy("mail", reserve_seconds=-1)
        Traceback (most recent call last):
        tidemill.jobs.strategy_errors.InvalidStrategy: reserve_seconds must be between 0 and 3600.
        """
        check_kinds(tag=tag)
        queue = await self.open()
        await queue.set_strategy(tag, fields, tenant=self.tenant)

    def set_strategy_sync(self, tag: str, **fields: Unpack[Placing]) -> None:
        """See `set_strategy`; for programs without an event loop."""
        self.run(lambda: self.set_strategy(tag, **fields))

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _open(self) -> OpenQueue:
        # Loading it takes a while, in which the program's loop has better to do.
        runtime = await asyncio.to_thread(importlib.import_module, "tidemill.runtime.queue")
        queue: OpenQueue = await runtime.open_queue(self.place)
        queue.announce()
        return queue

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._used = None
        self._lock = threading.Lock()
        self._portal = Portal()
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[OpenQueue]] = (
            WeakKeyDictionary()
        )
