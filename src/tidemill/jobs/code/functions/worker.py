"""A worker of functions alone, beside its dispatcher in one process: the fastest one.

What it has not told yet needs no file: when the process dies, its dispatcher dies with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from tidemill.jobs.code.functions.execution import FunctionExecution
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.execution.worker.ahead import Ahead
from tidemill.jobs.execution.worker.announcing import Announcer
from tidemill.jobs.execution.worker.greeting import beat, introduction
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.tasks import SideTasks
from tidemill.jobs.execution.worker.telling import log_seconds_max, outcomes_per_message_max
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Drain,
    Draining,
    Held,
    Hello,
    Outcome,
    Outcomes,
    OutcomesTaken,
    Refused,
    ToWorker,
    Verdict,
    Welcome,
)

confirm_seconds_max: Final = 5.0
let_go_grace_seconds: Final = 2.0
messages_per_batch_max: Final = 256

Connect = Callable[[], Awaitable[tuple[WorkerConnection, str]]]

log = structlog.get_logger("tidemill.jobs.code.functions")


class FunctionWorker:
    """Runs until it has drained. Slots bound how many jobs run; what it has beyond them waits."""

    def __init__(self, options: WorkerOptions, connect: Connect, functions: Functions) -> None:
        self._options = options
        self._connect = connect
        self._functions = functions
        self._running: dict[str, FunctionExecution] = {}
        self._ahead = Ahead(self._start)
        self._starting = False
        self._announcer = Announcer(lambda: self._connection, self._runs)
        self._untaken: dict[Held, Outcome] = {}
        self._unsent: list[Outcome] = []
        self._connection: WorkerConnection | None = None
        self._connected = asyncio.Condition()
        self._tasks = SideTasks()
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._draining = False
        self._telling = 0

    @property
    def slots(self) -> int:
        """How many jobs may run at once."""
        return self._options.slots

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._running) - len(self._ahead)

    @property
    def draining(self) -> bool:
        """Whether it takes no more jobs."""
        return self._draining

    async def run(self) -> None:
        """Serve the dispatcher until drained."""
        self._functions.start()
        serving = asyncio.create_task(self._serve())
        drained = asyncio.create_task(self._drained.wait())
        try:
            await asyncio.wait({serving, drained}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving
        finally:
            for task in (serving, drained):
                task.cancel()
            await asyncio.gather(serving, drained, return_exceptions=True)
            await self._tasks.cancel()
            self._functions.stop()

    def drain(self) -> None:
        """Take nothing more, let jobs end, then let `run` return. A second call hurries."""
        if self._draining:
            self._let_go()
            return
        self._draining = True
        self._tasks.spawn(self._drain())

    # The connection.

    async def _serve(self) -> None:
        while True:
            connection, secret = await self._connect()
            try:
                await self._session(connection, secret)
            except ConnectionLost as lost:
                log.info("worker.connection_lost", reason=str(lost))
            finally:
                self._connection = None
                await connection.close()
            await asyncio.sleep(self._options.reconnect_seconds_min)

    async def _session(self, connection: WorkerConnection, secret: str) -> None:
        await connection.send(self._hello(secret))
        welcome = await connection.receive()
        if isinstance(welcome, Refused):
            raise ConnectionLost(welcome.reason)
        if not isinstance(welcome, Welcome):
            raise ConnectionLost("The dispatcher did not greet.")
        kept = set(welcome.keep)
        for execution in tuple(self._running.values()):
            if execution.held not in kept:
                self._stop(execution, Verdict.LOST, let_go_grace_seconds)
        said: set[Held] = set()
        async with self._connected:
            # Jobs end while this waits for credit, too.
            while untold := [one for held, one in self._untaken.items() if held not in said]:
                for outcome in untold:
                    said.add(Held(outcome.job_id, outcome.epoch))
                    await connection.send(outcome)
            self._unsent.clear()
            self._connection = connection
            self._connected.notify_all()
        if self._draining:
            await connection.send(Draining())
        # Those that wait for a slot here count, too: no more of them are wanted.
        heartbeats = self._tasks.spawn(
            beat(connection, welcome, lambda: self._options.slots - len(self._running))
        )
        try:
            while True:
                for message in await connection.receive_batch(messages_per_batch_max):
                    self._obey(message)
        finally:
            heartbeats.cancel()

    def _hello(self, secret: str) -> Hello:
        return introduction(
            self._options,
            secret,
            functions=self._functions.registered(),
            holding=(execution.held for execution in self._running.values()),
            unacknowledged=self._untaken,
        )

    async def _connection_now(self) -> WorkerConnection:
        while (connection := self._connection) is None or connection.closed:
            async with self._connected:
                # Looked at under the lock as well: it may have come while that was waited for.
                await self._connected.wait_for(self._is_connected)
        return connection

    def _is_connected(self) -> bool:
        return self._connection is not None and not self._connection.closed

    # Jobs.

    def _obey(self, message: ToWorker) -> None:
        if isinstance(message, Assign):
            for assignment in message.jobs:
                self._accept(assignment)
        elif isinstance(message, OutcomesTaken):
            for held in message.jobs:
                self._untaken.pop(held, None)
            if self._draining:
                self._changed.set()
        elif isinstance(message, Cancel):
            execution = self._running.get(message.job_id)
            if execution is not None and execution.held.epoch == message.epoch:
                self._stop(execution, Verdict.CANCELLED, message.grace_seconds)
        elif isinstance(message, Drain):
            self.drain()

    def _accept(self, assignment: Assignment) -> None:
        earlier = self._running.get(assignment.job_id)
        if earlier is not None:
            if earlier.held.epoch >= assignment.epoch:
                return
            # A later epoch means that the earlier attempt counts for nothing any more.
            self._stop(earlier, Verdict.LOST, 0.0)
        execution = self._functions.call(assignment)
        self._running[assignment.job_id] = execution
        if self._draining:
            execution.stop(Verdict.LOST, 0.0)
        elif len(self._running) > self._options.slots and self._free_slots < 0:
            self._ahead.add(execution)
            return
        self._start(execution)

    @property
    def _free_slots(self) -> int:
        return self._options.slots - self.running

    def _start(self, execution: FunctionExecution) -> None:
        self._announcer.add(execution)
        execution.begin(self._connection_now, self._ended)

    def _start_next(self) -> None:
        self._starting = False
        self._ahead.begin(self._free_slots)

    def _stop(self, execution: FunctionExecution, verdict: Verdict, grace_seconds: float) -> None:
        execution.stop(verdict, grace_seconds)
        self._ahead.stop(execution)

    def _runs(self, execution: FunctionExecution) -> bool:
        return self._running.get(execution.held.job_id) is execution

    def _ended(self, execution: FunctionExecution, outcome: Outcome) -> None:
        if self._runs(execution):
            del self._running[outcome.job_id]
        if self._ahead.waiting and not self._starting:
            # Not from here: one that ends as it begins would bring the next one below itself.
            self._starting = True
            asyncio.get_running_loop().call_soon(self._start_next)
        if execution.output is not None:
            self._telling += 1
            self._tasks.spawn(self._tell_after_log(execution, outcome))
        else:
            self._tell(execution.held, outcome)
        if self._draining:
            self._changed.set()

    async def _tell_after_log(self, execution: FunctionExecution, outcome: Outcome) -> None:
        try:
            async with asyncio.timeout(log_seconds_max):
                assert execution.output is not None  # noqa: S101 - asked for that reason
                await execution.output.close()
                if execution.log is not None:
                    await execution.log.sent()
                    await execution.log.settle()
        except TimeoutError:
            log.warning("worker.log_not_taken", job_id=outcome.job_id)
        finally:
            self._telling -= 1
        self._tell(execution.held, outcome)

    def _tell(self, held: Held, outcome: Outcome) -> None:
        self._untaken[held] = outcome
        if not self._unsent:
            # What ends in one turn of the loop goes out together.
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(outcome)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        connection = self._connection
        if connection is None or connection.closed:
            return  # The next connection gets all that is untaken.
        for start in range(0, len(unsent), outcomes_per_message_max):
            part = unsent[start : start + outcomes_per_message_max]
            connection.send_soon(Outcomes(jobs=tuple(part)))

    # The end.

    async def _drain(self) -> None:
        log.info("worker.draining", held=len(self._running))
        if self._connection is not None and not self._connection.closed:
            self._connection.send_soon(Draining())
        self._ahead.give_back()
        seconds = self._options.drain_seconds_max
        deadline = asyncio.get_running_loop().call_later(seconds, self._let_go)
        await self._changed_until(lambda: not self._running)
        deadline.cancel()
        try:
            async with asyncio.timeout(confirm_seconds_max):
                await self._changed_until(lambda: not (self._untaken or self._telling))
        except TimeoutError:
            log.warning("worker.outcomes_unconfirmed", count=len(self._untaken))
        self._drained.set()

    async def _changed_until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            self._changed.clear()
            await self._changed.wait()

    def _let_go(self) -> None:
        for execution in tuple(self._running.values()):
            execution.stop(Verdict.LOST, let_go_grace_seconds)
