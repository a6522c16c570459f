"""A process with stores and a dispatcher: enqueues what is missing, ends when all have ended.

python -m tests.integration.jobs.process DIRECTORY COUNT CODE
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tidemill.core.actor import system
from tidemill.core.ids import TenantId
from tidemill.infrastructure.database import DatabaseOptions, open_stores
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.dispatching.dispatcher.assignments import Assignments
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher, Peers
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.tending import Tending
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import RetryPolicy
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.workers.service import WorkerService
from tidemill.jobs.records.logs.files import LogFiles
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter
from tidemill.runtime.clock import SystemClock

TENANT = TenantId("crew")


class _Nobody:
    def is_followed(self, tenant_id: TenantId) -> bool:
        return False

    def publish(self, *_: object) -> None:
        """Nobody watches."""


async def run(directory: Path, count: int, code: str) -> None:
    clock = SystemClock()
    stores = await open_stores(DatabaseOptions(data_dir=directory / "data"), clock)
    await stores.tenant_stores.provision(TENANT)
    signals = Signals(_Nobody())
    scripts = ScriptService(stores.tenants, bytes_max=1 << 20)
    workers = WorkerService(stores.jobs, clock, lease_seconds=2)
    limits = QueueLimits(isolation_default="fork", isolations_allowed=("fork",))
    jobs = JobService(
        stores.jobs,
        clock,
        limits,
        scripts=scripts,
        workers=workers,
        signals=signals,
        links=lambda: None,
    )
    options = DispatcherOptions(
        directory=directory / "s",
        api_url="http://127.0.0.1:1",
        holder="process",
        lease_seconds=2,
        heartbeat_seconds=0.3,
        tick_seconds=0.1,
    )
    dispatching = Dispatching(stores.jobs, RetryPolicy(), lambda: 0.5, signals=signals)
    files, arrivals = LogFiles(directory / "logs", bytes_max=1 << 20), LogArrivals()
    dispatcher = Dispatcher(
        options,
        Peers(
            dispatching=dispatching,
            assignments=Assignments(options, scripts, lambda: None),
            signals=signals,
            logs=LogWriter(files, _Nobody(), arrivals),
            arrivals=arrivals,
            tending=Tending(options, dispatching, signals, files, clock),
            clock=clock,
        ),
    )
    await dispatcher.start()
    actor = system("tests", TENANT)
    for number in range(count):
        request = JobRequest(
            id=f"job-{number}", language="python", content=code, args={"number": number}
        )
        job = await jobs.create(request, actor=actor)
        print("accepted", job.public_id, flush=True)
    for number in range(count):
        job = await jobs.get(f"job-{number}", actor=actor)
        while not job.state.final:
            job = await jobs.wait_final(job.id, seconds=5, actor=actor)
        print("ended", job.public_id, job.state, job.result, flush=True)
    await dispatcher.stop()
    await stores.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
