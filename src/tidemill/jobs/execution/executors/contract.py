"""What every executor is: from an assignment to what its zygote and its runner need.

All keep the same promise, which `tests/conformance/executors` checks: arguments by name go in;
lines with level and time, progress, and a result or an error (type, message, traceback, exit
code) come out; memory and processor time are counted; `TIDEMILL_*` and the job's token are in its
environment; it ends when it is told to.
"""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from tidemill.jobs.execution.isolation.plan import BASE, Environment, Walls
from tidemill.jobs.execution.packages.uv import PackageSource
from tidemill.jobs.protocol.messages import Assignment, Isolation


class Machine(Struct, frozen=True, kw_only=True):
    """What executors may use of the worker's machine.

    `files_directory` holds what tenants keep in files, `cache_directory` what can be made again.
    `rows_shared` is whether the API reads the files of rows from there, too. `holder` names the
    worker among all that use one engine of containers, over its restarts.
    `addresses_allowed` are those besides public ones that our own code may connect to for a job.
    """

    files_directory: Path
    cache_directory: Path
    addresses_allowed: tuple[str, ...] = ()
    sql_rows_max: int = 1000
    rows_days: float = 30
    rows_shared: bool = True
    containers: bool = False
    holder: str = ""
    wheels_directory: str = ""
    offline: bool = False
    source_builds: bool = False
    build_seconds_max: float = 300.0

    @property
    def packages(self) -> PackageSource:
        """Return where packages come from."""
        return PackageSource(
            cache_directory=self.cache_directory,
            wheels_directory=self.wheels_directory,
            offline=self.offline,
            source_builds=self.source_builds,
            seconds_max=self.build_seconds_max,
        )


class Preparation(Struct, frozen=True, kw_only=True):
    """What a job of some language needs besides its text and arguments.

    `walls` is set by those that cannot work behind the walls of the job's isolation. `merged` is
    whether its lines and its complaints come as one stream, in their true order.
    """

    environment: Environment = BASE
    walls: Walls | None = None
    settings: dict[str, Any] = {}
    merged: bool = True


def seen_at(job: Assignment, host: str, behind_walls: str) -> str:
    """Return where the job sees what lies at `host`: there, or at its place behind the walls."""
    return host if job.isolation is Isolation.FORK else behind_walls


class NotPrepared(Exception):
    """The job cannot begin; `kind` and the message become its error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Executor(Protocol):
    """One way to run jobs."""

    @property
    def answers(self) -> bool:
        """Whether its runner writes the result; otherwise the last line of output is the result."""
        ...

    def prepare(
        self, job: Assignment, machine: Machine, /
    ) -> Preparation | Coroutine[None, None, Preparation]:
        """Make what the job needs, at once where nothing is waited for; raises `NotPrepared`."""
        ...
