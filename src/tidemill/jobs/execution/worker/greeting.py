"""How a worker introduces itself to a dispatcher, and stays known there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from tidemill.jobs.execution.worker.memory import resident_bytes
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import (
    Heartbeat,
    Held,
    Hello,
    Isolation,
    Refused,
    RegisteredFunction,
    Welcome,
    protocol_version,
)

welcome_seconds_max: Final = 15.0
refused_seconds: Final = 5.0

log = structlog.get_logger("tidemill.jobs.execution.worker")


def introduction(
    options: WorkerOptions,
    secret: str,
    *,
    isolations: tuple[Isolation, ...] = (),
    functions: tuple[RegisteredFunction, ...],
    holding: Iterable[Held],
    unacknowledged: Iterable[Held],
) -> Hello:
    """Return what a worker says first: what it can run, what it runs, and what it has not told."""
    return Hello(
        version=protocol_version,
        worker_id=options.worker_id,
        secret=secret,
        host=socket.gethostname(),
        slots=options.slots,
        ahead=options.ahead_max,
        tags=options.tags,
        labels=options.labels,
        cpu=options.cpu,
        memory_mib=options.memory_mib,
        isolations=isolations,
        holding=tuple(holding),
        unacknowledged=tuple(unacknowledged),
        functions=functions,
        process=options.process,
    )


async def greet(connection: WorkerConnection, hello: Hello) -> Welcome | None:
    """Say `hello`; return the welcome, or None after a while when the dispatcher refuses.

    Raises `ConnectionLost`.
    """
    await connection.send(hello)
    try:
        async with asyncio.timeout(welcome_seconds_max):
            answer = await connection.receive()
    except TimeoutError:
        raise ConnectionLost("The dispatcher did not answer the greeting.") from None
    if isinstance(answer, Welcome):
        return answer
    if isinstance(answer, Refused):
        log.error("worker.refused", reason=answer.reason)
        await asyncio.sleep(refused_seconds)
    return None


async def beat(
    connection: WorkerConnection, welcome: Welcome, free_slots: Callable[[], int]
) -> None:
    """Give signs of life until the connection ends."""
    while True:
        sign = Heartbeat(free_slots=free_slots(), resident_bytes=resident_bytes())
        try:
            await connection.send(sign, seconds_max=welcome.lease_seconds)
        except ConnectionLost:
            return
        await asyncio.sleep(welcome.heartbeat_seconds)
