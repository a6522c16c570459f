"""Append-only files of what jobs print: one for each execution of a job."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from tidemill.core.ids import tenant_id
from tidemill.jobs.queueing.queue.models import day_of, is_uuid7


class LogKey(Struct, frozen=True):
    """Whose output: the tenant, the job's own id, and the execution."""

    tenant_id: str
    job_id: str
    epoch: int


class Chunk(Struct, frozen=True):
    """Output of one execution, from `offset` on."""

    key: LogKey
    offset: int
    data: bytes


_DAY_SECONDS: Final = 86_400
_marker: Final = b"\n[output truncated]\n"
_LOST: Final = "\n[… {} bytes of log were lost …]\n"


class LogFiles:
    """The files below one directory, by tenant and day. Everything here blocks."""

    def __init__(self, directory: Path, *, bytes_max: int) -> None:
        self._directory = directory
        self._bytes_max = bytes_max

    def write(self, chunks: Iterable[Chunk]) -> dict[LogKey, OSError]:
        """Write each chunk at its offset: what was written already is written again, the same.

        Returns why some could not be written; the others are.
        """
        files: dict[LogKey, int] = {}
        failures: dict[LogKey, OSError] = {}
        try:
            for chunk in chunks:
                if chunk.key in failures:
                    continue
                try:
                    if chunk.key not in files:
                        files[chunk.key] = self._opened(chunk.key)
                    self._write(files[chunk.key], chunk)
                except OSError as error:
                    failures[chunk.key] = error
        finally:
            for key, file in files.items():
                try:
                    os.close(file)
                except OSError as error:
                    # Some file systems say only here that they did not keep what was written.
                    failures.setdefault(key, error)
        return failures

    def read(self, key: LogKey, offset: int, bytes_max: int) -> bytes:
        """Return up to `bytes_max` bytes from `offset` on.

        A part that never arrived says so at its begin; the rest of it are NUL bytes.
        """
        try:
            with self._path(key).open("rb") as file:
                file.seek(offset)
                return file.read(bytes_max)
        except FileNotFoundError:
            return b""

    def remove_before(self, day: int) -> None:
        """Remove what was written last before `day`, counted from 1970.

        A job may run long after the day in its id, so that day alone condemns nothing.
        """
        if not self._directory.is_dir():
            return
        for tenant in self._directory.iterdir():
            for folder in tenant.iterdir():
                if folder.name.isdigit() and int(folder.name) < day:
                    _remove_older(folder, day * _DAY_SECONDS)

    def remove(self, tenant: str, job_ids: Iterable[str]) -> None:
        """Remove what jobs have printed, in all of their executions."""
        folders: dict[Path, set[str]] = {}
        for job_id in job_ids:
            folders.setdefault(self._path(LogKey(tenant, job_id, 0)).parent, set()).add(job_id)
        for folder, gone in folders.items():
            with contextlib.suppress(FileNotFoundError):
                for file in folder.iterdir():
                    if file.name.partition(".")[0] in gone:
                        file.unlink(missing_ok=True)

    def _opened(self, key: LogKey) -> int:
        path = self._path(key)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(path, flags, 0o600)

    def _write(self, file: int, chunk: Chunk) -> None:
        # The worker ends a log that is too long; this guards against one that does not.
        room = self._bytes_max - chunk.offset
        if room <= 0:
            return
        gap = chunk.offset - os.fstat(file).st_size
        if gap > 0:
            # What comes late is written over it.
            _write_whole(file, _LOST.format(gap).encode()[:gap], chunk.offset - gap)
        data = chunk.data
        if len(data) > room:
            data = data[:room] + _marker
        _write_whole(file, data, chunk.offset)

    def _path(self, key: LogKey) -> Path:
        if not is_uuid7(key.job_id):
            raise ValueError(key.job_id)
        day = str(day_of(key.job_id))
        return self._directory / tenant_id(key.tenant_id) / day / f"{key.job_id}.{key.epoch}.log"


def _write_whole(file: int, data: bytes, offset: int) -> None:
    # A disk that is nearly full takes a part, and says why only when it is asked for the rest.
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _remove_older(folder: Path, before_seconds: int) -> None:
    for file in folder.iterdir():
        if file.stat().st_mtime < before_seconds:
            file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
