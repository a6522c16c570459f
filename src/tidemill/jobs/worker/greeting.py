"""How a worker introduces itself to a dispatcher."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Hello, Refused, Welcome

welcome_seconds_max: Final = 15.0
refused_seconds: Final = 5.0

log = structlog.get_logger("tidemill.jobs.worker")


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
