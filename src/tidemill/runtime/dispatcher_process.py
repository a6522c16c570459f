"""`python -m tidemill.runtime.dispatcher_process …`: the dispatcher without an API."""

from __future__ import annotations

# First, since it keeps rich out of structlog, which others import.
from tidemill.runtime.roles import run_role  # isort: skip

import asyncio
import signal
import sys

from msgspec import structs

from tidemill.core.config import Config
from tidemill.infrastructure.observability.probes import probes
from tidemill.runtime.collecting import spare_collections
from tidemill.runtime.configuration import with_kept_secrets
from tidemill.runtime.process import open_process


def run(config: Config) -> None:
    """Dispatch until SIGTERM."""
    dispatcher = structs.replace(config.dispatcher, enabled=True)
    asyncio.run(dispatch(structs.replace(with_kept_secrets(config), dispatcher=dispatcher)))


async def dispatch(config: Config) -> None:
    """Keep the process open until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with (
        open_process(config, role="dispatcher") as process,
        probes(config.dispatcher.http_address, process.health, process.metrics),
    ):
        spare_collections()
        await stopping.wait()


if __name__ == "__main__":
    sys.exit(run_role("dispatcher", sys.argv[1:], run))
