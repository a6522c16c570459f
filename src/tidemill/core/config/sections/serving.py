"""Where and how Tidemill answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from tidemill.core.config import checks
from tidemill.core.config.about import LIVE, About, Scope, key


class Environment(StrEnum):
    """What this installation is for."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """How much is logged; each level includes those after it."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Server(Struct, frozen=True, kw_only=True):
    """The process and its address."""

    environment: Annotated[
        Environment,
        key("What this installation is for; production refuses sample and short secrets."),
    ] = Environment.DEVELOPMENT
    host: Annotated[
        str,
        key("Address to listen on; 0.0.0.0 listens on all.", About(check=checks.not_empty)),
    ] = "127.0.0.1"
    port: Annotated[int, key("Port to listen on; 0 takes any free one.", ge=0, le=65535)] = 3000
    data_dir: Annotated[
        str,
        key(
            "Directory of databases, blobs, logs of jobs, and keys. Tenants lie in its "
            "folder tenants.",
            About(check=checks.not_empty),
        ),
    ] = "./data"
    public_url: Annotated[
        str,
        key(
            "Address that people and jobs reach this server at, for links and cookies; "
            "empty means http://HOST:PORT.",
            About(check=checks.url("http", "https")),
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        key(
            "Networks whose X-Forwarded-For header is believed.",
            About(check=checks.networks),
        ),
    ] = ()
    stop_seconds_max: Annotated[
        int, key("How long a process may take to stop before it is killed.", ge=1, le=600)
    ] = 15


class Api(Struct, frozen=True, kw_only=True):
    """The HTTP API of this process."""

    enabled: Annotated[
        bool, key("Whether this process answers HTTP; otherwise it only dispatches jobs.")
    ] = True


class Cors(Struct, frozen=True, kw_only=True):
    """Which other web sites may call the API from a browser."""

    enabled: Annotated[bool, key("Whether the origins below are let in.")] = True
    origins: Annotated[
        tuple[str, ...],
        key(
            "Exact origins, such as https://app.example.org; * lets any in, in development only.",
            About(check=checks.origins),
        ),
    ] = ()


class Limits(Struct, frozen=True, kw_only=True):
    """How much a caller may send."""

    body_bytes_max: Annotated[
        int, key("Largest body of a request, imports included.", ge=1024, le=1 << 30)
    ] = 16 * 1024 * 1024
    requests_per_minute: Annotated[
        int,
        key("Requests of one user, token, job or address; 0 means no limit.", LIVE, ge=0, le=10**9),
    ] = 600_000
    tenant_requests_per_minute: Annotated[
        int,
        key("Requests of all of a tenant together; 0 means no limit.", LIVE, ge=0, le=10**9),
    ] = 0
    logins_per_minute: Annotated[
        int,
        key(
            "Attempts to log in, register or reset a password from one address; 0 means no limit.",
            LIVE,
            ge=0,
            le=10**6,
        ),
    ] = 30
    title_chars_max: Annotated[int, key("Longest title of a work item.", ge=1, le=10_000)] = 200
    description_chars_max: Annotated[
        int, key("Longest description of a project or work item.", ge=1, le=1_000_000)
    ] = 10_000
    comment_chars_max: Annotated[int, key("Longest text of a comment.", ge=1, le=100_000)] = 5_000
    attachment_bytes_max: Annotated[int, key("Largest file on a work item.", ge=1, le=1 << 40)] = (
        32 * 1024 * 1024
    )
    attachment_bytes_per_tenant_max: Annotated[
        int,
        key(
            "How much all files of a tenant may hold, each content once; 0 means no limit.",
            About(live=True, scope=Scope.TENANT, quota=True),
            ge=0,
            le=1 << 50,
        ),
    ] = 10 * 1024 * 1024 * 1024
    import_rows_max: Annotated[int, key("Most rows of one imported file.", ge=1, le=100_000)] = (
        10_000
    )
    project_archive_bytes_max: Annotated[
        int, key("Largest archive of a project, with its files.", ge=1024, le=1 << 40)
    ] = 2 * 1024 * 1024 * 1024


class Log(Struct, frozen=True, kw_only=True):
    """What the processes write to standard error."""

    level: Annotated[LogLevel, key("How much is logged.", LIVE)] = LogLevel.INFO
    format: Annotated[
        LogFormat, key("json, text, or auto: text on a terminal and JSON elsewhere.")
    ] = LogFormat.AUTO
    access: Annotated[bool, key("Whether each request is logged.")] = True
