"""SQL in PostgreSQL, over a connection of the job's own."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from typing import Any, Final

import asyncpg

from .addresses import Guard
from .answers import Failed
from .journal import say
from .rows import Rows

connect_seconds_max: Final = 15.0
close_seconds_max: Final = 2.0
_FETCH: Final = 500
_PORT: Final = 5432
# Exchanged as text: JSON has no such types, and text keeps their precision.
_AS_TEXT: Final = (
    "date", "time", "timetz", "timestamp", "interval", "numeric", "uuid", "inet", "cidr",
    "macaddr", "money", "xml",
)  # fmt: skip
_INTEGERS: Final = frozenset({"int2", "int4", "int8", "oid"})
_FLOATS: Final = frozenset({"float4", "float8"})


class Loop(asyncio.SelectorEventLoop):
    """Connects to approved addresses only, whatever asked for it."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Connect when the address was approved; the one place where connections begin."""
        if (address[0], address[1]) not in self._guard.approved:
            raise PermissionError(f"{address[0]} was not approved.")
        await super().sock_connect(sock, address)


class _Named(ssl.SSLContext):
    """Checks certificates against the name of the host, since the connection goes to an address."""

    name: str | None = None

    def wrap_bio(self, *arguments: Any, **named: Any) -> Any:
        """See `SSLContext.wrap_bio`."""
        named["server_hostname"] = self.name
        return super().wrap_bio(*arguments, **named)


def run(settings: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    """Run the statements; return the result as JSON."""
    guard = Guard(settings["addresses_allowed"])
    with asyncio.Runner(loop_factory=lambda: Loop(guard)) as runner:
        return runner.run(_run(settings, arguments, guard))


async def _run(settings: dict[str, Any], arguments: dict[str, Any], guard: Guard) -> bytes:
    # A worker that stops the job lets it end its query on the server first.
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - the runner made one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    connection = await _connected(settings, guard)
    try:
        rows = Rows(settings)
        status: str | None = None
        async with connection.transaction():
            for statement in settings["statements"]:
                status = await _statement(connection, statement, arguments, rows)
            return rows.result(status)
    finally:
        await connection.close(timeout=close_seconds_max)


async def _statement(
    connection: Any, statement: dict[str, Any], arguments: dict[str, Any], rows: Rows
) -> str | None:
    prepared = await connection.prepare(statement["text"])
    kinds = [parameter.name for parameter in prepared.get_parameters()]
    bound = [
        _fitted(arguments.get(name), kind, name)
        for name, kind in zip(statement["names"], kinds, strict=True)
    ]
    rows.clear()
    columns = [attribute.name for attribute in prepared.get_attributes()]
    if not columns:
        await prepared.fetch(*bound)
        status: str = prepared.get_statusmsg()
        last = status.rpartition(" ")[2]
        rows.count = int(last) if last.isdigit() else 0
        say("INFO", f"statement {statement['number']}: {status}")
        return status
    rows.columns(columns)
    cursor = await prepared.cursor(*bound)
    while batch := await cursor.fetch(_FETCH):
        for row in batch:
            rows.add(tuple(row.values()) if len(row) == len(columns) else list(row))
    say("INFO", f"statement {statement['number']}: {rows.count} rows")
    return None


async def _connected(settings: dict[str, Any], guard: Guard) -> Any:
    resource = settings["resource"]
    host, port = _address(resource)
    mode = str(resource.get("sslmode") or "prefer")
    last: Exception | None = None
    for address in guard.resolve(host, port):
        try:
            connection = await asyncpg.connect(
                host=address,
                port=port,
                user=resource.get("user"),
                password=resource.get("password") or None,
                database=resource.get("dbname") or resource.get("database"),
                ssl=_tls(mode, host, resource.get("root_certificate_pem")),
                timeout=connect_seconds_max,
                passfile="/dev/null",
                statement_cache_size=0,
                server_settings={
                    "application_name": "tidemill",
                    "TimeZone": "UTC",
                    "DateStyle": "ISO",
                    "statement_timeout": str(int(settings["timeout_seconds"] * 1000)),
                },
            )
        except OSError as error:
            last = error
            continue
        await _use_text(connection)
        return connection
    raise Failed("ConnectionFailed", f"PostgreSQL at {host}:{port} does not answer: {last}.")


def _address(resource: dict[str, Any]) -> tuple[str, int]:
    host, port = resource.get("host"), resource.get("port") or _PORT
    if not isinstance(host, str) or not host or host.startswith("/"):
        raise Failed("ResourceInvalid", "host must be the name or address of a PostgreSQL server.")
    if not str(port).isdigit() or not 0 < int(port) < 65536:
        raise Failed("ResourceInvalid", "port must be a number between 1 and 65535.")
    return host, int(port)


def _tls(mode: str, host: str, certificate: str | None) -> Any:
    if mode in {"disable", "allow", "prefer", "require"} and not certificate:
        return mode
    if mode not in {"require", "verify-ca", "verify-full"}:
        raise Failed("ResourceInvalid", "sslmode must be one that PostgreSQL knows.")
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.name = host
    context.check_hostname = mode == "verify-full"
    if certificate:
        context.load_verify_locations(cadata=certificate)
    else:
        context.load_default_certs()
    return context


async def _use_text(connection: Any) -> None:
    for name in _AS_TEXT:
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=str, decoder=str, format="text"
        )
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=str, decoder=_rfc3339, format="text"
    )
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads, format="text"
        )


def _rfc3339(text: str) -> str:
    return text.replace(" ", "T").replace("+00", "Z")


def _fitted(value: Any, kind: str, name: str) -> Any:
    """Return a JSON value as the driver wants it for a parameter of the type `kind`."""
    if value is None or kind in {"json", "jsonb", "bool"}:
        return value
    try:
        if kind.endswith("[]"):
            return [_fitted(item, kind[:-2], name) for item in value]
        if kind in _INTEGERS:
            return int(value)
        if kind in _FLOATS:
            return float(value)
    except (TypeError, ValueError):
        raise Failed("ArgumentsInvalid", f"args.{name}: the database wants {kind} here.") from None
    if kind == "bytea":
        import base64  # noqa: PLC0415 - few parameters are bytes

        return base64.b64decode(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
