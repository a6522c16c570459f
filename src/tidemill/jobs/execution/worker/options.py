"""What a worker starts with."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field
from uuid_utils import uuid7

from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.execution.isolation.warm import WarmLimits
from tidemill.jobs.protocol.messages import Isolation
from tidemill.jobs.protocol.tls import TlsTarget


class Remote(Struct, frozen=True, kw_only=True):
    """A dispatcher on another machine, and what lets the worker in.

    `api_url` is where its jobs find the API, if not where the dispatcher says.
    """

    target: TlsTarget
    token_file: Path
    api_url: str = ""


class WorkerOptions(Struct, frozen=True, kw_only=True):
    """Plain values; the command line and the supervisor fill them in.

    `socket_directory` is where the dispatcher listens, `run_directory` is the worker's own: its
    spool survives there. Without `secret` the worker reads the one of the dispatcher's present
    start. With `remote` it calls a dispatcher on another machine instead. Without `isolations` it
    offers what this machine can keep. `ahead_max` is how many short jobs may wait here for a
    slot. Beyond `own_memory_mib_max` of its own process it ends. `process` tells its start from
    others under its name.
    """

    worker_id: str
    socket_directory: Path
    run_directory: Path
    secret: str | None = None
    remote: Remote | None = None
    slots: int = 4
    ahead_max: int = 64
    tags: tuple[str, ...] = ("default",)
    labels: tuple[str, ...] = ()
    cpu: float | None = None
    memory_mib: int | None = None
    isolations: tuple[Isolation, ...] | None = None
    zygotes_max: int = 8
    zygote_idle_seconds_max: float = 300.0
    warm: WarmLimits = WarmLimits()
    niceness: int = 10
    drain_seconds_max: float = 300.0
    reconnect_seconds_min: float = 0.05
    reconnect_seconds_max: float = 2.0
    own_memory_mib_max: int = 0
    preload: tuple[str, ...] = ()
    machine: Machine | None = None
    process: str = field(default_factory=lambda: str(uuid7()))

    @property
    def api_url(self) -> str:
        """Return where jobs find the API, if not where the dispatcher says."""
        return "" if self.remote is None else self.remote.api_url

    @property
    def ca_file(self) -> str:
        """Return what the API's certificate is checked by; empty for the machine's own."""
        return "" if self.remote is None else self.remote.target.ca_file

    @property
    def machine_or_own(self) -> Machine:
        """Return what executors may use; below the worker's own directory when nothing is said."""
        if self.machine is not None:
            return self.machine
        own = self.run_directory
        return Machine(files_directory=own / "files", cache_directory=own / "cache")
