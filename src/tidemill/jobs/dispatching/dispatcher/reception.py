"""Receives workers: registers them, and sorts what they say into the inbox of the next turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog
from msgspec import Struct

from tidemill.core.clock import Clock, Instant
from tidemill.core.errors import TidemillError
from tidemill.core.log_context import job_fields
from tidemill.jobs.code.functions.service import FunctionService, check_functions
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.admission import (
    Admit,
    NotAdmitted,
    Rights,
    by_secret,
    named_twice,
)
from tidemill.jobs.dispatching.dispatcher.distrust import bounded
from tidemill.jobs.dispatching.dispatcher.models import Begun, Ended
from tidemill.jobs.dispatching.dispatcher.offers import wrong_with
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.sessions import (
    Session,
    lanes_of,
    machine_of,
    messages_per_batch_max,
)
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import (
    Channel,
    Draining,
    FromWorker,
    Heartbeat,
    Held,
    Hello,
    LogChunk,
    Outcome,
    Outcomes,
    Refused,
    Started,
    TokenWanted,
    Verdict,
    Welcome,
    protocol_version,
)
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Ending, Job, to_json
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.queueing.workers.models import Beat, Registration
from tidemill.jobs.records.logs.writing import LogWriter

log = structlog.get_logger(__name__)

hello_seconds_max: Final = 5.0
predecessor_seconds_max: Final = 2.0
refusal_seconds_max: Final = 2.0
slots_max: Final = 1_000
name_chars_max: Final = 201


_STATES: Final[Mapping[Verdict, JobState | None]] = {
    verdict: None if verdict is Verdict.LOST else JobState(verdict.value) for verdict in Verdict
}
_PLAIN: Final = frozenset({JobState.SUCCEEDED, JobState.CANCELLED, None})


class Arrived(Struct, frozen=True, gc=False):
    """An outcome, and who said it about which job."""

    session: Session
    ended: Ended
    job: Claimed

    @property
    def is_plain(self) -> bool:
        """Return whether the end of an attempt leaves no fact on the stream."""
        job = self.job
        if job.spec.limits is not None or job.followed:
            return False
        return self.ended.ending.verdict in _PLAIN


class Inbox:
    """What arrived since the last turn."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.ended: list[Arrived] = []
        self.begun: list[tuple[Begun, Claimed]] = []
        self._beats: dict[str, Beat] = {}

    def beat(self, beat: Beat) -> None:
        """Keep the latest sign of life of each worker."""
        self._beats[beat.worker_id] = beat

    def take(self, limit: int) -> list[Arrived]:
        """Return and forget up to `limit` outcomes, the first ones first."""
        taken, self.ended = self.ended[:limit], self.ended[limit:]
        return taken

    def put_back(self, ended: Sequence[Arrived]) -> None:
        """Keep outcomes for the next turn that this one could not record."""
        self.ended[:0] = ended

    def take_beats(self) -> list[Beat]:
        """Return and forget the signs of life."""
        beats, self._beats = list(self._beats.values()), {}
        return beats


class Reception:
    """The sessions of one dispatcher."""

    signals: Signals
    clock: Clock
    is_secret: Callable[[str], bool]
    functions: FunctionService | None = None
    token_of: Callable[[Claimed, Instant | None], str]

    def __init__(
        self, options: DispatcherOptions, dispatching: Dispatching, logs: LogWriter, inbox: Inbox
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self.deaf_at: float | None = None
        """When there were workers last that this process had no way to hear."""
        self._names: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._options = options
        self._dispatching = dispatching
        self._logs = logs
        self._inbox = inbox
        self._stored: Mapping[str, Any] = {}

    def tell_settings(self, values: Mapping[str, Any]) -> None:
        """Tell every worker, now and later, what is stored of the installation's settings."""
        self._stored = values
        for session in self.sessions.values():
            session.tell_settings(values)

    def renew(self, connections: Collection[DispatcherConnection] | None) -> None:
        """Renew the leases of workers that cannot be heard through no fault of their own.

        None stands for workers that this process has not met yet.
        """
        if connections is None:
            self.deaf_at = self.clock.monotonic()
            return
        for session in self.sessions.values():
            if session.connection in connections:
                self._inbox.beat(Beat(session.worker_id, session.generation, 0))

    async def serve(self, connection: DispatcherConnection) -> None:
        """Talk with one worker of this machine until its connection ends."""
        with suppress(NotAdmitted):
            await self.receive(connection, by_secret(self.is_secret))

    async def receive(self, connection: DispatcherConnection, admit: Admit) -> None:
        """Talk with one worker until its connection ends; raises `NotAdmitted` after telling it."""
        hello = await self._hello(connection)
        try:
            hello, rights = await admit(hello)
            # Of two that come under one name at once, the second has to meet the first.
            async with self._names.setdefault(hello.worker_id, asyncio.Lock()):
                await self._check(hello)
                connection.widen()
                session = await self._welcome(connection, hello, rights)
        except NotAdmitted as refused:
            self.signals.figures.refused += 1
            # Nobody has looked at a stranger's name: it may be of any length.
            name = hello.worker_id[:name_chars_max]
            log.warning("dispatcher.worker.refused", worker_id=name, reason=str(refused))
            await connection.send(Refused(reason=str(refused)), seconds_max=refusal_seconds_max)
            raise
        log.info("dispatcher.worker.connected", worker_id=session.worker_id, slots=session.slots)
        try:
            await self._listen(session)
        finally:
            if self.sessions.get(session.worker_id) is session:
                del self.sessions[session.worker_id]
            log.info("dispatcher.worker.gone", worker_id=session.worker_id, held=len(session.held))
            if connection.sent_away or (session.draining and not session.held):
                await self._dispatching.leave(session.worker_id, session.generation)
            await self._take_strays(session)

    def tell_rescued(self, jobs: Sequence[Job]) -> None:
        """Tell everybody of jobs that were taken from a lost worker."""
        for job in jobs:
            log.warning("dispatcher.job.rescued", state=job.state, **job_fields(job))
            self.signals.figures.rescued += 1
            self.signals.breakdown.of(job).rescues += 1
            self.signals.changed(job)

    async def _take_strays(self, session: Session) -> None:
        """Put back what was claimed here for a worker that was back at another dispatcher."""
        try:
            strays = await self._dispatching.rescue_strays(session.worker_id, session.generation)
        except TidemillError as error:
            log.warning("dispatcher.strays.not_taken", reason=str(error))
            return
        self.tell_rescued(strays)
        if strays:
            self._inbox.wake.set()

    async def _hello(self, connection: DispatcherConnection) -> Hello:
        try:
            async with asyncio.timeout(hello_seconds_max):
                hello = await connection.receive()
        except TimeoutError:
            raise ConnectionLost("The worker said nothing.") from None
        if not isinstance(hello, Hello):
            connection.abort("The first message must be Hello.")
            raise ConnectionLost("The worker did not say Hello.")
        return hello

    async def _check(self, hello: Hello) -> None:
        if hello.version != protocol_version:
            raise NotAdmitted(
                f"This dispatcher speaks version {protocol_version} of the protocol, the worker "
                f"version {hello.version}. Install the same release of Tidemill on both."
            )
        if not 0 < len(hello.worker_id) <= name_chars_max or not 0 < hello.slots <= slots_max:
            raise NotAdmitted(f"A worker has a name and 1 to {slots_max} slots.")
        wrong = wrong_with(hello)
        if wrong is not None:
            raise NotAdmitted(wrong)
        if not await self._predecessor_gone(hello.worker_id):
            raise named_twice(hello.worker_id)

    async def _predecessor_gone(self, worker_id: str) -> bool:
        """Wait a moment for the end of the worker's own last connection to be seen."""
        predecessor = self.sessions.get(worker_id)
        if predecessor is None:
            return True
        try:
            async with asyncio.timeout(predecessor_seconds_max):
                await predecessor.connection.wait_closed()
        except TimeoutError:
            if not predecessor.is_silent(self._options.heartbeat_seconds):
                return False
            # Its machine, or the way to it, went away without a word.
            predecessor.connection.abort("The worker has come back on another connection.")
        self.sessions.pop(worker_id, None)
        return True

    async def _welcome(
        self, connection: DispatcherConnection, hello: Hello, rights: Rights
    ) -> Session:
        registration = Registration(
            id=hello.worker_id,
            host=hello.host,
            slots=hello.slots,
            tags=hello.tags,
            isolations=lanes_of(hello),
            machine=machine_of(hello),
            functions=tuple(function.name for function in hello.functions),
            process=hello.process,
        )
        if self.functions is not None:
            check_functions(hello.functions)
        holding = {held.job_id: held.epoch for held in (*hello.holding, *hello.unacknowledged)}
        registered = await self._dispatching.register(
            registration,
            holding,
            tenants=rights.tenants,
            alive_seconds=self._options.lease_seconds,
        )
        if self.functions is not None:
            # Not before: who is sent away must not change what is called of others.
            await self.functions.keep(hello.functions, tags=rights.tags)
        session = Session(connection, hello, registered.generation, rights)
        session.keep(registered.kept)
        session.drained = registered.drained
        await connection.send(
            Welcome(
                generation=registered.generation,
                lease_seconds=self._options.lease_seconds,
                heartbeat_seconds=self._options.heartbeat_seconds,
                api_url=self._options.api_url,
                keep=tuple(Held(job.id, job.epoch) for job in registered.kept),
            )
        )
        self.sessions[session.worker_id] = session
        session.tell_settings(self._stored)
        for job in registered.rescued:
            self.signals.changed(job)
        for job in registered.kept:
            if job.cancel_requested_at is not None:
                session.cancel(job.id, job.epoch)
        self._inbox.wake.set()
        return session

    async def _listen(self, session: Session) -> None:
        while True:
            # A worker repeats as much of a log as it had credit for: what is not written yet.
            batch = await session.connection.receive_batch(
                messages_per_batch_max, holding=Channel.LOGS
            )
            session.heard_at = asyncio.get_running_loop().time()
            if session.rights.is_foreign:
                now, bytes_max = self.clock.now(), self._options.result_bytes_max
                batch = [bounded(one, now=now, result_bytes_max=bytes_max) for one in batch]
            for message in batch:
                self._hear(session, message)

    def _hear(self, session: Session, message: FromWorker) -> None:
        match message:
            case LogChunk():
                self._hear_log(session, message)
            case Started():
                self._hear_start(session, message)
            case Outcome():
                self._hear_outcomes(session, (message,))
            case Outcomes():
                self._hear_outcomes(session, message.jobs)
            case Heartbeat():
                beat = Beat(session.worker_id, session.generation, message.resident_bytes)
                self._inbox.beat(beat)
            case Draining():
                session.draining = True
            case TokenWanted():
                job = session.holds(message.job_id, message.epoch)
                token = "" if job is None else self.token_of(job, session.began_at(job))
                session.tell_token(message, token)
            case _:
                session.connection.abort("A worker says Hello once.")

    def _hear_log(self, session: Session, chunk: LogChunk) -> None:
        job = session.holds(chunk.job_id, chunk.epoch)
        if job is None or chunk.offset < 0:
            session.connection.release(Channel.LOGS)
            return
        self._logs.append(
            job, chunk.offset, chunk.data, partial(session.connection.release, Channel.LOGS)
        )
        if self._logs.full:
            session.connection.pause(Channel.LOGS)
            self._logs.when_drained(lambda: session.connection.resume(Channel.LOGS))

    def _hear_start(self, session: Session, started: Started) -> None:
        job = session.begins(started.job_id, started.epoch, now=self.clock.now())
        if job is not None:
            self.signals.breakdown.of(job).began(job.due_at, started.started_at)
            begun = Begun(job.tenant_id, job.id, job.epoch, started.started_at)
            self._inbox.begun.append((begun, job))
            self._inbox.wake.set()

    def _hear_outcomes(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        held, ended, breakdown = session.held, self._inbox.ended, self.signals.breakdown
        fenced: list[Held] = []
        spec: Spec | None = None
        for outcome in outcomes:
            job = held.get(outcome.job_id)
            if job is None or job.epoch != outcome.epoch:
                fenced.append(Held(outcome.job_id, outcome.epoch))
                continue
            del held[job.id]
            lost = outcome.verdict is Verdict.LOST
            session.ran(None if lost else outcome.finished_at - outcome.started_at)
            if job.spec is not spec:
                spec, row = job.spec, breakdown.of(job)
            if not lost and not session.has_begun(job):
                row.began(job.due_at, outcome.started_at)
            row.ended(outcome.started_at, outcome.finished_at)
            end = Ended(job.tenant_id, job.id, job.epoch, ending_of(outcome), job.position)
            ended.append(Arrived(session, end, job))
        if fenced:
            # Their jobs were finished, or given to somebody else: nobody waits for this any more.
            self.signals.figures.fenced += len(fenced)
            session.taken(fenced)
        if len(fenced) < len(outcomes):
            self._inbox.wake.set()


def ending_of(outcome: Outcome) -> Ending:
    """Return an outcome in the words of the queue."""
    return Ending(
        verdict=_STATES[outcome.verdict],
        started_at=Instant(outcome.started_at),
        finished_at=Instant(outcome.finished_at),
        result=None if outcome.result is None else outcome.result.decode(errors="replace"),
        error=None if outcome.error is None else to_json(outcome.error),
        peak_memory_bytes=outcome.peak_memory_bytes,
        cpu_microseconds=outcome.cpu_microseconds,
        retriable=outcome.retriable,
        retry_seconds=outcome.retry_seconds,
    )
