"""Executors that run our own code in a job's process: it is this code that reads the script.

Where it needs the network, it stays in that of the host; nothing that a tenant wrote is executed
there, and what it connects to is checked (`isolation/inside/addresses.py`).
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from tidemill.core.errors import TidemillError
from tidemill.core.ids import tenant_id
from tidemill.jobs.execution.executors.contract import Machine, NotPrepared, Preparation, seen_at
from tidemill.jobs.execution.isolation.plan import Environment
from tidemill.jobs.execution.languages.http import parse_http
from tidemill.jobs.execution.languages.sql import SqlScript, parse_sql
from tidemill.jobs.protocol.messages import Assignment

_FILES: Final = "/opt/tidemill/files"
_DRIVER: Final = "/opt/tidemill/driver"
_TIDY_SECONDS: Final = 3600.0
_DAY_SECONDS: Final = 86_400.0
_ROWS_SPARE_BYTES: Final = 64 * 1024
_HTTP_SPARE_BYTES: Final = 64 * 1024
_DRIVERS: Final = {"postgresql": "asyncpg", "sqlite": "sqlite3", "duckdb": "duckdb"}
_PRELOADS: Final = {
    "postgresql": "query_postgres",
    "sqlite": "query_sqlite",
    "duckdb": "query_duckdb",
}
_DUCKDB_ADDRESS_BYTES: Final = 16 * 1024**3


class SqlExecutor:
    """Scripts in SQL, on PostgreSQL over the network, or on SQLite and DuckDB without one."""

    answers = True

    def __init__(self) -> None:
        self._tidies_at = 0.0

    async def prepare(self, job: Assignment, machine: Machine, /) -> Preparation:
        """See `Executor.prepare`."""
        try:
            script = parse_sql(job.content)
        except TidemillError as error:
            raise NotPrepared(type(error).__name__, str(error)) from None
        files = _files_of(job.tenant_id, machine)
        now = time.time()
        if now >= self._tidies_at:
            self._tidies_at = now + _TIDY_SECONDS
            before = now - machine.rows_days * _DAY_SECONDS
            await asyncio.to_thread(_forget_rows, machine.files_directory, before)
        return Preparation(
            environment=_environment_of(script.dialect, files, job),
            settings=_settings(script, job, machine, seen_at(job, str(files), _FILES)),
        )


class HttpExecutor:
    """One request, described by the script."""

    answers = True

    async def prepare(self, job: Assignment, machine: Machine, /) -> Preparation:
        """See `Executor.prepare`."""
        try:
            request = parse_http(job.content)
        except TidemillError as error:
            raise NotPrepared(type(error).__name__, str(error)) from None
        document = msgspec.to_builtins(request) | {"retries": request.tries_again}
        return Preparation(
            environment=Environment(network=True, preload=("inside.addresses", "inside.request")),
            settings={
                "request": document,
                "defaults": request.defaults,
                "addresses_allowed": machine.addresses_allowed,
                "body_bytes_max": max(1024, job.result_bytes_max - _HTTP_SPARE_BYTES),
            },
        )


def _environment_of(dialect: str, files: Path, job: Assignment) -> Environment:
    driver = _DRIVERS[dialect]
    found = importlib.util.find_spec(driver)
    if found is None or found.origin is None:
        raise NotPrepared(
            "LanguageNotInstalled", f"This worker has no {driver}. Install tidemill[{dialect}]."
        )
    packages: tuple[tuple[str, str], ...] = ()
    path: tuple[str, ...] = ()
    if driver != "sqlite3":
        host = str(Path(found.origin).resolve().parent.parent)
        packages, path = ((host, _DRIVER),), (seen_at(job, host, _DRIVER),)
    return Environment(
        read_only=packages,
        path=path,
        writable=((str(files), _FILES),),
        preload=(f"inside.{_PRELOADS[dialect]}",),
        network=dialect == "postgresql",
        address_bytes=_DUCKDB_ADDRESS_BYTES if dialect == "duckdb" else None,
    )


def _settings(script: SqlScript, job: Assignment, machine: Machine, files: str) -> dict[str, Any]:
    return {
        "dialect": script.dialect,
        "database": script.database,
        "statements": msgspec.to_builtins(script.statements),
        "reads": script.reads,
        "defaults": {one.name: one.default for one in script.parameters if one.has_default},
        "timeout_seconds": job.timeout_seconds,
        "addresses_allowed": machine.addresses_allowed,
        "memory_bytes_max": job.memory_bytes_max,
        "rows_max": machine.sql_rows_max,
        "result_bytes_max": max(1024, job.result_bytes_max - _ROWS_SPARE_BYTES),
        "file_bytes_max": job.disk_bytes_max if machine.rows_shared else 0,
        "files": files,
        "rows_file": f"{job.job_id}.{job.epoch}.jsonl",
    }


def _files_of(tenant: str, machine: Machine) -> Path:
    """Return the tenant's directory of files, which every one of its jobs may write to."""
    root = machine.files_directory
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = root / tenant_id(tenant)
    for folder in (directory, directory / "databases", directory / "results"):
        folder.mkdir(exist_ok=True)
        # As root each slot is a user of its own; nobody else comes past the directory above.
        folder.chmod(0o777)
    return directory


def _forget_rows(root: Path, before: float) -> None:
    """Remove files of rows that are older than the history of jobs."""
    for file in root.glob("*/results/*.jsonl"):
        # Another worker may tidy here at the same time.
        with suppress(FileNotFoundError):
            if file.lstat().st_mtime < before:
                file.unlink()
