"""A worker process: `python -m tests.integration.jobs.worker_process SOCKETS RUN [ADDRESS …]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.run import run_worker
from tidemill.jobs.protocol.messages import Isolation

if __name__ == "__main__":
    run_worker(
        WorkerOptions(
            worker_id="worker-1",
            socket_directory=Path(sys.argv[1]),
            run_directory=Path(sys.argv[2]),
            isolations=(Isolation.FORK, Isolation.WARM),
            slots=3,
            niceness=0,
            drain_seconds_max=1.0,
            machine=Machine(
                files_directory=Path(sys.argv[2]) / "files",
                cache_directory=Path(sys.argv[2]) / "cache",
                addresses_allowed=tuple(sys.argv[3:]),
            ),
        )
    )
