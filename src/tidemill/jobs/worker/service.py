"""The worker: one connection, a number of slots, and a spool of what is not yet confirmed."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

import structlog

from tidemill.core.crash import crash_point
from tidemill.core.log_context import trace_fields
from tidemill.jobs.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost, UntrustedSocket
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Drain,
    Draining,
    Heartbeat,
    Held,
    Hello,
    Isolation,
    Outcome,
    OutcomesTaken,
    Settings,
    Started,
    ToWorker,
    Verdict,
    Welcome,
    protocol_version,
)
from tidemill.jobs.worker.contract import (
    Functions,
    Look,
    NoFunctions,
    OnSettings,
    Running,
    ignore_settings,
)
from tidemill.jobs.worker.execution import Execution, Surroundings
from tidemill.jobs.worker.greeting import greet
from tidemill.jobs.worker.memory import resident_bytes
from tidemill.jobs.worker.options import WorkerOptions
from tidemill.jobs.worker.output import JobLog
from tidemill.jobs.worker.spool import Spool

let_go_grace_seconds: Final = 2.0
confirm_seconds_max: Final = 5.0
log_seconds_max: Final = 10.0
quiet_seconds: Final = 1.5

Connect = Callable[[], Awaitable[tuple[WorkerConnection, str]]]
"""Makes a connection and says which secret the dispatcher at its other end expects."""

log = structlog.get_logger("tidemill.jobs.worker")


class Worker:
    """Runs until it has drained."""

    def __init__(
        self,
        options: WorkerOptions,
        connect: Connect,
        *,
        isolations: tuple[Isolation, ...],
        on_settings: OnSettings = ignore_settings,
        functions: Functions | None = None,
    ) -> None:
        self._options = options
        self._functions = functions or NoFunctions()
        self._connect = connect
        self._isolations = isolations
        self._on_settings = on_settings
        self._spool = Spool(options.run_directory / "spool")
        self._keeper = Keeper(
            KeeperOptions(
                worker_id=options.worker_id,
                slots=options.slots,
                directory=options.run_directory / "jobs",
                zygotes_max=options.zygotes_max,
                idle_seconds_max=options.zygote_idle_seconds_max,
                warm=options.warm,
                preload=options.preload,
            )
        )
        self._slots: asyncio.Queue[int] = asyncio.Queue()
        self._executions: dict[str, Running] = {}
        self._untold: set[Held] = set()
        self._logs: dict[Held, JobLog] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._connection: WorkerConnection | None = None
        self._connected = asyncio.Condition()
        self._api_url = ""
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        self._changed = asyncio.Event()
        self._reconnect_seconds_max = options.reconnect_seconds_max

    # From outside.

    def look(self) -> Look:
        """Return what there is to see of it now."""
        connected = self._connection is not None and not self._connection.closed
        return Look(connected, self._options.slots, len(self._executions), self._keeper)

    async def run(self) -> None:
        """Serve dispatchers until drained; reconnects for as long as that takes."""
        unreadable = self._spool.open()
        if unreadable:
            log.error("worker.spool_unreadable", files=unreadable)
        for slot in range(self._options.slots):
            self._slots.put_nowait(slot)
        if self._isolations:
            await self._keeper.start()
        self._functions.start()
        serving = asyncio.create_task(self._serve())
        try:
            await self._drained.wait()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*tuple(self._tasks), return_exceptions=True)
            await self._keeper.stop()
            self._functions.stop()

    def drain(self) -> None:
        """Take nothing more, let jobs end, then let `run` return. A second call hurries."""
        if self._draining.is_set():
            self._let_go()
            return
        self._draining.set()
        self._spawn(self._drain())

    # The connection.

    async def _serve(self) -> None:
        delay = self._options.reconnect_seconds_min
        while True:
            try:
                connection, secret = await self._connect()
            except (ConnectionLost, UntrustedSocket) as error:
                # Both start at once, and the dispatcher takes a second longer.
                tell = log.info if delay >= quiet_seconds else log.debug
                tell("worker.no_dispatcher", reason=str(error), retry_seconds=delay)
            else:
                if await self._session(connection, secret):
                    delay = self._options.reconnect_seconds_min
            # Spread out, so that many workers do not return in the same instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
            delay = min(delay * 2, self._reconnect_seconds_max)

    async def _session(self, connection: WorkerConnection, secret: str) -> bool:
        """Talk until the connection ends; return whether the dispatcher had welcomed us."""
        welcomed = False
        heartbeats: asyncio.Task[None] | None = None
        try:
            welcome = await self._greet(connection, secret)
            if welcome is None:
                return False
            welcomed = True
            # A dispatcher that is back waits one lease for what its workers hold.
            self._reconnect_seconds_max = min(
                self._options.reconnect_seconds_max, welcome.lease_seconds / 4
            )
            heartbeats = asyncio.create_task(self._heartbeats(connection, welcome))
            await self._take_up(connection, welcome)
            while True:
                for message in await connection.receive_batch(64):
                    self._obey(message)
        except ConnectionLost as lost:
            log.info("worker.connection_lost", reason=str(lost))
        finally:
            if self._connection is connection:
                self._connection = None
                self._changed.set()
            if heartbeats is not None:
                heartbeats.cancel()
            await connection.close()
        return welcomed

    async def _greet(self, connection: WorkerConnection, secret: str) -> Welcome | None:
        hello = Hello(
            version=protocol_version,
            worker_id=self._options.worker_id,
            secret=secret,
            host=socket.gethostname(),
            slots=self._options.slots,
            tags=self._options.tags,
            isolations=self._isolations,
            holding=tuple(execution.held for execution in self._executions.values()),
            unacknowledged=self._spool.held(),
            functions=self._functions.registered(),
        )
        return await greet(connection, hello)

    async def _take_up(self, connection: WorkerConnection, welcome: Welcome) -> None:
        """Bring the dispatcher's view and ours together, then open the connection to jobs."""
        log.info("worker.welcomed", generation=welcome.generation, held=len(self._executions))
        self._api_url = welcome.api_url
        kept = set(welcome.keep)
        for execution in tuple(self._executions.values()):
            if execution.held not in kept:
                log.warning("worker.job_taken_away", job_id=execution.held.job_id)
                execution.stop(Verdict.LOST, let_go_grace_seconds)
        for outcome in self._spool.outcomes():
            held = Held(outcome.job_id, outcome.epoch)
            if held not in self._untold:
                if held in self._logs:  # The last dispatcher may have died before it wrote it.
                    await self._logs[held].repeat(connection, seconds_max=log_seconds_max)
                await connection.send(outcome)
        async with self._connected:
            self._connection = connection
            self._connected.notify_all()
        if self._draining.is_set():
            await connection.send(Draining())

    async def _heartbeats(self, connection: WorkerConnection, welcome: Welcome) -> None:
        while True:
            beat = Heartbeat(free_slots=self._slots.qsize(), resident_bytes=resident_bytes())
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

    # What the dispatcher says.

    def _obey(self, message: ToWorker) -> None:
        if isinstance(message, Assign):
            for assignment in message.jobs:
                self._accept(assignment)
        elif isinstance(message, OutcomesTaken):
            self._spool.drop(message.jobs)
            for held in message.jobs:
                self._logs.pop(held, None)
            self._changed.set()
        elif isinstance(message, Cancel):
            execution = self._executions.get(message.job_id)
            if execution is not None and execution.held.epoch == message.epoch:
                execution.stop(Verdict.CANCELLED, message.grace_seconds)
        elif isinstance(message, Drain):
            self.drain()
        elif isinstance(message, Settings):
            self._on_settings(message.values)

    def _accept(self, assignment: Assignment) -> None:
        earlier = self._executions.get(assignment.job_id)
        if earlier is not None:
            if earlier.held.epoch >= assignment.epoch:
                return
            # A later epoch means that the earlier attempt counts for nothing any more.
            earlier.stop(Verdict.LOST, 0.0)
        is_function = assignment.isolation is Isolation.FUNCTION
        execution = self._functions.execution(assignment) if is_function else Execution(assignment)
        self._executions[assignment.job_id] = execution
        if self._draining.is_set():
            execution.stop(Verdict.LOST, 0.0)
        self._spawn(self._execute(execution))

    async def _execute(self, execution: Running) -> None:
        assignment = execution.assignment
        structlog.contextvars.bind_contextvars(
            job_id=assignment.job_id,
            tenant_id=assignment.tenant_id,
            attempt=assignment.attempt,
            **trace_fields(assignment.traceparent),
        )
        slot = await self._slots.get()
        announcing = self._spawn(self._announce(execution))
        try:
            surroundings = Surroundings(
                keeper=self._keeper,
                connected=self._connection_now,
                api_url=self._api_url,
                isolations=self._isolations,
                machine=self._options.machine_or_own,
            )
            outcome = await execution.run(surroundings)
        finally:
            self._slots.put_nowait(slot)
            announcing.cancel()
        crash_point("worker_before_outcome")
        self._keep(outcome)
        if self._executions.get(outcome.job_id) is execution:
            del self._executions[outcome.job_id]
        self._changed.set()
        await self._tell(outcome, execution.log)

    async def _announce(self, execution: Running) -> None:
        started_at = await execution.started
        connection = await self._connection_now()
        held = execution.held
        try:
            await connection.send(
                Started(job_id=held.job_id, epoch=held.epoch, started_at=started_at)
            )
        except ConnectionLost:
            return

    def _keep(self, outcome: Outcome) -> None:
        self._untold.add(Held(outcome.job_id, outcome.epoch))
        try:
            self._spool.put(outcome)
        except OSError:
            # A full disk must not lose the outcome: it is kept in memory and sent all the same.
            log.exception("worker.spool_failed", job_id=outcome.job_id)

    async def _tell(self, outcome: Outcome, output: JobLog | None) -> None:
        """Send the rest of the log, then the outcome, over as many connections as it takes."""
        while True:
            connection = await self._connection_now()
            try:
                if output is not None:
                    await self._send_rest(output, connection)
                    self._logs[Held(outcome.job_id, outcome.epoch)] = output
                await connection.send(outcome)
            except ConnectionLost:
                continue
            break
        self._untold.discard(Held(outcome.job_id, outcome.epoch))
        crash_point("worker_after_outcome_sent")

    async def _send_rest(self, output: JobLog, connection: WorkerConnection) -> None:
        try:
            async with asyncio.timeout(log_seconds_max):
                await output.sent()
                await output.settle()
        except TimeoutError:
            if connection.closed:
                raise ConnectionLost("The rest of a log waits for the next connection.") from None
            # Connected, and nobody takes the log: then the outcome matters more.
            log.warning("worker.log_not_taken")
            output.abandon()

    # The end.

    async def _drain(self) -> None:
        log.info("worker.draining", held=len(self._executions))
        if self._connection is not None:
            try:
                await self._connection.send(Draining())
            except ConnectionLost:
                log.info("worker.drains_unheard")
        deadline = asyncio.get_running_loop().call_later(
            self._options.drain_seconds_max, self._let_go
        )
        await self._changed_until(lambda: not self._executions)
        deadline.cancel()
        try:
            async with asyncio.timeout(confirm_seconds_max):
                await self._changed_until(
                    lambda: not self._spool.held() or self._connection is None
                )
        except TimeoutError:
            log.warning("worker.outcomes_unconfirmed", count=len(self._spool.held()))
        self._drained.set()

    async def _changed_until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            self._changed.clear()
            await self._changed.wait()

    def _let_go(self) -> None:
        for execution in self._executions.values():
            execution.stop(Verdict.LOST, let_go_grace_seconds)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("worker.task_failed", exc_info=task.exception())
