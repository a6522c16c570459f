"""Resources and their types; no I/O."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.resource_errors import ResourceTypeInvalid

value_bytes_max: Final = 64 * 1024
resources_max: Final = 10_000
types_max: Final = 500
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_PORT: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 65535}


class ResourceType(Struct, frozen=True):
    """A type, with the columns of the repository in order; `schema` is JSON Schema.

    Types that every tenant has are built in and have version 0.
    """

    name: str
    schema: str
    description: str
    version: int = 0
    created_at: Instant = Instant(0)
    created_by: str = ""
    updated_at: Instant = Instant(0)
    updated_by: str = ""


class Resource(Struct, frozen=True):
    """A resource, with the columns of the repository in order; `value` is JSON."""

    path: str
    type: str
    value: str
    description: str
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str


class Resolved(Struct, frozen=True, kw_only=True):
    """A value without references, and the secrets in it, which no log may show."""

    value: Any
    secrets: tuple[str, ...]


def _built_in(
    name: str, description: str, required: tuple[str, ...], **properties: dict[str, Any]
) -> ResourceType:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return ResourceType(name, msgspec.json.encode(schema).decode(), description)


_DATABASE: Final[dict[str, dict[str, Any]]] = {
    "host": _TEXT, "port": _PORT, "user": _TEXT, "password": _TEXT, "dbname": _TEXT,
}  # fmt: skip

_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

BUILT_IN: Final[dict[str, ResourceType]] = {
    one.name: one
    for one in (
        _built_in("http", "An HTTP API", ("base_url",), base_url=_TEXT, token=_TEXT,
                  username=_TEXT, password=_TEXT, token_url=_TEXT, client_id=_TEXT,
                  client_secret=_TEXT, scope=_TEXT, audience=_TEXT, headers={"type": "object"}),
        _built_in("mysql", "A MySQL or MariaDB database", ("host", "dbname"), **_DATABASE),
        _built_in("openai", "OpenAI, or what speaks like it", ("api_key",), api_key=_TEXT,
                  base_url=_TEXT),
        _built_in("postgresql", "A PostgreSQL database", ("host", "dbname"), **_DATABASE,
                  sslmode={"enum": list(_SSL_MODES)}, root_certificate_pem=_TEXT),
        _built_in("s3", "A bucket of S3, or what speaks like it", ("bucket",), bucket=_TEXT,
                  region=_TEXT, endpoint=_TEXT, access_key=_TEXT, secret_key=_TEXT),
        _built_in("smtp", "A mail server", ("host",), host=_TEXT, port=_PORT, user=_TEXT,
                  password=_TEXT),
        _built_in("sqlite", "A SQLite file, or one in memory without a path", (), path=_TEXT),
    )
}  # fmt: skip


def takes(wanted: str, type_: str) -> bool:
    """Return whether what asks for a resource of the type `wanted` can do with one of `type_`."""
    # A file of DuckDB is reached as one of SQLite is: by its path.
    return type_ == wanted or (wanted == "duckdb" and type_ == "sqlite")


def check_type_name(name: str) -> None:
    """Return when a tenant may call a type so; raises `ResourceTypeInvalid`."""
    if name in BUILT_IN:
        raise ResourceTypeInvalid("name", f"{name} is built in; choose another name.")
    if not _NAME.fullmatch(name):
        raise ResourceTypeInvalid("name", "write 1 to 60 characters of a-z, 0-9, '_' and '-'.")


def check_own(schema: Any) -> None:
    """Return when a schema refers to nothing but itself; nobody fetches what lies elsewhere."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for word in ("$ref", "$dynamicRef"):
                if not str(one.get(word, "#")).startswith("#"):
                    raise ResourceTypeInvalid("schema", f"{word} must begin with #.")
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
