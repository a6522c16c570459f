"""A worker of functions alone, beside its dispatcher in one process: the fastest one.

What it has not told yet needs no file: when the process dies, its dispatcher dies with it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

import structlog

from tidemill.jobs.functions.execution import FunctionExecution
from tidemill.jobs.functions.running import Functions
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Drain,
    Draining,
    Heartbeat,
    Held,
    Hello,
    Outcome,
    Outcomes,
    OutcomesTaken,
    Refused,
    Started,
    ToWorker,
    Verdict,
    Welcome,
    protocol_version,
)
from tidemill.jobs.worker.memory import resident_bytes
from tidemill.jobs.worker.options import WorkerOptions

announce_seconds: Final = 0.02
"""A function that has ended by then is not told to have begun: its end says so."""
confirm_seconds_max: Final = 5.0
let_go_grace_seconds: Final = 2.0
log_seconds_max: Final = 10.0
messages_per_batch_max: Final = 256
outcomes_per_message_max: Final = 100

Connect = Callable[[], Awaitable[tuple[WorkerConnection, str]]]

log = structlog.get_logger("tidemill.jobs.functions")


class FunctionWorker:
    """Runs until it has drained. Every assigned job begins at once; slots bound how many."""

    def __init__(self, options: WorkerOptions, connect: Connect, functions: Functions) -> None:
        self._options = options
        self._connect = connect
        self._functions = functions
        self._running: dict[str, FunctionExecution] = {}
        self._begun: list[FunctionExecution] = []
        self._untaken: dict[Held, Outcome] = {}
        self._unsent: list[Outcome] = []
        self._connection: WorkerConnection | None = None
        self._connected = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._draining = False
        self._telling = 0

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
            for task in (serving, drained, *self._tasks):
                task.cancel()
            await asyncio.gather(serving, drained, *self._tasks, return_exceptions=True)
            self._functions.stop()

    def drain(self) -> None:
        """Take nothing more, let jobs end, then let `run` return. A second call hurries."""
        if self._draining:
            self._let_go()
            return
        self._draining = True
        self._spawn(self._drain())

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
                execution.stop(Verdict.LOST, let_go_grace_seconds)
        for outcome in self._untaken.values():
            await connection.send(outcome)
        self._unsent.clear()
        async with self._connected:
            self._connection = connection
            self._connected.notify_all()
        if self._draining:
            await connection.send(Draining())
        heartbeats = self._spawn(self._heartbeats(connection, welcome))
        try:
            while True:
                for message in await connection.receive_batch(messages_per_batch_max):
                    self._obey(message)
        finally:
            heartbeats.cancel()

    def _hello(self, secret: str) -> Hello:
        return Hello(
            version=protocol_version,
            worker_id=self._options.worker_id,
            secret=secret,
            host=socket.gethostname(),
            slots=self._options.slots,
            tags=self._options.tags,
            isolations=(),
            holding=tuple(execution.held for execution in self._running.values()),
            unacknowledged=tuple(self._untaken),
            functions=self._functions.registered(),
        )

    async def _heartbeats(self, connection: WorkerConnection, welcome: Welcome) -> None:
        while True:
            free = self._options.slots - len(self._running)
            beat = Heartbeat(free_slots=free, resident_bytes=resident_bytes())
            try:
                await connection.send(beat, seconds_max=welcome.lease_seconds)
            except ConnectionLost:
                return
            await asyncio.sleep(welcome.heartbeat_seconds)

    async def _connection_now(self) -> WorkerConnection:
        while (connection := self._connection) is None or connection.closed:
            async with self._connected:
                await self._connected.wait()
        return connection

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
                execution.stop(Verdict.CANCELLED, message.grace_seconds)
        elif isinstance(message, Drain):
            self.drain()

    def _accept(self, assignment: Assignment) -> None:
        earlier = self._running.get(assignment.job_id)
        if earlier is not None:
            if earlier.held.epoch >= assignment.epoch:
                return
            # A later epoch means that the earlier attempt counts for nothing any more.
            earlier.stop(Verdict.LOST, 0.0)
        execution = self._functions.execution(assignment)
        self._running[assignment.job_id] = execution
        if self._draining:
            execution.stop(Verdict.LOST, 0.0)
        if not self._begun:
            asyncio.get_running_loop().call_later(announce_seconds, self._announce)
        self._begun.append(execution)
        execution.begin(self._connection_now, self._ended)

    def _announce(self) -> None:
        begun, self._begun = self._begun, []
        for execution in begun:
            held, started_at = execution.held, execution.started_at
            if self._running.get(held.job_id) is not execution:
                continue
            if started_at is None:
                self._begun.append(execution)  # It waits for a thread.
            elif self._connection is not None and not self._connection.closed:
                message = Started(job_id=held.job_id, epoch=held.epoch, started_at=started_at)
                self._connection.send_soon(message)
        if self._begun:
            asyncio.get_running_loop().call_later(announce_seconds, self._announce)

    def _ended(self, execution: FunctionExecution, outcome: Outcome) -> None:
        if self._running.get(outcome.job_id) is execution:
            del self._running[outcome.job_id]
        if execution.output is not None:
            self._telling += 1
            self._spawn(self._tell_after_log(execution, outcome))
        else:
            self._tell(outcome)
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
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self._untaken[Held(outcome.job_id, outcome.epoch)] = outcome
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

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("worker.task_failed", exc_info=task.exception())
