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
from tidemill.core.operators import OPERATORS
from tidemill.core.sealing import SEALING
from tidemill.events import FOLDER_VISIBILITY
from tidemill.http.authentication import AUTHENTICATOR, still_valid_by
from tidemill.identity import IDENTITY, JOB_LIVENESS, JOB_TOKENS
from tidemill.jobs.announcing import Announcer, hear
from tidemill.jobs.code.functions.routes import ROUTES as FUNCTION_ROUTES
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.code.resources.admitting.service import ReferenceAdmission
from tidemill.jobs.code.resources.routes import ROUTES as RESOURCE_ROUTES
from tidemill.jobs.code.resources.service import ResourceService, ResourceTypeService
from tidemill.jobs.code.scripts.routes import ROUTES as SCRIPT_ROUTES
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.code.variables.routes import ROUTES as VARIABLE_ROUTES
from tidemill.jobs.code.variables.sealing import MasterKeys
from tidemill.jobs.code.variables.service import Values, VariableService
from tidemill.jobs.contract import JOBS, WORK_ITEM_LINKS
from tidemill.jobs.dispatching.brokers.doors import broker_checks, broker_doors
from tidemill.jobs.dispatching.dispatcher.assignments import Assignments
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher, Peers
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.references import References
from tidemill.jobs.dispatching.dispatcher.remote import doors_of
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.tending import Tending
from tidemill.jobs.execution.packages.pinning import pin_by
from tidemill.jobs.execution.packages.uv import PackageSource
from tidemill.jobs.figures import figures_of
from tidemill.jobs.folders.routes import ROUTES as FOLDER_ROUTES
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.folders.visibility import FolderVisibility
from tidemill.jobs.permissions import PERMISSIONS
from tidemill.jobs.queueing.queue.limits import LimitsFor, QueueLimits
from tidemill.jobs.queueing.queue.models import RetryPolicy
from tidemill.jobs.queueing.queue.preparing import Starters
from tidemill.jobs.queueing.queue.routes import ROUTES as JOB_ROUTES
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.queue.waits import WaitLimits, Waits
from tidemill.jobs.queueing.strategies.routes import ROUTES as STRATEGY_ROUTES
from tidemill.jobs.queueing.strategies.service import Door, StrategyService
from tidemill.jobs.queueing.workers.routes import ROUTES as WORKER_ROUTES
from tidemill.jobs.queueing.workers.service import WorkerService
from tidemill.jobs.records.assembly import ROUTES as SPEAKING_ROUTES
from tidemill.jobs.records.assembly import speaking
from tidemill.jobs.records.logs.files import LogFiles
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter
from tidemill.jobs.scheduling.assembly import ROUTES as SCHEDULE_ROUTES
from tidemill.jobs.scheduling.assembly import Schedules
from tidemill.jobs.steering.assembly import ROUTES as CONTROL_ROUTES
from tidemill.jobs.steering.assembly import Control
from tidemill.settings import SETTINGS, Settings

count_seconds: Final = 15.0
log_spare_bytes: Final = 64 * 1024
"""What a log may be longer than its limit, for the worker's own last line."""


def worker_directory(config: Config) -> Path:
    """Return the directory of the socket between dispatcher and workers."""
    return Path(config.server.data_dir) / "run" / "dispatcher"


_ROUTES: Final = (
    *SCRIPT_ROUTES,
    *SPEAKING_ROUTES,
    *JOB_ROUTES,
    *CONTROL_ROUTES,
    *WORKER_ROUTES,
    *FUNCTION_ROUTES,
    *STRATEGY_ROUTES,
    *SCHEDULE_ROUTES,
    *FOLDER_ROUTES,
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
    signals = Signals(parts.live, in_order=not config.database.url)
    scripts = ScriptService(
        parts.tenants,
        bytes_max=config.jobs.script_bytes_max,
        pin=pin_by(_package_source(config)),
        clock=parts.clock,
    )
    workers = WorkerService(parts.jobs, parts.clock, lease_seconds=config.lease_seconds)
    functions = FunctionService(parts.jobs)
    folders = FolderService(parts.tenants, parts.clock, parts.late(IDENTITY))
    values = Values(MasterKeys(config.secrets))
    jobs = _queue(parts, signals, (scripts, folders, values), workers, functions)
    sees = FolderVisibility(folders)
    files = LogFiles(
        Path(config.server.data_dir) / "logs" / "jobs",
        bytes_max=config.jobs.log_bytes_max + log_spare_bytes,
    )
    arrivals = LogArrivals()
    schedules = Schedules(parts, jobs, scripts, folders)
    variables, resources = _values(parts, values, schedules)
    references = References(resources, parts.late(IDENTITY), parts.late(JOB_TOKENS))
    dispatch = _dispatch(
        parts, signals, (scripts, references, folders), schedules, (arrivals, files)
    )
    return Offer(
        routes=_ROUTES,
        dependencies={
            "scripts": scripts,
            "jobs": jobs,
            "folders": folders,
            **speaking(parts, jobs, folders, files, arrivals),
            "workers": workers,
            "functions": functions,
            "strategies": StrategyService(parts.jobs, parts.get(OPERATORS), parts.late(IDENTITY)),
            "variables": variables,
            "resources": resources,
            "resource_types": ResourceTypeService(parts.tenants),
            **Control(parts, jobs, signals, folders, door=_door(parts)).dependencies,
            **schedules.dependencies,
        },
        provides={JOBS: jobs, JOB_LIVENESS: jobs, FOLDER_VISIBILITY: sees, SEALING: values},
        services=dispatch.services,
        reactions=schedules.reactions,
        permissions=PERMISSIONS,
        periodic=dispatch.periodic,
        figures=(
            *figures_of(signals.figures, parts.clock.now),
            *signals.breakdown.figures(parts.clock.now),
        ),
        checks=(HealthCheck(name="workers", ask=workers.check), *dispatch.checks),
        end_waits=(signals.end_waits, arrivals.end_waits),
    )


def _queue(
    parts: Parts,
    signals: Signals,
    needs: tuple[ScriptService, FolderService, Values],
    workers: WorkerService,
    functions: FunctionService,
) -> JobService:
    scripts, folders, values = needs
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
        folders=folders,
        door=_door(parts),
        references=ReferenceAdmission(parts.tenants, values).check,
        starters=_starters(parts),
        waits=_waits(parts),
    )


def _waits(parts: Parts) -> Waits:
    events = parts.config.events
    limits = WaitLimits(
        all_max=events.connections_max,
        per_tenant_max=events.connections_per_tenant_max,
        per_actor_max=events.connections_per_actor_max,
    )
    return Waits(still_valid_by(parts.late(AUTHENTICATOR)), limits)


def _starters(parts: Parts) -> Starters:
    tokens = parts.late(JOB_TOKENS)

    async def check(actor: Actor) -> None:
        if (found := tokens()) is not None:
            await found.check_starter(actor)

    return check


def _values(
    parts: Parts, values: Values, schedules: Schedules
) -> tuple[VariableService, ResourceService]:
    variables = VariableService(parts.tenants, values)
    resources = ResourceService(parts.tenants, values)
    for named in (variables, resources):
        named.on_delete(schedules.referring)
    return variables, resources


def _door(parts: Parts) -> Door:
    config = parts.config
    tags = (_limits(config).tag_default, *config.worker.tags)
    return Door(parts.jobs, parts.clock, tags)


def _dispatch(
    parts: Parts,
    signals: Signals,
    needs: tuple[ScriptService, References, FolderService],
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
            *broker_checks(parts),
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
    needs: tuple[ScriptService, References, FolderService],
    writer: LogWriter,
    logs: tuple[LogArrivals, LogFiles],
) -> tuple[Dispatcher, Tending]:
    config = parts.config
    # Two starts of one process must not be taken for the same leader.
    options = _options(config, f"{socket.gethostname()}:{os.getpid()}:{parts.clock.now()}")
    policy = RetryPolicy(
        seconds_min=config.jobs.retry_seconds_min, seconds_max=config.jobs.retry_seconds_max
    )
    dispatching = Dispatching(
        parts.jobs,
        policy,
        random.random,
        signals=signals,
        lease_seconds=config.lease_seconds,
        folders=needs[2],
    )
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
            doors=(*doors_of(parts), *broker_doors(parts, lambda: tending.leads)),
        ),
    )
    return dispatcher, tending


def _options(config: Config, holder: str) -> DispatcherOptions:
    return DispatcherOptions(
        directory=worker_directory(config),
        api_url=config.public_url,
        holder=holder,
        lease_seconds=config.lease_seconds,
        heard_by_leader_only=config.message_queue.carries_jobs,
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
            queued_per_tenant_max=await settings.get_for("jobs.queued_per_tenant_max", actor),
            inline_allowed=await settings.get_for("features.inline_jobs", actor),
        )

    return limits_for


MODULE: Final = Module(name="jobs", build=build, requires=(LIVE_UPDATES, SETTINGS, OPERATORS))
