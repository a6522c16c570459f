"""`python -m tidemill.runtime.worker_process …`: runs jobs, and nothing else."""

from __future__ import annotations

# First, since it keeps rich out of structlog, which others import.
from tidemill.runtime.roles import run_role  # isort: skip

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from tidemill.core.config import Config, ConfigRefused
from tidemill.jobs.execution.worker.contract import Functions
from tidemill.jobs.execution.worker.memory import begin_anew
from tidemill.jobs.execution.worker.run import Beside, Way, directly, nothing, run_worker
from tidemill.runtime.collecting import spare_collections
from tidemill.runtime.following import follow_settings
from tidemill.runtime.supervisor import EXIT_NOT_WANTED, EXIT_REFUSED
from tidemill.runtime.worker_options import worker_options
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
    spare_collections()
    worn = run_worker(
        worker_options(config),
        on_settings=adopt,
        functions=functions,
        beside=_beside(config),
        way=_way(config),
    )
    if worn:
        begin_anew()
    return 0


def _beside(config: Config) -> Beside:
    address = config.worker.http_address
    if not address:
        return nothing
    # Imported here, so that a worker without probes stays small.
    from tidemill.runtime.worker_probes import worker_probes  # noqa: PLC0415 - as said

    return partial(worker_probes, address=address)


def _way(config: Config) -> Way:
    if not config.message_queue.carries_jobs:
        return directly
    # Imported here, so that a worker that needs no broker has no driver of one.
    from tidemill.runtime.job_queues import broker_way  # noqa: PLC0415 - as said

    return broker_way(config)


def _make_directories(data: Path) -> None:
    # One by one: those between would be made for everybody to enter.
    try:
        for directory in (data, data / "run", data / "run" / "workers"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = "it is no directory" if isinstance(error, FileExistsError) else error.strerror
        problem = f"server.data_dir {data} cannot be used: {why}."
        raise ConfigRefused([problem]) from error


if __name__ == "__main__":
    _run = partial(work, embedded="--embedded" in sys.argv)
    sys.exit(run_role("worker", sys.argv[1:], _run))
