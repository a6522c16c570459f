"""What a worker starts with."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from tidemill.jobs.executors.contract import Machine
from tidemill.jobs.isolation.warm import WarmLimits
from tidemill.jobs.protocol.messages import Isolation


class WorkerOptions(Struct, frozen=True, kw_only=True):
    """Plain values; the command line and the supervisor fill them in.

    `socket_directory` is where the dispatcher listens, `run_directory` is the worker's own: its
    spool survives there. Without `secret` the worker reads the one of the dispatcher's present
    start. Without `isolations` it offers what this machine can keep.
    """

    worker_id: str
    socket_directory: Path
    run_directory: Path
    secret: str | None = None
    slots: int = 4
    tags: tuple[str, ...] = ("default",)
    isolations: tuple[Isolation, ...] | None = None
    zygotes_max: int = 8
    zygote_idle_seconds_max: float = 300.0
    warm: WarmLimits = WarmLimits()
    niceness: int = 10
    drain_seconds_max: float = 300.0
    reconnect_seconds_min: float = 0.05
    reconnect_seconds_max: float = 2.0
    preload: tuple[str, ...] = ()
    machine: Machine | None = None

    @property
    def machine_or_own(self) -> Machine:
        """Return what executors may use; below the worker's own directory when nothing is said."""
        if self.machine is not None:
            return self.machine
        own = self.run_directory
        return Machine(files_directory=own / "files", cache_directory=own / "cache")
