"""Bytes on their way in, as a file that is written and digested part by part."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import uuid_utils

from tidemill.core.blobs import BlobsUnavailable

gathered_bytes: Final = 256 * 1024
"""How much is gathered before a thread writes it: each step to a thread costs 50 µs."""


class Spool:
    """A file that grows; what a crash leaves of it is removed as a left-over."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.bytes_written = 0
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._is_open = True
        self._lock = threading.Lock()

    @classmethod
    async def open(cls, directory: Path) -> Spool:
        """Begin a file in `directory`, which is made where it is not there."""
        path = directory / str(uuid_utils.uuid7())
        try:
            return cls(path, await asyncio.to_thread(_create, path))
        except OSError as error:
            raise away(directory, error) from error

    @property
    def sha256(self) -> str:
        """See `IncomingBlob.sha256`; what is gathered counts."""
        digest = self._digest.copy()
        for part in self._gathered:
            digest.update(part)
        return digest.hexdigest()

    async def write(self, part: bytes) -> None:
        """See `IncomingBlob.write`."""
        self.bytes_written += len(part)
        self._gathered.append(part)
        self._gathered_bytes += len(part)
        if self._gathered_bytes >= gathered_bytes:
            await self._in_thread(self._write_all, self._taken())

    async def finish(self) -> None:
        """Write the rest, and wait until the disk has all of it."""
        await self._in_thread(self._finish, self._taken())

    async def reader(self) -> IO[bytes]:
        """Write the rest, and return all of it from its beginning, for the caller to close."""
        await self._in_thread(self._write_all, self._taken())
        file = os.fdopen(os.dup(self._descriptor), "rb")
        file.seek(0)
        return file

    async def discard(self) -> None:
        """Close the file, and remove it if it still has its name."""
        await asyncio.to_thread(self._discard)

    async def _in_thread(self, step: Callable[[list[bytes]], None], parts: list[bytes]) -> None:
        try:
            await asyncio.to_thread(step, parts)
        except OSError as error:
            raise away(self.path.parent, error) from error

    def _taken(self) -> list[bytes]:
        parts, self._gathered, self._gathered_bytes = self._gathered, [], 0
        return parts

    # A caller that is cancelled leaves its thread at work: the lock keeps that from writing to a
    # descriptor that is somebody else's by then.

    def _write_all(self, parts: list[bytes]) -> None:
        with self._lock:
            if not self._is_open:
                return
            for part in parts:
                self._digest.update(part)
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]

    def _finish(self, parts: list[bytes]) -> None:
        self._write_all(parts)
        with self._lock:
            if self._is_open:
                os.fsync(self._descriptor)

    def _discard(self) -> None:
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.close(self._descriptor)
        # A name that was given away is not there any more.
        self.path.unlink(missing_ok=True)


def away(place: Path, error: OSError) -> BlobsUnavailable:
    """Return what callers are told when the disk refuses."""
    return BlobsUnavailable(str(place), (error.strerror or type(error).__name__).lower())


def _create(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
