"""What `tidemill doctor` looks at: each part, what is wrong, which setting, and the fix."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from tidemill.api.serving import run_directory
from tidemill.cli.failures import CommandFailed
from tidemill.cli.http import Request, exchange
from tidemill.cli.local import ask_local
from tidemill.cli.shown_settings import ShownSettings, settings_of_server
from tidemill.core.config import Config
from tidemill.core.errors import TidemillError
from tidemill.runtime.isolation import Offer, probe
from tidemill.runtime.languages import missing_languages
from tidemill.runtime.migrating import DataDirectoryInUse, Inspector, inspect_schema, open_schema

free_bytes_min: Final = 200 * 1024 * 1024
connect_seconds_max: Final = 3.0
differing_max: Final = 5
tenants_looked_at_max: Final = 300
failing_told_max: Final = 20


class Verdict(StrEnum):
    """How a part is."""

    WORKS = "works"
    NOTE = "note"
    FAILS = "fails"


class Finding(Struct, frozen=True, kw_only=True):
    """One part and how it is; `setting` and `source` say what it was told to be."""

    part: str
    verdict: Verdict
    detail: str
    setting: str | None = None
    source: str | None = None
    fix: str | None = None


def diagnose(config: Config) -> Iterator[Finding]:
    """Yield what is found, part by part, by the settings of the server if that runs."""
    running, seen = _is_running(config), ShownSettings(config)
    told = settings_of_server(config, partial(ask_local, config, "GET")) if running else None
    seen = told or seen
    # The server was found by it, from here; its own word may go from where it was started.
    yield _data_directory(ShownSettings(config))
    if running:
        yield from _running(config, seen)
        yield _settings(told)
    else:
        yield from _not_running(config)
    if not seen.value("database.url"):
        yield from asyncio.run(_tenant_stores(config))
    for key, part, port in _SERVICES:
        finding = _service(seen, key, part, port)
        if finding is not None:
            yield finding
    yield _isolation(asyncio.run(probe()), seen)
    yield _languages(missing_languages())


_SERVICES: Final = (
    ("database.url", "database", 5432),
    ("message_queue.url", "message queue", 5672),
    ("redis.url", "redis", 6379),
)


_PRESENT: Final = frozenset({"connected", "draining"})


def _settings(told: ShownSettings | None) -> Finding:
    """Say whose settings are shown, and which of them this command was started without."""
    if told is None:
        detail = "The server does not tell its own; shown are those of this command."
        fix = "Run `tidemill doctor` with the options that the server was started with."
        return Finding(part="settings", verdict=Verdict.NOTE, detail=detail, fix=fix)
    if not told.differing:
        return _works("settings", "shown as the server has them; this command has the same")
    others = "; ".join(told.differing[:differing_max])
    more = len(told.differing) - differing_max
    detail = f"Shown as the server has them, which differ from this command's: {others}"
    return Finding(
        part="settings",
        verdict=Verdict.NOTE,
        detail=f"{detail}; and {more} more." if more > 0 else f"{detail}.",
    )


def _data_directory(seen: ShownSettings) -> Finding:
    directory = Path(seen.value("server.data_dir"))
    key = "server.data_dir"
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not nearest.is_dir():
        fix = f"Name a directory with {key}, or move that file away."
        return _fails(seen, "data directory", f"{nearest} is no directory.", key, fix)
    if not os.access(nearest, os.W_OK | os.X_OK):
        fix = f"Let this user write there (chown, chmod), or set {key}."
        return _fails(seen, "data directory", f"{nearest} cannot be written.", key, fix)
    disk = shutil.disk_usage(nearest)
    free = disk.free
    if disk.total == 0:  # As /proc and /sys are.
        detail = f"{nearest} cannot hold files."
        return _fails(seen, "data directory", detail, key, f"Set {key} to a directory on a disk.")
    if free < free_bytes_min:
        detail = f"Only {free // 2**20} MB are free on the disk of {directory}."
        return _fails(seen, "data directory", detail, key, f"Free some, or move {key}.")
    return _works("data directory", f"{directory}, {free // 2**30} GB free")


def _is_running(config: Config) -> bool:
    with socket.socket(socket.AF_UNIX) as door:
        return door.connect_ex(str(run_directory(config) / "api.sock")) == 0


def _running(config: Config, seen: ShownSettings) -> Iterator[Finding]:
    try:
        ready = ask_local(config, "GET", "/ready")
        workers = ask_local(config, "GET", "/api/v1/workers")
    except CommandFailed as error:
        yield _fails(
            seen,
            "server",
            error.message,
            "server.data_dir",
            "Look at the log of the server, and start it again.",
        )
        return
    yield _works("server", f"answers in {config.server.data_dir}")
    for part in ready["parts"]:
        if part["name"] == "workers":
            continue  # Told below, with their names.
        if part["ready"]:
            yield _works(part["name"], "ready")
        else:
            key = _key_of_part(seen, part["name"])
            fix = _fix_of_part(key, part["reason"])
            yield _fails(seen, part["name"], part["reason"], key, fix)
    yield _workers(seen, workers["items"])
    yield from _places_less_isolated(seen, workers["items"])


def _workers(seen: ShownSettings, workers: list[dict[str, Any]]) -> Finding:
    # The list keeps those that have left or were lost for a while.
    present = [worker for worker in workers if worker["state"] in _PRESENT]
    if present:
        names = ", ".join(str(worker["id"]) for worker in present)
        return _works("workers", f"{len(present)} connected: {names}")
    fix = "Start one with `tidemill worker`; with `tidemill up`, look at its log."
    return _fails(seen, "workers", "None is connected: jobs wait.", "worker.enabled", fix)


def _places_less_isolated(seen: ShownSettings, workers: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield the tags whose workers run scripts, and none as jobs want it by default."""
    wanted = str(seen.value("jobs.isolation_default"))
    offered: dict[str, set[str]] = {}
    for worker in workers:
        if worker["state"] == "connected":
            levels = {level for level in worker["isolations"] if ":" not in level}
            for tag in worker["tags"]:
                offered.setdefault(tag, set()).update(levels)
    for tag, levels in sorted(offered.items()):
        if levels and wanted not in levels:
            yield Finding(
                part=f"tag {tag}",
                verdict=Verdict.NOTE,
                detail=f"Its workers offer {', '.join(sorted(levels))} only: jobs that want "
                f"{wanted} wait.",
                fix=f"Start a worker with this tag that offers {wanted}, or start the server with "
                "--set jobs.isolation_default=fork, which means to trust every script.",
            )


def _not_running(config: Config) -> Iterator[Finding]:
    yield Finding(
        part="server",
        verdict=Verdict.NOTE,
        detail=f"no process runs in {config.server.data_dir}",
        fix="Start it with `tidemill up`.",
    )
    yield _port(config)
    yield asyncio.run(_stores(config))


def _port(config: Config) -> Finding:
    host, port = config.server.host, config.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe_:
        probe_.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_.bind((host, port))
        except OSError as error:
            elsewhere = _elsewhere(host, port)
            if elsewhere is not None:
                return elsewhere
            detail = f"{host}:{port} cannot be listened on: {error.strerror}."
            fix = "Stop what listens there, or choose another with --port."
            return _fails(ShownSettings(config), "address", detail, "server.port", fix)
    return _works("address", f"{host}:{port} is free")


def _elsewhere(host: str, port: int) -> Finding | None:
    """Return what to do where a Tidemill with another data directory listens there and is well."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    url = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    try:
        ready = exchange(url, Request("GET", "/ready"), timeout=connect_seconds_max).json()
    except (CommandFailed, ValueError):
        return None
    if not isinstance(ready, dict) or "parts" not in ready:
        return None
    return Finding(
        part="address",
        verdict=Verdict.NOTE,
        detail=f"a Tidemill whose data lie elsewhere answers at {url}, and is ready",
        fix="To look at that one, name its directory: `tidemill doctor --data-dir DIRECTORY`.",
    )


async def _stores(config: Config) -> Finding:
    try:
        async with _reach(config) as schema:
            found = await schema.status()
    except DataDirectoryInUse as error:
        fix = "Stop that process, or wait until it answers."
        return _fails(ShownSettings(config), "stores", str(error), "server.data_dir", fix)
    except OSError as error:
        return _directory_refused(config, error)
    except TidemillError as error:
        return _stores_fail(config, error.message, "Start the database, or correct it.")
    problems = [status.problem for status in found if status.problem]
    if problems:
        damaged = any(status.damaged for status in found)
        fix = _RESTORE if damaged else "See `tidemill db check`."
        return _stores_fail(config, " ".join(problems), fix)
    if not any(status.version for status in found):
        return _works("stores", "none are there yet: the first start makes them")
    return _works("stores", "can be opened")


_RESTORE: Final = "Restore it from a backup, with the server stopped."


def _stores_fail(config: Config, detail: str, fix: str) -> Finding:
    key = "database.url" if config.database.url else "server.data_dir"
    return _fails(ShownSettings(config), "stores", detail, key, fix)


def _directory_refused(config: Config, error: OSError) -> Finding:
    key = "server.data_dir"
    where = error.filename or config.server.data_dir
    fix = f"Let this user write there (chown, chmod, mount), or set {key}."
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        fix = f"Free disk space there, or move {key}."
    elif error.errno in {errno.EEXIST, errno.ENOTDIR}:
        fix = f"Name a directory with {key}, or move that file away."
    detail = f"{where} cannot be used: {error.strerror or error}."
    return _fails(ShownSettings(config), "stores", detail, key, fix)


async def _tenant_stores(config: Config) -> list[Finding]:
    """Return what a look at the first of the tenants' files finds; nothing where none are."""
    try:
        async with inspect_schema(config) as schema:
            found, total = await schema.tenant_status(limit=tenants_looked_at_max)
    except (TidemillError, OSError):
        return []  # What is wrong with the stores of all is told above.
    failing = [status for status in found if status.problem]
    seen = ShownSettings(config)
    findings = [
        _fails(
            seen,
            f"tenant {status.store}",
            status.problem or "",
            "server.data_dir",
            _RESTORE if status.damaged else "See `tidemill db check`.",
        )
        for status in failing[:failing_told_max]
    ]
    if failing or not found:
        return findings
    looked = f"the first {len(found)} of {total}" if total > len(found) else f"all {total}"
    return [_works("tenant stores", f"{looked} can be opened")]


def _reach(config: Config) -> AbstractAsyncContextManager[Inspector]:
    # Where nothing is yet, a look makes nothing either.
    begun = config.database.url or Path(config.server.data_dir).exists()
    return open_schema(config) if begun else inspect_schema(config)


def _service(seen: ShownSettings, key: str, part: str, port: int) -> Finding | None:
    url = str(seen.value(key) or "")
    if not url:
        return None
    address = urlsplit(url)
    where = (address.hostname or "127.0.0.1", address.port or _default_port(address.scheme, port))
    try:
        socket.create_connection(where, timeout=connect_seconds_max).close()
    except OSError as error:
        reason = error.strerror or str(error)
        detail = f"Nothing answers at {where[0]}:{where[1]} ({reason})."
        fix = f"Start the service there, or correct {key}."
        return _fails(seen, part, detail, key, fix)
    return _works(part, f"{where[0]}:{where[1]} answers")


def _default_port(scheme: str, port: int) -> int:
    return {"nats": 4222, "amqps": 5671}.get(scheme, port)


def _isolation(offer: Offer, seen: ShownSettings) -> Finding:
    offered = ", ".join(str(level) for level in offer.isolations) or "none"
    wanted = str(seen.value("jobs.isolation_default"))
    if wanted in {str(level) for level in offer.isolations}:
        return _works("isolation", f"this machine offers {offered}")
    return _fails(
        seen,
        "isolation",
        f"Jobs want {wanted}, and this machine offers {offered}. {offer.reason or ''}".strip(),
        "jobs.isolation_default",
        offer.fix or "Run the worker on a machine that can, or consent to fork.",
    )


def _languages(missing: dict[str, str]) -> Finding:
    if not missing:
        return _works("languages", "every language of scripts can run here")
    return Finding(
        part="languages",
        verdict=Verdict.NOTE,
        detail=f"Not installed here: {', '.join(missing)}.",
        fix=f"Where scripts want them: {'; '.join(dict.fromkeys(missing.values()))}.",
    )


def _key_of_part(seen: ShownSettings, part: str) -> str:
    stores = "database.url" if seen.value("database.url") else "server.data_dir"
    mail = "mail.smtp_host" if seen.value("mail.smtp_host") else "mail.directory"
    broker = "message_queue.url" if seen.value("message_queue.url") else stores
    return {"bus": broker, "broker": broker, "redis": "redis.url", "mail": mail}.get(part, stores)


def _fix_of_part(key: str, reason: str) -> str:
    if key == "mail.directory":
        return f"Let this user write there (chown, chmod), or set {key}."
    if key != "server.data_dir":
        return f"Start the service that {key} names, or correct it; it heals by itself."
    if "locked" in reason:
        fix = "End what holds a lock on a file there, such as a copy or a shell; `fuser` names it."
        return f"{fix} It heals by itself."
    return "Free disk space and check the rights on the files; it heals by itself."


def _works(part: str, detail: str) -> Finding:
    return Finding(part=part, verdict=Verdict.WORKS, detail=detail)


def _fails(seen: ShownSettings, part: str, detail: str, key: str, fix: str) -> Finding:
    return Finding(
        part=part,
        verdict=Verdict.FAILS,
        detail=detail,
        setting=seen.setting(key),
        source=seen.source(key),
        fix=fix,
    )
