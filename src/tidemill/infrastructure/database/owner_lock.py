"""One process owns a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self


class DataDirectoryInUse(RuntimeError):
    """Another process holds the data directory."""

    def __init__(
        self,
        directory: Path,
        holder: str,
        *,
        advice: str = "Stop it first, or talk to it over its address.",
    ) -> None:
        super().__init__(f"{directory} is in use by process {holder}. {advice}")
        self.directory = directory
        self.holder = holder


class OwnerLock:
    """The right to open the files of a data directory, until it is released."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, directory: Path) -> Self:
        """Take the lock. Raises `DataDirectoryInUse`, which names the holder."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DataDirectoryInUse(directory, holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have the directory; the file stays, since removing it would race."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
