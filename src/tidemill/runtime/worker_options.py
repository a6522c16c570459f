"""From the configuration to what a worker starts with."""

from __future__ import annotations

import socket
from pathlib import Path

from tidemill.core.config import Config, ConfigRefused
from tidemill.core.config.checks import dispatcher_place
from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.execution.isolation.warm import WarmLimits
from tidemill.jobs.execution.worker.machine import machine_cpu, machine_memory_mib
from tidemill.jobs.execution.worker.options import Remote, WorkerOptions
from tidemill.jobs.protocol.tls import TlsTarget


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
        labels=config.worker.labels,
        cpu=config.worker.cpu or machine_cpu(),
        memory_mib=config.worker.memory_mib or machine_memory_mib(),
        zygotes_max=config.sandbox.environments_kept_max,
        zygote_idle_seconds_max=config.sandbox.environment_idle_seconds_max,
        warm=WarmLimits(
            jobs_max=config.sandbox.warm_jobs_max,
            idle_seconds_max=config.sandbox.warm_idle_seconds_max,
            processes_max=config.sandbox.warm_processes_max,
        ),
        niceness=config.worker.nice,
        drain_seconds_max=config.worker.stop_seconds_max,
        own_memory_mib_max=config.worker.memory_mib_max,
        machine=machine_of(config),
        remote=_remote(config),
    )


def _remote(config: Config) -> Remote | None:
    worker = config.worker
    if not worker.connect:
        return None
    for field in ("token_file", "tls_ca_file", "tls_certificate_file", "tls_key_file"):
        if name := getattr(worker, field):
            check_readable(field, Path(name))
    host, port = dispatcher_place(worker.connect)
    target = TlsTarget(
        host=host,
        port=port,
        ca_file=worker.tls_ca_file,
        certificate_file=worker.tls_certificate_file,
        key_file=worker.tls_key_file,
    )
    return Remote(target=target, token_file=Path(worker.token_file), api_url=worker.api_url)


def check_readable(field: str, path: Path) -> None:
    """Raise `ConfigRefused` when the file that `worker.FIELD` names cannot be read."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        problem = f"worker.{field} {path} cannot be read: {error.strerror}."
        raise ConfigRefused([problem]) from error


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
        rows_shared=not (config.worker.connect or config.message_queue.carries_jobs),
        containers=executors.containers,
        wheels_directory=executors.wheels_directory,
        offline=executors.offline,
        source_builds=executors.source_builds,
        build_seconds_max=executors.build_seconds_max,
    )
