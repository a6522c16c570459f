"""The other side of the protocol, with a test's hand on everything that it says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Draining,
    FromWorker,
    Heartbeat,
    Held,
    Hello,
    Isolation,
    LogChunk,
    Outcome,
    Outcomes,
    OutcomesTaken,
    Refused,
    Started,
    Token,
    TokenWanted,
    ToWorker,
    Verdict,
    Welcome,
)
from tidemill.jobs.protocol.receiving import Windows
from tidemill.jobs.protocol.unix import UnixListener

MEBIBYTE = 1024 * 1024
wait_seconds_max = 60.0


def job(job_id: str, content: str, **fields: Any) -> Assignment:
    """Return an assignment of a script with what a test wants to differ."""
    arguments = fields.pop("arguments", {})
    defaults: dict[str, Any] = {
        "epoch": 1,
        "attempt": 1,
        "tenant_id": "tenant-a",
        "language": "python",
        "content_hash": "hash",
        "isolation": Isolation.FORK,
        "timeout_seconds": 30.0,
        "token": "token-of-" + job_id,
    }
    return Assignment(
        job_id=job_id,
        content=content,
        arguments=msgspec.json.encode(arguments),
        **(defaults | fields),
    )


class Dispatcher:
    """Greets workers, hands out what it is told to, and remembers what it hears."""

    def __init__(self, directory: Path, *, api_url: str = "http://127.0.0.1:9") -> None:
        self.directory = directory
        self.api_url = api_url
        self.acknowledges = True
        self.refusal: str | None = None
        self.keeps: Callable[[Hello], tuple[Held, ...]] = lambda hello: hello.holding
        self.hellos: list[Hello] = []
        self.started: dict[str, list[Started]] = defaultdict(list)
        self.outcomes: dict[str, list[Outcome]] = defaultdict(list)
        self.logs: dict[str, bytearray] = defaultdict(bytearray)
        self.beats: list[Heartbeat] = []
        self.draining = False
        self.connection: DispatcherConnection | None = None
        self._listener: UnixListener | None = None
        self._changed = asyncio.Condition()

    async def start(self, *, windows: Windows | None = None) -> None:
        self._listener = UnixListener(self.directory, self._serve, windows=windows)
        await self._listener.start()

    async def stop(self) -> None:
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None
        self.connection = None

    async def connected(self, hellos: int = 1) -> DispatcherConnection:
        await self.until(lambda: len(self.hellos) >= hellos and self.connection is not None)
        assert self.connection is not None
        return self.connection

    async def assign(self, *jobs: Assignment) -> None:
        await self.say(Assign(jobs=jobs))

    async def cancel(self, job_id: str, *, epoch: int = 1, grace_seconds: float = 0.2) -> None:
        await self.say(Cancel(job_id=job_id, epoch=epoch, grace_seconds=grace_seconds))

    async def say(self, message: ToWorker) -> None:
        connection = await self.connected()
        await connection.send(message)

    async def outcome(self, job_id: str) -> Outcome:
        await self.until(lambda: bool(self.outcomes[job_id]))
        return self.outcomes[job_id][-1]

    async def run(self, assignment: Assignment) -> Outcome:
        await self.assign(assignment)
        return await self.outcome(assignment.job_id)

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(wait_seconds_max), self._changed:
            await self._changed.wait_for(is_true)

    async def _serve(self, connection: DispatcherConnection) -> None:
        assert self._listener is not None
        hello = await connection.receive()
        assert isinstance(hello, Hello)
        if self.refusal is not None or not self._listener.is_secret(hello.secret):
            await connection.send(Refused(reason=self.refusal or "The secret is wrong."))
            return
        await connection.send(
            Welcome(
                generation=len(self.hellos) + 1,
                lease_seconds=2.0,
                heartbeat_seconds=0.1,
                api_url=self.api_url,
                keep=self.keeps(hello),
            )
        )
        self.connection = connection
        self.hellos.append(hello)
        while True:
            await self._tell()
            for message in await connection.receive_batch(100):
                await self._hear(connection, message)

    async def _hear(self, connection: DispatcherConnection, message: FromWorker) -> None:
        if isinstance(message, LogChunk):
            # Where it belongs, so that what is said twice is there once.
            log = self.logs[message.job_id]
            log[message.offset : message.offset + len(message.data)] = message.data
        elif isinstance(message, Started):
            self.started[message.job_id].append(message)
        elif isinstance(message, Heartbeat):
            self.beats.append(message)
        elif isinstance(message, TokenWanted):
            job_id, epoch = message.job_id, message.epoch
            token = f"token-of-{job_id}"
            await connection.send(Token(job_id=job_id, epoch=epoch, token=token))
        elif isinstance(message, Draining):
            self.draining = True
        elif isinstance(message, Outcomes):
            for outcome in message.jobs:
                await self._hear(connection, outcome)
        elif isinstance(message, Outcome):
            self.outcomes[message.job_id].append(message)
            if self.acknowledges:
                await connection.send(OutcomesTaken(jobs=(Held(message.job_id, message.epoch),)))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def succeeded(outcome: Outcome) -> Any:
    """Return the result of a job that must have succeeded."""
    assert outcome.verdict is Verdict.SUCCEEDED, outcome
    return msgspec.json.decode(outcome.result or b"")


async def eventually(is_true: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(wait_seconds_max):
        while not is_true():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.005)
