"""What Tidemill calls by itself, and how."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from tidemill.core.config import checks
from tidemill.core.config.about import About, key


class Webhooks(Struct, frozen=True, kw_only=True):
    """Facts that are sent to addresses which tenants name."""

    addresses_allowed: Annotated[
        tuple[str, ...],
        key(
            "Networks, addresses or names, with or without a port, that webhooks may reach besides "
            "public addresses.",
            About(check=checks.reachable),
        ),
    ] = ()
    answer_seconds_max: Annotated[
        float, key("How long a receiver may take to answer.", ge=0.1, le=60)
    ] = 10
    at_once_max: Annotated[
        int,
        key(
            "Deliveries that one process has under way at once; one tenant may have half of them.",
            ge=1,
            le=1000,
        ),
    ] = 16
    attempts_max: Annotated[
        int,
        key("How often a delivery is tried; ten attempts take about twenty hours.", ge=1, le=30),
    ] = 10
    queued_max: Annotated[
        int,
        key(
            "Deliveries of one webhook that may wait; beyond that it is disabled.",
            ge=10,
            le=1_000_000,
        ),
    ] = 10_000
    disable_after_hours: Annotated[
        float,
        key(
            "How long nothing but failures may come before a webhook is disabled; 0 means for "
            "ever.",
            ge=0,
            le=8760,
        ),
    ] = 72
    log_days: Annotated[
        float, key("How long the log keeps a delivery that has ended.", ge=0.01, le=3650)
    ] = 14


class Llm(Struct, frozen=True, kw_only=True):
    """Servers of models that tenants name as providers."""

    addresses_allowed: Annotated[
        tuple[str, ...],
        key(
            "Networks, addresses or names, with or without a port, where providers of models may "
            "be besides public addresses.",
            About(check=checks.reachable),
        ),
    ] = ()
    silent_seconds_max: Annotated[
        float,
        key(
            "How long a provider may send nothing, before its answer and between its parts.",
            ge=1,
            le=3600,
        ),
    ] = 600


class Git(Struct, frozen=True, kw_only=True):
    """Repositories that projects are kept in as files."""

    addresses_allowed: Annotated[
        tuple[str, ...],
        key(
            "Networks, addresses or names, with or without a port, whose repositories may be "
            "reached besides those at public addresses.",
            About(check=checks.reachable),
        ),
    ] = ()
    http_allowed: Annotated[
        bool, key("Whether repositories are reached by http:// too, which shows passwords to all.")
    ] = False
    local_directory: Annotated[
        str,
        key(
            "A directory below which projects may use bare repositories of this machine, by "
            "file://; empty for none."
        ),
    ] = ""
    repository_bytes_max: Annotated[
        int,
        key("How large one version of a repository may be.", ge=100_000, le=10_000_000_000),
    ] = 100_000_000
    files_max: Annotated[
        int, key("Files below the directory of a project.", ge=100, le=100_000)
    ] = 10_000
    file_bytes_max: Annotated[
        int, key("How large the file of an item may be.", ge=1000, le=10_000_000)
    ] = 500_000
    seconds_max: Annotated[float, key("How long one sync may take.", ge=1, le=3600)] = 120
