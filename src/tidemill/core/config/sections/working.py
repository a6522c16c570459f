"""How jobs are handed out and run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from tidemill.core.config import checks
from tidemill.core.config.about import About, Scope, key

_KIB = 1024
_MIB = 1024 * _KIB
_DAY_SECONDS = 86_400

_TENANT = About(live=True, scope=Scope.TENANT)
_QUOTA = About(live=True, scope=Scope.TENANT, quota=True)


class Isolation(StrEnum):
    """How far a job is kept from its surroundings, when the request does not say."""

    SANDBOX = "sandbox"
    FORK = "fork"


class Dispatcher(Struct, frozen=True, kw_only=True):
    """Hands due jobs to workers and records their outcomes."""

    enabled: Annotated[bool, key("Whether this process dispatches jobs.")] = True
    http_address: Annotated[
        str,
        key(
            "Where `tidemill dispatcher` answers /live, /ready and /metrics, such as "
            "127.0.0.1:9464; empty means nowhere.",
            About(check=checks.listen_address),
        ),
    ] = ""
    schedule_interval_seconds: Annotated[
        float,
        key(
            "Longest time between two looks at the queue while nothing is announced.",
            ge=0.1,
            le=3600,
        ),
    ] = 10
    max_concurrent_dispatches: Annotated[
        int, key("Jobs that are with workers of one dispatcher at once.", ge=1, le=100_000)
    ] = 100
    jobs_per_turn_max: Annotated[
        int, key("Jobs handled in one turn before other work gets its time.", ge=1, le=10_000)
    ] = 200
    lease_seconds: Annotated[
        float,
        key(
            "How long a silent worker keeps its jobs; at least three of its heartbeats.",
            ge=1,
            le=3600,
        ),
    ] = 30

    tls_listen: Annotated[
        str,
        key(
            "Where workers of other machines are let in, such as 0.0.0.0:7443; empty means "
            "nowhere.",
            About(check=checks.listen_address),
        ),
    ] = ""
    tls_certificate_file: Annotated[
        str, key("Certificate, with its chain, that those workers are shown.")
    ] = ""
    tls_key_file: Annotated[str, key("Private key of that certificate.")] = ""
    tls_client_ca_file: Annotated[
        str,
        key("Authority of certificates that those workers must show; empty means none is asked."),
    ] = ""


class Worker(Struct, frozen=True, kw_only=True):
    """Executes jobs."""

    enabled: Annotated[bool, key("Whether `tidemill up` starts a worker.")] = True
    connect: Annotated[
        str,
        key(
            "Dispatcher on another machine, such as tls://jobs.example.org:7443; empty means "
            "the one of server.data_dir.",
            About(check=checks.dispatcher_address),
        ),
    ] = ""
    token_file: Annotated[str, key("File with the worker token for worker.connect.")] = ""
    tls_ca_file: Annotated[
        str,
        key(
            "Authorities that worker.connect and the API's https address are trusted by; empty "
            "means those of the machine."
        ),
    ] = ""
    tls_certificate_file: Annotated[
        str, key("Certificate that the worker shows to worker.connect; empty means none.")
    ] = ""
    tls_key_file: Annotated[str, key("Private key of worker.tls_certificate_file.")] = ""
    api_url: Annotated[
        str,
        key(
            "Address of the API for jobs of this worker; empty means the one that the dispatcher "
            "names.",
            About(check=checks.url("http", "https")),
        ),
    ] = ""
    http_address: Annotated[
        str,
        key(
            "Where a worker answers /live, /ready and /metrics, such as 127.0.0.1:9465; empty "
            "means nowhere.",
            About(check=checks.listen_address),
        ),
    ] = ""
    worker_id: Annotated[
        str,
        key("Name of this worker; empty means one made of the host's name.", max_length=100),
    ] = ""
    max_concurrent_tasks: Annotated[
        int, key("Jobs that run at once on one worker.", ge=1, le=1000)
    ] = 5
    heartbeat_interval_seconds: Annotated[
        float, key("Time between heartbeats of a worker.", ge=0.1, le=600)
    ] = 10
    tags: Annotated[
        tuple[str, ...], key("Which jobs this worker takes.", About(check=checks.tags))
    ] = ("default",)
    labels: Annotated[
        tuple[str, ...],
        key("What else jobs may ask of this worker, such as gpu.", About(check=checks.labels)),
    ] = ()
    cpu: Annotated[
        float,
        key(
            "Cores that jobs may ask for on this worker; 0 means those of the machine.",
            ge=0,
            le=4096,
        ),
    ] = 0
    memory_mib: Annotated[
        int,
        key(
            "Memory that jobs may ask for on this worker; 0 means that of the machine.",
            ge=0,
            le=67_108_864,
        ),
    ] = 0
    app: Annotated[
        str,
        key(
            "Module whose @tidemill.job functions this worker runs, such as shop.tasks; empty "
            "means none.",
            max_length=200,
        ),
    ] = ""
    functions_max: Annotated[
        int,
        key("Functions that run at once on a worker of `--app` alone.", ge=1, le=1000),
    ] = 200
    threads_max: Annotated[
        int, key("Synchronous functions that run at once on a worker.", ge=1, le=1000)
    ] = 8
    nice: Annotated[int, key("How far a worker stands back for other processes.", ge=0, le=19)] = 10
    stop_seconds_max: Annotated[
        float, key("How long running jobs may take to finish when a worker stops.", ge=0, le=86_400)
    ] = 30
    memory_mib_max: Annotated[
        int,
        key(
            "Memory in MiB of a worker's own process, its functions included, beyond which it lets "
            "its jobs finish and begins anew; 0 means no bound.",
            ge=0,
            le=1 << 20,
        ),
    ] = 0


class Jobs(Struct, frozen=True, kw_only=True):
    """Limits of jobs and what holds where a request does not say."""

    isolation_default: Annotated[
        Isolation, key("How far jobs are kept apart where the request does not say.")
    ] = Isolation.SANDBOX
    timeout_seconds_default: Annotated[
        int, key("How long a job may run where the request does not say.", _TENANT, ge=1, le=604800)
    ] = 600
    timeout_seconds_max: Annotated[int, key("How long any job may run.", ge=1, le=604_800)] = (
        _DAY_SECONDS
    )
    attempts_default: Annotated[
        int, key("Tries of a job where the request does not say.", _TENANT, ge=1, le=100)
    ] = 1
    retry_seconds_min: Annotated[
        float, key("Wait before the first retry; it doubles with each.", ge=0, le=3600)
    ] = 1
    retry_seconds_max: Annotated[float, key("Longest wait before a retry.", ge=0, le=86_400)] = 3600
    ageing_seconds: Annotated[
        int, key("How much earlier one step of priority counts.", ge=0, le=_DAY_SECONDS)
    ] = 60
    queued_per_tenant_max: Annotated[
        int,
        key(
            "Jobs that one tenant may have waiting; operators set others for a tenant.",
            _QUOTA,
            ge=1,
            le=100_000_000,
        ),
    ] = 1_000_000
    schedules_per_tenant_max: Annotated[
        int,
        key(
            "Schedules that one tenant may have; operators set others for a tenant.",
            _QUOTA,
            ge=1,
            le=1_000_000,
        ),
    ] = 1_000
    args_bytes_max: Annotated[
        int, key("Largest arguments of a job, as JSON.", ge=_KIB, le=4 * _MIB)
    ] = 256 * _KIB
    script_bytes_max: Annotated[int, key("Largest script.", ge=_KIB, le=8 * _MIB)] = _MIB
    result_bytes_max: Annotated[
        int, key("Largest result of a job, as JSON.", ge=_KIB, le=8 * _MIB)
    ] = 2 * _MIB
    log_bytes_max: Annotated[
        int, key("What is kept of one attempt's output.", ge=_KIB, le=1024 * _MIB)
    ] = 16 * _MIB
    history_days: Annotated[int, key("How long finished jobs are kept.", ge=1, le=3650)] = 30


class Sandbox(Struct, frozen=True, kw_only=True):
    """What one job may use."""

    memory_bytes_max: Annotated[
        int, key("Memory of a job and all its processes.", ge=16 * _MIB, le=1 << 40)
    ] = 512 * _MIB
    disk_bytes_max: Annotated[
        int, key("What a job may write to its directories.", ge=_MIB, le=1 << 40)
    ] = 256 * _MIB
    processes_max: Annotated[int, key("Processes and threads of a job.", ge=1, le=10_000)] = 64
    open_files_max: Annotated[int, key("Files a job may hold open.", ge=16, le=100_000)] = 256
    environments_kept_max: Annotated[
        int, key("Prepared environments kept ready for the next job.", ge=0, le=1000)
    ] = 8
    environment_idle_seconds_max: Annotated[
        float, key("How long an unused environment is kept ready.", ge=0, le=_DAY_SECONDS)
    ] = 300
    warm_processes_max: Annotated[
        int, key("Processes that a worker keeps for more jobs of their script.", ge=0, le=1000)
    ] = 8
    warm_jobs_max: Annotated[
        int, key("Jobs that one warm process runs before it is replaced.", ge=1, le=1_000_000)
    ] = 1000
    warm_idle_seconds_max: Annotated[
        float, key("How long a warm process waits for its next job.", ge=0, le=_DAY_SECONDS)
    ] = 60


class Executors(Struct, frozen=True, kw_only=True):
    """How the languages of scripts run."""

    addresses_allowed: Annotated[
        tuple[str, ...],
        key(
            "Networks, addresses or names, with or without a port, that jobs of sql and http may "
            "reach besides public addresses.",
            About(check=checks.reachable),
        ),
    ] = ()
    sql_rows_max: Annotated[
        int,
        key("Rows of a query in its result; beyond that they go to a file.", ge=1, le=1_000_000),
    ] = 1000
    containers: Annotated[
        bool, key("Whether jobs may run containers; an engine is a way past every wall.")
    ] = False
    offline: Annotated[
        bool, key("Whether packages are taken from what is here, never from the network.")
    ] = False
    wheels_directory: Annotated[
        str, key("Directory of wheels that packages are taken from first; empty means none.")
    ] = ""
    source_builds: Annotated[
        bool, key("Whether packages without a wheel are built, which runs their code unguarded.")
    ] = False
    build_seconds_max: Annotated[
        float, key("How long making an environment of packages may take.", ge=1, le=3600)
    ] = 300
