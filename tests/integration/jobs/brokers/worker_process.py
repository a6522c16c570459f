"""A worker behind a broker: `python -m tests.integration.jobs.brokers.worker_process ORDER`.

`ORDER` is JSON. It prints the name of its queue, and drains when it is told to end.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.fixtures.queues import PATIENT, QUICK
from tests.integration.jobs.brokers import effects
from tests.integration.jobs.brokers.unruly import Unruly
from tidemill.core.queues import Queues
from tidemill.infrastructure.queues.factory import QueueOptions, open_queues
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.dispatching.brokers.dialer import BrokerDialer
from tidemill.jobs.dispatching.brokers.options import BrokerOptions
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.service import Worker
from tidemill.jobs.protocol.connection import WorkerConnection

assert effects.__name__  # Imported for what it declares.


class Order(Struct, frozen=True, kw_only=True):
    """What a test wants of a worker; with a seed every packet comes twice."""

    name: str
    directory: str
    broker: QueueOptions
    slots: int = 5
    unruly_seed: int | None = None


async def work(order: Order) -> None:
    names = BrokerOptions(
        task_queue=order.broker.task_queue,
        status_queue=order.broker.status_queue,
        pace=QUICK if order.unruly_seed is None else PATIENT,
    )
    queues: Queues = open_queues(order.broker)
    if order.unruly_seed is not None:
        queues = Unruly(queues, order.unruly_seed)
    dialer = BrokerDialer(queues, names, order.name, slots=order.slots)
    options = WorkerOptions(
        worker_id=order.name,
        socket_directory=Path(order.directory),
        run_directory=Path(order.directory) / order.name,
        slots=order.slots,
    )

    async def connect() -> tuple[WorkerConnection, str]:
        return await dialer.connect(), ""

    functions = Functions(REGISTRY.all(), threads_max=2)
    worker = Worker(options, connect, isolations=(), functions=functions)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.drain)
    sys.stdout.write(f"{dialer.queue}\n")
    sys.stdout.flush()
    await worker.run()
    await dialer.close()


if __name__ == "__main__":
    asyncio.run(work(msgspec.json.decode(sys.argv[1], type=Order)))
