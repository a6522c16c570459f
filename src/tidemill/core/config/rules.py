"""What must hold between keys, and what production demands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from tidemill.core.config.config import Config
from tidemill.core.config.sections.people import JwtAlgorithm
from tidemill.core.config.sections.storing import BusKind

secret_length_min: Final = 32
_DISTINCT_CHARACTERS_MIN: Final = 10
_SAMPLE: Final = re.compile(
    r"change.?me|change.?this|change.?in|example|sample|your[-_ ]|secret|placeholder|default|"
    r"password|insecure|development|test.?key|12345678|abcdefgh|qwerty",
    re.IGNORECASE,
)


def weakness(secret: str) -> str | None:
    """Return why `secret` does not protect production, or None when it may."""
    if len(secret) < secret_length_min:
        return f"has fewer than {secret_length_min} characters"
    if len(set(secret)) < _DISTINCT_CHARACTERS_MIN:
        return "repeats too few characters"
    if _SAMPLE.search(secret):
        return "looks like a sample"
    return None


def problems_of(config: Config) -> Iterator[str]:
    """Yield what is wrong with the values together, each with what to do."""
    yield from _between(config)
    if config.in_production:
        yield from _in_production(config)


def _between(config: Config) -> Iterator[str]:
    jobs = config.jobs
    if jobs.timeout_seconds_default > jobs.timeout_seconds_max:
        yield (
            "jobs.timeout_seconds_default must not be over jobs.timeout_seconds_max "
            f"({jobs.timeout_seconds_max})."
        )
    if jobs.retry_seconds_min > jobs.retry_seconds_max:
        yield "jobs.retry_seconds_min must not be over jobs.retry_seconds_max."
    if bool(config.owner.email) != bool(config.owner.password):
        yield "owner.email and owner.password must be set together."
    yield from _together(
        config.blobs, "blobs.url", needs=(), knows=("s3_endpoint", "s3_access_key")
    )
    if bool(config.blobs.s3_access_key) != bool(config.blobs.s3_secret_key):
        yield "blobs.s3_access_key and blobs.s3_secret_key must be set together."
    yield from _bus(config)
    yield from _broker_over_tls(config)
    yield from _broker_of_jobs(config)
    yield from _remote_workers(config)


def _broker_over_tls(config: Config) -> Iterator[str]:
    queue = config.message_queue
    if bool(queue.tls_certificate_file) != bool(queue.tls_key_file):
        yield "message_queue.tls_certificate_file and tls_key_file must be set together."
    if queue.url.partition("://")[0] in {"amqps", "tls"}:
        return
    for field in ("tls_ca_file", "tls_certificate_file"):
        if getattr(queue, field):
            yield (
                f"message_queue.{field} has no effect without TLS; let message_queue.url be "
                "amqps://… or tls://…, or leave it out."
            )


def _broker_of_jobs(config: Config) -> Iterator[str]:
    queue = config.message_queue
    if queue.task_queue == queue.status_queue:
        yield "message_queue.task_queue and message_queue.status_queue must differ."
    if not queue.carries_jobs:
        if queue.worker_tokens:
            yield "message_queue.worker_tokens has no effect without message_queue.carries_jobs."
        return
    if not queue.url:
        yield "message_queue.carries_jobs needs message_queue.url to be amqp://… or nats://…."
    if config.worker.connect:
        yield "worker.connect and message_queue.carries_jobs are two ways to work; set one."


def _remote_workers(config: Config) -> Iterator[str]:
    dispatcher, worker = config.dispatcher, config.worker
    yield from _together(
        dispatcher,
        "dispatcher.tls_listen",
        needs=("tls_certificate_file", "tls_key_file"),
        knows=("tls_client_ca_file",),
    )
    over_broker = config.message_queue.carries_jobs
    yield from _together(
        worker,
        "worker.connect",
        # Over a broker a token may be shown as well, and need not be.
        needs=() if over_broker else ("token_file",),
        knows=("tls_ca_file", "tls_certificate_file", "api_url"),
    )
    if bool(worker.tls_certificate_file) != bool(worker.tls_key_file):
        yield "worker.tls_certificate_file and worker.tls_key_file must be set together."


def _together(
    section: Struct, switch: str, *, needs: tuple[str, ...], knows: tuple[str, ...]
) -> Iterator[str]:
    """Yield which fields are missing beside `switch`, or have no effect without it."""
    name, _, field = switch.partition(".")
    if getattr(section, field):
        for need in needs:
            if not getattr(section, need):
                yield f"{name}.{need} must be set, since {switch} is."
        return
    for other in (*needs, *knows):
        if getattr(section, other):
            yield f"{name}.{other} has no effect without {switch}; set both or none."


def _bus(config: Config) -> Iterator[str]:
    scheme = config.message_queue.url.partition("://")[0]
    wanted = {
        BusKind.NATS: (scheme in {"nats", "tls"}, "message_queue.url to be nats://…"),
        BusKind.AMQP: (scheme in {"amqp", "amqps"}, "message_queue.url to be amqp://…"),
        BusKind.POSTGRES: (bool(config.database.url), "database.url to be postgresql://…"),
    }
    fits, need = wanted.get(config.events.bus, (True, ""))
    if not fits:
        yield f"events.bus = {config.events.bus} needs {need}."


def _in_production(config: Config) -> Iterator[str]:
    yield from _signing_key(config)
    if config.audit.chain_key and (why := weakness(config.audit.chain_key)):
        yield f"audit.chain_key {why}; production refuses it. {_MAKE_ONE}"
    if config.database.url and not config.audit.chain_key:
        yield (
            "audit.chain_key is not set; on PostgreSQL, where several machines may write the audit "
            f"log, production needs one key for all. {_MAKE_ONE}"
        )
    for name in ("master_key", "master_key_previous"):
        if (given := getattr(config.secrets, name)) and (why := weakness(given)):
            yield f"secrets.{name} {why}; production refuses it. {_MAKE_ONE}"
    if config.database.url and not config.secrets.master_key:
        yield (
            "secrets.master_key is not set; on PostgreSQL, where several machines may read "
            f"secrets, production needs one key for all. {_MAKE_ONE}"
        )
    if config.owner.password and _SAMPLE.search(config.owner.password):
        yield "owner.password looks like a sample; production refuses it. Choose another."
    if "*" in config.cors.origins:
        yield "cors.origins must name exact origins in production, not *."


_MAKE_ONE: Final = "Make one with `openssl rand -base64 48`."


def _signing_key(config: Config) -> Iterator[str]:
    secret = config.auth.jwt_secret
    if not secret:
        if config.auth.jwt_algorithm is JwtAlgorithm.HS256:
            yield (
                "auth.jwt_secret is not set; production needs it, as JWT_SECRET or as a file "
                f"named by TIDEMILL_AUTH_JWT_SECRET_FILE. {_MAKE_ONE}"
            )
        elif config.database.url:
            yield (
                "auth.jwt_secret is not set; on PostgreSQL, where several machines may open the "
                f"signing keys, production needs one secret for all. {_MAKE_ONE}"
            )
    elif why := weakness(secret):
        yield f"auth.jwt_secret {why}; production refuses it. {_MAKE_ONE}"
