"""Who a worker is: the same one after a restart, and never one that another process is."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import Final

from uuid_utils import uuid7

workers_per_machine_max: Final = 256


class TooManyWorkers(RuntimeError):
    """As many workers as there may be use the same directory."""


class WorkerIdentity:
    """A name that this process holds until it ends; a worker that follows it gets it again.

    So a worker that was killed and starts again says at once that it does not run its former
    jobs, and they need not wait for the end of its lease. The name carries chance from the file:
    machines with equal host names are not taken for one another.
    """

    def __init__(self, name: str, directory: Path, descriptor: int) -> None:
        self.name = name
        self.directory = directory
        self._descriptor = descriptor

    @classmethod
    def take(cls, state: Path) -> WorkerIdentity:
        """Return the first name of this directory that nobody holds."""
        workers = state / "workers"
        workers.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, workers_per_machine_max + 1):
            directory = workers / str(number)
            directory.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(directory / "name", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            return cls(_name_in(descriptor), directory, descriptor)
        raise TooManyWorkers(f"{workers_per_machine_max} workers use {state} already.")

    def release(self) -> None:
        """Let the next worker have the name."""
        os.close(self._descriptor)


def _name_in(descriptor: int) -> str:
    name = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
    if not name:
        name = f"{socket.gethostname()[:40]}-{str(uuid7())[-12:]}"
        os.pwrite(descriptor, f"{name}\n".encode(), 0)
    return name
