"""`python -m tidemill.runtime.worker_process …`: runs jobs, and nothing else."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from tidemill.core.config import Config, ConfigRefused
from tidemill.jobs.executors.contract import Machine
from tidemill.jobs.isolation.warm import WarmLimits
from tidemill.jobs.worker.contract import Functions
from tidemill.jobs.worker.options import WorkerOptions
from tidemill.jobs.worker.run import Beside, nothing, run_worker
from tidemill.runtime.following import follow_settings
from tidemill.runtime.roles import run_role
from tidemill.runtime.supervisor import EXIT_NOT_WANTED, EXIT_REFUSED
from tidemill.settings.live.models import LiveValues

log = structlog.get_logger(__name__)


def work(config: Config, *, embedded: bool) -> int:
    """Run jobs until SIGTERM; then finish or give back what runs. Return the exit code."""
    if embedded and not config.worker.enabled:
        return EXIT_NOT_WANTED
    _make_directories(Path(config.server.data_dir))
    values = LiveValues(config.layers)
    follow_settings(values)

    def adopt(stored: Mapping[str, Any]) -> None:
        for failure in values.adopt(stored):
            log.error("settings.listener.failed", exc_info=failure)

    functions: Functions | None = None
    if config.worker.app:
        # Imported here, so that a worker of scripts alone stays small.
        from tidemill.runtime.functions import ProgramNotLoaded, functions_of  # noqa: PLC0415 - as said

        try:
            functions = functions_of(config)
        except ProgramNotLoaded as error:
            sys.stderr.write(f"tidemill: worker.app: {error}\n")
            return EXIT_REFUSED
    run_worker(
        worker_options(config), on_settings=adopt, functions=functions, beside=_beside(config)
    )
    return 0


def _beside(config: Config) -> Beside:
    address = config.worker.http_address
    if not address:
        return nothing
    # Imported here, so that a worker without probes stays small.
    from tidemill.runtime.worker_probes import worker_probes  # noqa: PLC0415 - as said

    return partial(worker_probes, address=address)


def _make_directories(data: Path) -> None:
    # One by one: those between would be made for everybody to enter.
    try:
        for directory in (data, data / "run", data / "run" / "workers"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        problem = f"server.data_dir {data} cannot be used: {error.strerror}."
        raise ConfigRefused([problem]) from error


def worker_options(config: Config) -> WorkerOptions:
    """Return the worker's options; its name is that of the machine unless one is set."""
    run = Path(config.server.data_dir) / "run"
    worker_id = config.worker.worker_id or socket.gethostname()
    return WorkerOptions(
        worker_id=worker_id,
        socket_directory=run / "dispatcher",
        run_directory=run / "workers" / worker_id,
        slots=config.worker.max_concurrent_tasks,
        tags=config.worker.tags,
        zygotes_max=config.sandbox.environments_kept_max,
        zygote_idle_seconds_max=config.sandbox.environment_idle_seconds_max,
        warm=WarmLimits(
            jobs_max=config.sandbox.warm_jobs_max,
            idle_seconds_max=config.sandbox.warm_idle_seconds_max,
            processes_max=config.sandbox.warm_processes_max,
        ),
        niceness=config.worker.nice,
        drain_seconds_max=config.worker.stop_seconds_max,
        machine=machine_of(config),
    )


def machine_of(config: Config) -> Machine:
    """Return what executors may use of this machine."""
    # Absolute: behind its walls a job stands in another directory.
    data, executors = Path(config.server.data_dir).absolute(), config.executors
    return Machine(
        files_directory=data / "files",
        cache_directory=data / "cache",
        addresses_allowed=executors.addresses_allowed,
        sql_rows_max=executors.sql_rows_max,
        rows_days=config.jobs.history_days,
        containers=executors.containers,
        wheels_directory=executors.wheels_directory,
        offline=executors.offline,
        source_builds=executors.source_builds,
        build_seconds_max=executors.build_seconds_max,
    )


if __name__ == "__main__":
    _run = partial(work, embedded="--embedded" in sys.argv)
    sys.exit(run_role("worker", sys.argv[1:], _run))
