"""Other names under which keys are accepted, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from tidemill.core.config import checks
from tidemill.core.config.keys import KEYS, Key
from tidemill.core.config.values import BadValue

_SECONDS_PER_HOUR: Final = 3600


class Alias(Struct, frozen=True, kw_only=True):
    """Another name of one key, or of several at once.

    `read` turns a value, as text or as data, into one value for each of `keys`; it raises
    `BadValue` with what would be right.
    """

    keys: tuple[str, ...]
    meaning: str
    read: Callable[[object], tuple[Any, ...]]


def _same_as(key: Key) -> Callable[[object], tuple[Any, ...]]:
    def read(value: object) -> tuple[Any, ...]:
        return (key.parse(value) if isinstance(value, str) else key.accept(value),)

    return read


def _host_and_port(value: object) -> tuple[Any, ...]:
    try:
        return checks.bind_address(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadValue(str(error)) from error


def _base_directory(value: object) -> tuple[Any, ...]:
    try:
        return (checks.base_directory(value if isinstance(value, str) else ""),)
    except ValueError as error:
        raise BadValue(str(error)) from error


def _hours(value: object) -> tuple[Any, ...]:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 8760):
        raise BadValue("a whole number of hours from 1 to 8760")
    return (int(text) * _SECONDS_PER_HOUR,)


KEY_ALIASES: Final[Mapping[str, Alias]] = MappingProxyType(
    {
        "api.bind_address": Alias(
            keys=("server.host", "server.port"),
            meaning="server.host and server.port as HOST:PORT",
            read=_host_and_port,
        ),
        "api.cors_enabled": Alias(
            keys=("cors.enabled",),
            meaning="the same as cors.enabled",
            read=_same_as(KEYS["cors.enabled"]),
        ),
    }
)
"""Names that every source accepts beside those of `KEYS`."""

VARIABLE_ALIASES: Final[Mapping[str, Alias]] = MappingProxyType(
    {
        "DB_PATH": Alias(
            keys=("server.data_dir",),
            meaning="server.data_dir, with or without `tenants` at its end",
            read=_base_directory,
        ),
        "JWT_EXPIRATION_HOURS": Alias(
            keys=("auth.access_token_seconds",),
            meaning="auth.access_token_seconds in hours",
            read=_hours,
        ),
    }
    | {
        variable: Alias(keys=(name,), meaning=name, read=_same_as(KEYS[name]))
        for variable, name in {
            "SERVER_HOST": "server.host",
            "SERVER_PORT": "server.port",
            "JWT_SECRET": "auth.jwt_secret",
            "CORS_ORIGINS": "cors.origins",
            "LOG_LEVEL": "log.level",
        }.items()
    }
)
"""Environment variables beside `TIDEMILL_SECTION_FIELD`."""

VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {key.variable: key.name for key in KEYS.values()}
    | {f"TIDEMILL_{name.replace('.', '_')}".upper(): name for name in KEY_ALIASES}
)
"""The key, or the alias of keys, behind each `TIDEMILL_…` variable."""

OTHER_VARIABLES: Final = frozenset(
    {
        "TIDEMILL_CONFIG",
        "TIDEMILL_ENV_FILE",
        "TIDEMILL_SUPERVISOR_PID",
        # What clients and running jobs find.
        "TIDEMILL_URL",
        "TIDEMILL_TOKEN",
        "TIDEMILL_PASSWORD",
        "TIDEMILL_TENANT",
        "TIDEMILL_TENANT_ID",
        "TIDEMILL_WORK_ITEM_ID",
        "TIDEMILL_ATTEMPT",
        "TIDEMILL_SCRIPT_PATH",
        "TIDEMILL_PLAN",
    }
)
"""Variables with our prefix that are no keys."""

OTHER_PREFIXES: Final = ("TIDEMILL_TEST_", "TIDEMILL_CRASH_", "TIDEMILL_JOB_")
"""Prefixes of variables that belong to tests and to running jobs."""

FILE_SUFFIX: Final = "_FILE"
"""A variable of a secret with this at its end names a file that holds the value."""
