"""Where state lies and how processes reach each other."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from tidemill.core.config import checks
from tidemill.core.config.about import SECRET, About, key


class Placement(StrEnum):
    """Where a new tenant's tables lie on PostgreSQL."""

    SCHEMA = "schema"
    POOL = "pool"


class Synchronous(StrEnum):
    """What a commit on SQLite survives."""

    FULL = "full"
    NORMAL = "normal"


class BusKind(StrEnum):
    """What carries facts between processes."""

    AUTO = "auto"
    MEMORY = "memory"
    NATS = "nats"
    AMQP = "amqp"
    POSTGRES = "postgres"


class Database(Struct, frozen=True, kw_only=True):
    """The stores: SQLite in the data directory, or PostgreSQL."""

    url: Annotated[
        str,
        key(
            "PostgreSQL as postgresql://USER:PASSWORD@HOST/DATABASE; empty means SQLite in "
            "server.data_dir.",
            About(url=True, check=checks.url("postgresql", "postgres")),
        ),
    ] = ""
    max_connections: Annotated[
        int, key("Connections to PostgreSQL that one process opens.", ge=2, le=1000)
    ] = 10
    statement_seconds_max: Annotated[
        int, key("How long one statement may run on PostgreSQL.", ge=1, le=3600)
    ] = 30
    placement: Annotated[
        Placement,
        key("On PostgreSQL: a schema for each new tenant, or one shared by many."),
    ] = Placement.SCHEMA
    schemas_per_database_max: Annotated[
        int, key("Tenants with a schema of their own in one PostgreSQL database.", ge=1, le=5000)
    ] = 500
    sqlite_writer_threads: Annotated[
        int, key("Threads that write tenants' SQLite files.", ge=1, le=64)
    ] = 4
    sqlite_reader_threads: Annotated[int, key("Threads that read SQLite.", ge=1, le=64)] = 4
    sqlite_open_files_max: Annotated[
        int, key("Tenants' SQLite files kept open at once.", ge=4, le=10_000)
    ] = 64
    sqlite_synchronous: Annotated[
        Synchronous,
        key("full survives a power failure; normal is faster and may then lose last commits."),
    ] = Synchronous.FULL


class MessageQueue(Struct, frozen=True, kw_only=True):
    """The broker between dispatcher and workers, which is the event bus, too."""

    url: Annotated[
        str,
        key(
            "RabbitMQ as amqp://… or NATS JetStream as nats://…, over TLS amqps://… or tls://…; "
            "empty means none.",
            About(url=True, check=checks.url("amqp", "amqps", "nats", "tls")),
        ),
    ] = ""
    tls_ca_file: Annotated[
        str,
        key(
            "Authorities that the broker's certificate is trusted by; empty means those of the "
            "machine."
        ),
    ] = ""
    tls_certificate_file: Annotated[
        str, key("Certificate that is shown to the broker; empty means none.")
    ] = ""
    tls_key_file: Annotated[str, key("Private key of message_queue.tls_certificate_file.")] = ""
    carries_jobs: Annotated[
        bool,
        key(
            "Whether workers take their jobs from this broker; the dispatcher's own socket stays "
            "open beside it."
        ),
    ] = False
    worker_tokens: Annotated[
        bool,
        key("Whether workers that come through this broker have to show a worker token."),
    ] = False
    task_queue: Annotated[
        str,
        key(
            "Begin of the names of the queues that carry work, one for each worker.",
            About(check=checks.queue_name),
        ),
    ] = "tasks"
    status_queue: Annotated[
        str,
        key("Name of the queue that carries outcomes back.", About(check=checks.queue_name)),
    ] = "status_updates"


class Redis(Struct, frozen=True, kw_only=True):
    """Rate limits shared by several API processes."""

    url: Annotated[
        str,
        key(
            "Redis as redis://…; empty means that each process counts by itself.",
            About(url=True, check=checks.url("redis", "rediss", "unix")),
        ),
    ] = ""
    answer_ms_max: Annotated[
        int,
        key("How long an answer may take before this process counts by itself.", ge=1, le=10_000),
    ] = 100


class Blobs(Struct, frozen=True, kw_only=True):
    """Where the bytes of files lie."""

    url: Annotated[
        str,
        key(
            "S3, or what speaks like it, as s3://BUCKET/PREFIX; empty means files in "
            "server.data_dir.",
            About(check=checks.url("s3")),
        ),
    ] = ""
    s3_endpoint: Annotated[
        str,
        key(
            "Address of what speaks like S3, such as https://minio.lan:9000; empty means Amazon.",
            About(check=checks.url("http", "https")),
        ),
    ] = ""
    s3_region: Annotated[
        str, key("Region of the bucket.", About(check=checks.not_empty), max_length=64)
    ] = "us-east-1"
    s3_access_key: Annotated[
        str,
        key("Id of the key for the bucket; empty means what the machine is given.", SECRET),
    ] = ""
    s3_secret_key: Annotated[str, key("Secret of blobs.s3_access_key.", SECRET)] = ""


class Events(Struct, frozen=True, kw_only=True):
    """The event stream and its live followers."""

    bus: Annotated[
        BusKind,
        key(
            "What carries facts between processes; auto takes message_queue.url, else PostgreSQL, "
            "else the process itself."
        ),
    ] = BusKind.AUTO
    bus_prefix: Annotated[
        str,
        key(
            "First word of every subject, exchange and channel on the bus; installations that "
            "share a broker need one each.",
            About(check=checks.token),
        ),
    ] = "tidemill"
    connections_max: Annotated[
        int,
        key(
            "Open WebSockets and event streams of one process; as many requests again may wait for "
            "jobs, or follow what they print.",
            ge=1,
            le=100_000,
        ),
    ] = 5000
    connections_per_tenant_max: Annotated[
        int, key("Of these, how many one tenant may have.", ge=1, le=100_000)
    ] = 2500
    connections_per_actor_max: Annotated[
        int, key("Of these, how many one user, token or job may have.", ge=1, le=100_000)
    ] = 250
    replays_per_minute: Annotated[
        int,
        key(
            "How often one user, token or job may ask for what happened before it came.",
            ge=1,
            le=1_000_000,
        ),
    ] = 600
    queued_frames_max: Annotated[
        int, key("Frames that wait for a slow reader before it is told to resync.", ge=8, le=10_000)
    ] = 256
    heartbeat_seconds: Annotated[
        int, key("Time between heartbeats on an idle connection.", ge=1, le=300)
    ] = 15
    ticket_seconds: Annotated[
        int, key("How long a WebSocket ticket can be used.", ge=5, le=600)
    ] = 30
    outbox_days: Annotated[int, key("How long delivered facts can be sent again.", ge=1, le=90)] = 7


class Audit(Struct, frozen=True, kw_only=True):
    """The audit log."""

    chain_key: Annotated[
        str,
        key(
            "Key of the audit chain, at least 32 characters; empty means one that is made once "
            "and kept in server.data_dir.",
            SECRET,
        ),
    ] = ""
    retention_days: Annotated[
        int, key("How long bodies of audit lines are kept; 0 means for ever.", ge=0, le=36_500)
    ] = 0


class Secrets(Struct, frozen=True, kw_only=True):
    """How the values of secrets are kept."""

    master_key: Annotated[
        str,
        key(
            "Key that seals the keys of tenants' secrets, at least 32 characters; empty means one "
            "that is made once and kept in server.data_dir.",
            SECRET,
        ),
    ] = ""
    master_key_previous: Annotated[
        str,
        key(
            "The master key before this one, until `tidemill secrets rotate` has run in every "
            "tenant.",
            SECRET,
        ),
    ] = ""
