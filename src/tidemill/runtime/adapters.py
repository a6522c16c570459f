"""Which adapter fills each port, decided by the configuration alone."""

from __future__ import annotations

from pathlib import Path

from tidemill.core.config import Config
from tidemill.core.config.sections.storing import BusKind
from tidemill.infrastructure.blobs import BlobOptions
from tidemill.infrastructure.brokers.tls import BrokerTls
from tidemill.infrastructure.database import DatabaseOptions
from tidemill.infrastructure.messaging.factory import BusOptions

__all__ = ["DatabaseOptions", "blob_options", "broker_tls", "bus_options", "database_options"]


def database_options(config: Config) -> DatabaseOptions:
    """Return how the stores are opened."""
    database = config.database
    return DatabaseOptions(
        data_dir=Path(config.server.data_dir),
        url=database.url or None,
        placement=database.placement,
        schemas_per_database_max=database.schemas_per_database_max,
        synchronous=database.sqlite_synchronous.upper(),
        tenant_writer_threads=database.sqlite_writer_threads,
        tenant_reader_threads=database.sqlite_reader_threads,
        open_files_max=database.sqlite_open_files_max,
        pool_size_max=database.max_connections,
        statement_timeout_ms=database.statement_seconds_max * 1000,
    )


def blob_options(config: Config) -> BlobOptions:
    """Return where the bytes of files lie."""
    blobs = config.blobs
    return BlobOptions(
        data_dir=Path(config.server.data_dir),
        url=blobs.url,
        endpoint=blobs.s3_endpoint,
        region=blobs.s3_region,
        access_key=blobs.s3_access_key,
        secret_key=blobs.s3_secret_key,
    )


def bus_options(config: Config) -> BusOptions:
    """Return which bus carries facts: the one that is named, else the nearest at hand."""
    return BusOptions(url=_bus_url(config), prefix=config.events.bus_prefix, tls=broker_tls(config))


def broker_tls(config: Config) -> BrokerTls:
    """Return whom to trust as the broker, and what to show it."""
    queue = config.message_queue
    return BrokerTls(
        ca_file=queue.tls_ca_file,
        certificate_file=queue.tls_certificate_file,
        key_file=queue.tls_key_file,
    )


def _bus_url(config: Config) -> str:
    queue, database = config.message_queue.url, config.database.url
    match config.events.bus:
        case BusKind.AUTO:
            return queue or database or "memory"
        case BusKind.POSTGRES:
            return database
        case BusKind.NATS | BusKind.AMQP:
            return queue
        case BusKind.MEMORY:
            return "memory"
