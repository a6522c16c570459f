"""The worker: one connection, a number of slots, and a spool of what is not yet confirmed."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from msgspec import structs

from tidemill.core.crash import crash_point
from tidemill.core.log_context import trace_fields
from tidemill.jobs.execution.executors.container import take_containers
from tidemill.jobs.execution.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.execution.worker.absence import Absence
from tidemill.jobs.execution.worker.announcing import Announcer
from tidemill.jobs.execution.worker.calls import Calls
from tidemill.jobs.execution.worker.contract import (
    Called,
    Functions,
    Look,
    NoFunctions,
    OnSettings,
    ignore_settings,
)
from tidemill.jobs.execution.worker.endings import broken_end
from tidemill.jobs.execution.worker.execution import Execution, Surroundings
from tidemill.jobs.execution.worker.greeting import beat, greet, introduction
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.output import JobLog
from tidemill.jobs.execution.worker.slots import Slots
from tidemill.jobs.execution.worker.tasks import SideTasks
from tidemill.jobs.execution.worker.telling import Telling
from tidemill.jobs.execution.worker.tokens import TokenRequests
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost, UntrustedSocket
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Drain,
    Draining,
    Isolation,
    Outcome,
    OutcomesTaken,
    Refused,
    Settings,
    Token,
    ToWorker,
    Verdict,
    Welcome,
)

let_go_grace_seconds: Final = 2.0
confirm_seconds_max: Final = 5.0
gather_seconds: Final = 0.002
"""For how long ends are gathered while jobs wait for a slot; nobody waits for one of these."""

Connect = Callable[[], Awaitable[tuple[WorkerConnection, str]]]
"""Makes a connection and says which secret the dispatcher at its other end expects."""

log = structlog.get_logger("tidemill.jobs.execution.worker")


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
        self._telling = Telling(options.run_directory / "spool", self._connection_now)
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
        self._slots: Slots[Execution | Called] = Slots(options.slots, self._start)
        self._executions: dict[str, Execution | Called] = {}
        self._tasks = SideTasks()
        self._tokens = TokenRequests(self._connection_now)
        self._connection: WorkerConnection | None = None
        self._connected = asyncio.Condition()
        self._calls = Calls(self._slots.leave, lambda: self._surroundings, self._calls_over)
        self._announcer: Announcer[Execution | Called] = Announcer(
            lambda: self._connection, self._runs
        )
        self._over: list[tuple[Execution | Called, Outcome]] = []
        # What one job has bound to its context is not that of those that end beside it.
        self._context = contextvars.copy_context()
        self._surroundings = Surroundings(
            keeper=self._keeper,
            connected=self._connection_now,
            api_url="",
            isolations=isolations,
            machine=options.machine_or_own,
            ca_file=options.ca_file,
            token_of=self._tokens.ask,
        )
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        self._changed = asyncio.Event()
        self._reconnect_seconds_max = options.reconnect_seconds_max

    # From outside.

    def look(self) -> Look:
        """Return what there is to see of it now."""
        connected = self._connection is not None and not self._connection.closed
        running = len(self._executions) - self._slots.waiting
        return Look(connected, self._options.slots, running, self._keeper)

    async def run(self) -> None:
        """Serve dispatchers until drained; reconnects for as long as that takes."""
        self._telling.open()
        if self._isolations:
            await self._keeper.start()
            machine = await take_containers(self._surroundings.machine, self._options.run_directory)
            self._surroundings = structs.replace(self._surroundings, machine=machine)
        self._functions.start()
        serving = asyncio.create_task(self._serve())
        try:
            await self._drained.wait()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await self._tasks.cancel()
            await self._keeper.stop()
            self._functions.stop()
            self._telling.close()

    def drain(self) -> None:
        """Take nothing more, let jobs end, then let `run` return. A second call hurries."""
        if self._draining.is_set():
            self._let_go()
            return
        self._draining.set()
        self._tasks.spawn(self._drain())

    # The connection.

    async def _serve(self) -> None:
        delay = self._options.reconnect_seconds_min
        absence = Absence()
        while True:
            try:
                connection, secret = await self._connect()
            except (ConnectionLost, UntrustedSocket) as error:
                absence.lasts(str(error), delay, time.monotonic())
            except Exception:
                # Nobody would see it: a worker that does not try again looks alive for ever.
                log.exception("worker.connect_broke", retry_seconds=delay)
            else:
                absence.over()
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
            heartbeats = asyncio.create_task(beat(connection, welcome, lambda: self._slots.free))
            await self._take_up(connection, welcome)
            while True:
                for message in await connection.receive_batch(64):
                    self._obey(message)
        except ConnectionLost as lost:
            log.info("worker.connection_lost", reason=str(lost))
        except Exception:
            log.exception("worker.session_broke")
        finally:
            if self._connection is connection:
                self._connection = None
                self._changed.set()
            if heartbeats is not None:
                heartbeats.cancel()
            await connection.close()
        return welcomed

    async def _greet(self, connection: WorkerConnection, secret: str) -> Welcome | None:
        hello = introduction(
            self._options,
            secret,
            isolations=self._isolations,
            functions=self._functions.registered(),
            holding=(execution.held for execution in self._executions.values()),
            unacknowledged=self._telling.held(),
        )
        return await greet(connection, hello)

    async def _take_up(self, connection: WorkerConnection, welcome: Welcome) -> None:
        """Bring the dispatcher's view and ours together, then open the connection to jobs."""
        log.info("worker.welcomed", generation=welcome.generation, held=len(self._executions))
        api_url = self._options.api_url or welcome.api_url
        self._surroundings = structs.replace(self._surroundings, api_url=api_url)
        kept = set(welcome.keep)
        for execution in tuple(self._executions.values()):
            if execution.held not in kept:
                log.warning("worker.job_taken_away", job_id=execution.held.job_id)
                self._stop(execution, Verdict.LOST, let_go_grace_seconds)
        await self._telling.repeat(connection)
        async with self._connected:
            self._connection = connection
            self._connected.notify_all()
        if self._draining.is_set():
            await connection.send(Draining())

    async def _connection_now(self) -> WorkerConnection:
        while (connection := self._connection) is None or connection.closed:
            async with self._connected:
                # Looked at once more under the lock: it may have come while that was waited for.
                await self._connected.wait_for(lambda: self.look().connected)
        return connection

    # What the dispatcher says.

    def _obey(self, message: ToWorker) -> None:
        if isinstance(message, Assign):
            for assignment in message.jobs:
                self._accept(assignment)
        elif isinstance(message, OutcomesTaken):
            self._telling.confirmed(message.jobs)
            self._changed.set()
        elif isinstance(message, Cancel):
            execution = self._executions.get(message.job_id)
            if execution is not None and execution.held.epoch == message.epoch:
                self._stop(execution, Verdict.CANCELLED, message.grace_seconds)
        elif isinstance(message, Drain):
            self.drain()
        else:
            self._note(message)

    def _note(self, message: ToWorker) -> None:
        if isinstance(message, Token):
            self._tokens.take(message)
        elif isinstance(message, Settings):
            self._on_settings(message.values)
        elif isinstance(message, Refused):
            log.error("worker.sent_away", reason=message.reason)

    def _accept(self, assignment: Assignment) -> None:
        earlier = self._executions.get(assignment.job_id)
        if earlier is not None:
            if earlier.held.epoch >= assignment.epoch:
                return
            # A later epoch means that the earlier attempt counts for nothing any more.
            self._stop(earlier, Verdict.LOST, 0.0)
        function = assignment.isolation is Isolation.FUNCTION
        call = self._functions.call(assignment) if function else None
        execution = call or Execution(assignment)
        self._executions[assignment.job_id] = execution
        if self._draining.is_set():
            execution.stop(Verdict.LOST, 0.0)
            self._start(execution, False)
        else:
            self._slots.add(execution)

    def _start(self, execution: Execution | Called, has_slot: bool) -> None:
        self._announcer.add(execution)
        if isinstance(execution, Execution):
            self._tasks.spawn(self._execute(execution, has_slot=has_slot))
        else:
            self._calls.begin(execution, has_slot=has_slot)

    def _stop(self, execution: Execution | Called, verdict: Verdict, grace_seconds: float) -> None:
        execution.stop(verdict, grace_seconds)
        self._slots.stopped(execution)

    def _runs(self, execution: Execution | Called) -> bool:
        return self._executions.get(execution.held.job_id) is execution

    async def _execute(self, execution: Execution, *, has_slot: bool) -> None:
        assignment = execution.assignment
        structlog.contextvars.bind_contextvars(
            job_id=assignment.job_id,
            tenant_id=assignment.tenant_id,
            attempt=assignment.attempt,
            **trace_fields(assignment.traceparent),
        )
        try:
            outcome = await execution.run(self._surroundings)
        except Exception:
            # A job without an end would be held for as long as this worker lives.
            log.exception("worker.job_broke", job_id=assignment.job_id)
            outcome = broken_end(assignment)
        finally:
            if has_slot:
                self._slots.leave()
        if execution.log is None or execution.log.is_silent:
            self._over_soon(execution, outcome)
        else:
            await self._finish([(execution, outcome)], execution.log)

    def _over_soon(self, execution: Execution, outcome: Outcome) -> None:
        """Finish together what ends without a word in one turn of the loop, or while jobs wait."""
        if not self._over:
            loop, seconds = asyncio.get_running_loop(), gather_seconds if self._slots.waiting else 0
            loop.call_later(seconds, self._finish_over, context=self._context)
        self._over.append((execution, outcome))

    def _finish_over(self) -> None:
        over, self._over = self._over, []
        self._tasks.spawn(self._finish(over))

    def _calls_over(self, over: Sequence[tuple[Called, Outcome]]) -> None:
        silent = [one for one in over if not one[0].printed]
        if silent:
            self._tasks.spawn(self._finish(silent))
        for call, outcome in over:
            if call.printed:
                self._tasks.spawn(self._finish_after_output(call, outcome))

    async def _finish_after_output(self, call: Called, outcome: Outcome) -> None:
        try:
            await call.close_output()
        except Exception:
            # What was printed must not keep the job from its end.
            log.exception("worker.log_broke", job_id=outcome.job_id)
        await self._finish([(call, outcome)], call.log)

    async def _finish(
        self, over: Sequence[tuple[Execution | Called, Outcome]], output: JobLog | None = None
    ) -> None:
        """Keep how attempts ended, and tell it: of one with its log, or of several without any."""
        crash_point("worker_before_outcome")
        outcomes = [outcome for _, outcome in over]
        await self._telling.keep(outcomes)
        for execution, _ in over:
            if self._runs(execution):
                del self._executions[execution.held.job_id]
        self._changed.set()
        await self._telling.tell(outcomes, output)

    # The end.

    async def _drain(self) -> None:
        if self._connection is not None or self._executions:
            log.info("worker.draining", held=len(self._executions))
        if self._connection is not None:
            try:
                await self._connection.send(Draining())
            except ConnectionLost:
                log.info("worker.drains_unheard")
        self._slots.give_back()
        deadline = asyncio.get_running_loop().call_later(
            self._options.drain_seconds_max, self._let_go
        )
        await self._changed_until(lambda: not self._executions)
        deadline.cancel()
        try:
            async with asyncio.timeout(confirm_seconds_max):
                await self._changed_until(
                    lambda: not self._telling.held() or self._connection is None
                )
        except TimeoutError:
            log.warning("worker.outcomes_unconfirmed", count=len(self._telling.held()))
        self._drained.set()

    async def _changed_until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            self._changed.clear()
            await self._changed.wait()

    def _let_go(self) -> None:
        for execution in tuple(self._executions.values()):
            self._stop(execution, Verdict.LOST, let_go_grace_seconds)
