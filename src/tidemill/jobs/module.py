"""Jobs as the runtime sees them."""

from __future__ import annotations

import os
import random
import socket
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from tidemill.core.actor import Actor
from tidemill.core.config import Config
from tidemill.core.module import (
    LIVE_UPDATES,
    HealthCheck,
    Module,
    Offer,
    Parts,
    Periodic,
    Service,
)
from tidemill.http.authentication import AUTHENTICATOR, still_valid_by
from tidemill.identity import IDENTITY, JOB_LIVENESS, JOB_TOKENS
from tidemill.jobs.announcing import Announcer, hear
from tidemill.jobs.contract import JOBS, WORK_ITEM_LINKS
from tidemill.jobs.dispatcher.assignments import Assignments
from tidemill.jobs.dispatcher.dispatcher import Dispatcher, Peers
from tidemill.jobs.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatcher.references import References
from tidemill.jobs.dispatcher.service import Dispatching
from tidemill.jobs.dispatcher.tending import Tending
from tidemill.jobs.figures import figures_of
from tidemill.jobs.functions.routes import ROUTES as FUNCTION_ROUTES
from tidemill.jobs.functions.service import FunctionService
from tidemill.jobs.logs.files import LogFiles
from tidemill.jobs.logs.routes import ROUTES as LOG_ROUTES
from tidemill.jobs.logs.service import LogService
from tidemill.jobs.logs.writing import LogArrivals, LogWriter
from tidemill.jobs.packages.pinning import pin_by
from tidemill.jobs.packages.uv import PackageSource
from tidemill.jobs.permissions import PERMISSIONS
from tidemill.jobs.progress.routes import ROUTES as PROGRESS_ROUTES
from tidemill.jobs.progress.service import ProgressService
from tidemill.jobs.queue.limits import LimitsFor, QueueLimits
from tidemill.jobs.queue.models import RetryPolicy
from tidemill.jobs.queue.routes import ROUTES as JOB_ROUTES
from tidemill.jobs.queue.service import JobService
from tidemill.jobs.queue.signals import Signals
from tidemill.jobs.resources.routes import ROUTES as RESOURCE_ROUTES
from tidemill.jobs.resources.service import ResourceService, ResourceTypeService
from tidemill.jobs.rows.files import RowFiles
from tidemill.jobs.rows.routes import ROUTES as ROW_ROUTES
from tidemill.jobs.rows.service import RowService
from tidemill.jobs.scheduling import ROUTES as SCHEDULE_ROUTES
from tidemill.jobs.scheduling import Schedules
from tidemill.jobs.scripts.routes import ROUTES as SCRIPT_ROUTES
from tidemill.jobs.scripts.service import ScriptService
from tidemill.jobs.states.routes import ROUTES as STATE_ROUTES
from tidemill.jobs.states.service import StateService
from tidemill.jobs.variables.routes import ROUTES as VARIABLE_ROUTES
from tidemill.jobs.variables.sealing import MasterKeys
from tidemill.jobs.variables.service import Values, VariableService
from tidemill.jobs.workers.routes import ROUTES as WORKER_ROUTES
from tidemill.jobs.workers.service import WorkerService
from tidemill.settings import SETTINGS, Settings

count_seconds: Final = 15.0
log_spare_bytes: Final = 64 * 1024
"""What a log may be longer than its limit, for the worker's own last line."""


def worker_directory(config: Config) -> Path:
    """Return the directory of the socket between dispatcher and workers."""
    return Path(config.server.data_dir) / "run" / "dispatcher"


_ROUTES: Final = (
    *SCRIPT_ROUTES,
    *STATE_ROUTES,
    *JOB_ROUTES,
    *PROGRESS_ROUTES,
    *ROW_ROUTES,
    *LOG_ROUTES,
    *WORKER_ROUTES,
    *FUNCTION_ROUTES,
    *SCHEDULE_ROUTES,
    *VARIABLE_ROUTES,
    *RESOURCE_ROUTES,
)


class _Dispatch(Struct, frozen=True, kw_only=True):
    """What hands out jobs and fires schedules; nothing where another process does."""

    services: tuple[Service, ...] = ()
    checks: tuple[HealthCheck, ...] = ()
    periodic: tuple[Periodic, ...] = ()


def build(parts: Parts) -> Offer:
    """Return what jobs offer to a process."""
    config = parts.config
    signals = Signals(parts.live)
    scripts = ScriptService(
        parts.tenants, bytes_max=config.jobs.script_bytes_max, pin=pin_by(_package_source(config))
    )
    workers = WorkerService(parts.jobs, parts.clock, lease_seconds=config.lease_seconds)
    functions = FunctionService(parts.jobs)
    jobs = _queue(parts, signals, scripts, workers, functions)
    files = LogFiles(
        Path(config.server.data_dir) / "logs" / "jobs",
        bytes_max=config.jobs.log_bytes_max + log_spare_bytes,
    )
    arrivals = LogArrivals()
    schedules = Schedules(parts, jobs, scripts)
    values = Values(MasterKeys(config.secrets))
    resources = ResourceService(parts.tenants, values)
    references = References(resources, parts.late(IDENTITY))
    dispatch = _dispatch(parts, signals, (scripts, references), schedules, (arrivals, files))
    return Offer(
        routes=_ROUTES,
        dependencies={
            "scripts": scripts,
            "jobs": jobs,
            "job_logs": LogService(
                files,
                arrivals,
                jobs,
                clock=parts.clock,
                still_valid=still_valid_by(parts.late(AUTHENTICATOR)),
            ),
            "workers": workers,
            "functions": functions,
            "job_progress": ProgressService(
                parts.jobs, jobs, parts.live, parts.clock, history_days=config.jobs.history_days
            ),
            "job_rows": RowService(RowFiles(Path(config.server.data_dir) / "files"), jobs),
            "script_states": StateService(parts.tenants),
            "variables": VariableService(parts.tenants, values),
            "resources": resources,
            "resource_types": ResourceTypeService(parts.tenants),
            **schedules.dependencies,
        },
        provides={JOBS: jobs, JOB_LIVENESS: jobs},
        services=dispatch.services,
        reactions=schedules.reactions,
        permissions=PERMISSIONS,
        periodic=dispatch.periodic,
        figures=figures_of(signals.figures, parts.clock.now),
        checks=(HealthCheck(name="workers", ask=workers.check), *dispatch.checks),
        end_waits=(signals.end_waits, arrivals.end_waits),
    )


def _queue(
    parts: Parts,
    signals: Signals,
    scripts: ScriptService,
    workers: WorkerService,
    functions: FunctionService,
) -> JobService:
    return JobService(
        parts.jobs,
        parts.clock,
        _limits(parts.config),
        scripts=scripts,
        workers=workers,
        signals=signals,
        links=parts.late(WORK_ITEM_LINKS),
        limits_for=_limits_for(parts.config, parts.get(SETTINGS)),
        functions=functions,
    )


def _dispatch(
    parts: Parts,
    signals: Signals,
    needs: tuple[ScriptService, References],
    schedules: Schedules,
    logs: tuple[LogArrivals, LogFiles],
) -> _Dispatch:
    if not parts.config.dispatcher.enabled:
        signals.on_ready(Announcer(parts.bus).announce)
        return _Dispatch()
    parts.bus.on_ephemeral(partial(hear, signals))
    writer = LogWriter(logs[1], parts.live, logs[0])
    dispatcher, tending = _dispatcher(parts, signals, needs, writer, logs)
    parts.get(SETTINGS).on_stored(dispatcher.tell_settings)
    scheduler = schedules.scheduler(leads=lambda: tending.leads)
    parts.bus.on_ephemeral(scheduler.hear)
    count = Periodic(name="jobs.figures", every_seconds=count_seconds, run=dispatcher.count)
    return _Dispatch(
        services=(dispatcher, scheduler),
        checks=(
            HealthCheck(name="dispatcher", ask=dispatcher.check),
            HealthCheck(name="scheduler", ask=scheduler.check),
        ),
        periodic=(count,),
    )


def _package_source(config: Config) -> PackageSource:
    executors = config.executors
    return PackageSource(
        cache_directory=Path(config.server.data_dir) / "cache",
        wheels_directory=executors.wheels_directory,
        offline=executors.offline,
        source_builds=executors.source_builds,
        seconds_max=executors.build_seconds_max,
    )


def _dispatcher(
    parts: Parts,
    signals: Signals,
    needs: tuple[ScriptService, References],
    writer: LogWriter,
    logs: tuple[LogArrivals, LogFiles],
) -> tuple[Dispatcher, Tending]:
    config = parts.config
    # Two starts of one process must not be taken for the same leader.
    options = _options(config, f"{socket.gethostname()}:{os.getpid()}:{parts.clock.now()}")
    policy = RetryPolicy(
        seconds_min=config.jobs.retry_seconds_min, seconds_max=config.jobs.retry_seconds_max
    )
    dispatching = Dispatching(parts.jobs, policy, random.random)
    arrivals, files = logs
    tokens = parts.late(JOB_TOKENS)
    tending = Tending(options, dispatching, signals, files, parts.clock)
    dispatcher = Dispatcher(
        options,
        Peers(
            dispatching=dispatching,
            assignments=Assignments(options, needs[0], tokens, needs[1]),
            signals=signals,
            logs=writer,
            arrivals=arrivals,
            tending=tending,
            clock=parts.clock,
            functions=FunctionService(parts.jobs),
        ),
    )
    return dispatcher, tending


def _options(config: Config, holder: str) -> DispatcherOptions:
    return DispatcherOptions(
        directory=worker_directory(config),
        api_url=config.public_url,
        holder=holder,
        lease_seconds=config.lease_seconds,
        heartbeat_seconds=config.worker.heartbeat_interval_seconds,
        jobs_per_turn_max=config.dispatcher.jobs_per_turn_max,
        dispatched_max=config.dispatcher.max_concurrent_dispatches,
        look_seconds=config.dispatcher.schedule_interval_seconds,
        history_days=config.jobs.history_days,
        memory_bytes_max=config.sandbox.memory_bytes_max,
        disk_bytes_max=config.sandbox.disk_bytes_max,
        processes_max=config.sandbox.processes_max,
        open_files_max=config.sandbox.open_files_max,
        log_bytes_max=config.jobs.log_bytes_max,
        result_bytes_max=config.jobs.result_bytes_max,
    )


def _limits(config: Config) -> QueueLimits:
    default = str(config.jobs.isolation_default)
    return QueueLimits(
        isolation_default=default,
        isolations_allowed=("sandbox", "warm", *(("fork",) if default == "fork" else ())),
        timeout_seconds_default=config.jobs.timeout_seconds_default,
        timeout_seconds_max=config.jobs.timeout_seconds_max,
        attempts_default=config.jobs.attempts_default,
        ageing_seconds=config.jobs.ageing_seconds,
        queued_per_tenant_max=config.jobs.queued_per_tenant_max,
        args_bytes_max=config.jobs.args_bytes_max,
    )


def _limits_for(config: Config, settings: Settings) -> LimitsFor:
    fixed = _limits(config)

    async def limits_for(actor: Actor) -> QueueLimits:
        return structs.replace(
            fixed,
            timeout_seconds_default=await settings.get_for("jobs.timeout_seconds_default", actor),
            attempts_default=await settings.get_for("jobs.attempts_default", actor),
            inline_allowed=await settings.get_for("features.inline_jobs", actor),
        )

    return limits_for


MODULE: Final = Module(name="jobs", build=build, requires=(LIVE_UPDATES, SETTINGS))
