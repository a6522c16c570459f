"""Blobs as files: `TENANT/blobs/AB/DIGEST.ID` below the directory of tenants."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from tidemill.core.blobs import BlobMissing, IncomingBlob
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ids import InvalidTenantId, TenantId, tenant_id
from tidemill.infrastructure.blobs.names import INCOMING, checked, is_ours, name_of
from tidemill.infrastructure.blobs.spool import Spool, away

part_bytes: Final = 256 * 1024
_FOLDER: Final = "blobs"


class DirectoryBlobs:
    """See `BlobStore`; everything is readable by this user only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def begin(self, tenant_id: TenantId) -> IncomingBlob:
        """See `BlobStore.begin`."""
        folder = self._folder(tenant_id)
        return _Incoming(folder, await Spool.open(folder / INCOMING))

    async def read(
        self, tenant_id: TenantId, name: str, *, start: int, length: int
    ) -> AsyncIterator[bytes]:
        """See `BlobStore.read`."""
        path = self._path(tenant_id, name)
        first = await _part(path, start, length)
        return _parts(path, first, start, start + length)

    async def remove(self, tenant_id: TenantId, name: str) -> None:
        """See `BlobStore.remove`."""
        path = self._path(tenant_id, name)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise away(path.parent, error) from error

    async def older_than(self, tenant_id: TenantId, before: Instant) -> AsyncIterator[str]:
        """See `BlobStore.older_than`."""
        folder = self._folder(tenant_id)
        for part in await asyncio.to_thread(_names, folder):
            for name in await asyncio.to_thread(_old, folder / part, before):
                yield f"{part}/{name}"

    async def tenants(self) -> AsyncIterator[TenantId]:
        """See `BlobStore.tenants`."""
        for name in await asyncio.to_thread(_names, self._directory):
            try:
                tenant = tenant_id(name)
            except InvalidTenantId:
                continue
            if await asyncio.to_thread(self._folder(tenant).is_dir):
                yield tenant

    async def check(self) -> str | None:
        """See `BlobStore.check`."""
        if self._directory.is_dir() and not os.access(self._directory, os.W_OK):
            return f"{self._directory} cannot be written."
        return None

    def _folder(self, tenant: TenantId) -> Path:
        return self._directory / tenant_id(tenant) / _FOLDER

    def _path(self, tenant: TenantId, name: str) -> Path:
        return self._folder(tenant) / checked(name)


class _Incoming:
    """See `IncomingBlob`."""

    def __init__(self, folder: Path, spool: Spool) -> None:
        self._folder = folder
        self._spool = spool

    @property
    def sha256(self) -> str:
        return self._spool.sha256

    @property
    def bytes_written(self) -> int:
        return self._spool.bytes_written

    async def write(self, part: bytes) -> None:
        await self._spool.write(part)

    async def keep(self) -> str:
        await self._spool.finish()
        name = name_of(self.sha256, self._spool.path.name)
        try:
            await asyncio.to_thread(_move, self._spool.path, self._folder / name)
        except OSError as error:
            raise away(self._folder, error) from error
        return name

    async def drop(self) -> None:
        await self._spool.discard()


def _move(draft: Path, path: Path) -> None:
    """Give a file, whose bytes the disk has, its name; return when the disk has that, too."""
    made = not path.parent.exists()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft.rename(path)
    _sync(path.parent)
    if made:
        # The tenant's own directories may be as new as this one.
        for folder in list(path.parent.parents)[:3]:
            _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _parts(path: Path, first: bytes, start: int, end: int) -> AsyncIterator[bytes]:
    # The file is opened for each part: an answer that nobody begins to read leaves nothing open.
    part = first
    while True:
        yield part
        start += len(part)
        if start >= end:
            return
        part = await _part(path, start, end - start)


async def _part(path: Path, start: int, wanted: int) -> bytes:
    try:
        part = await asyncio.to_thread(_read, path, start, min(part_bytes, wanted))
    except FileNotFoundError:
        raise BlobMissing from None
    except OSError as error:
        raise away(path.parent, error) from error
    if not part:
        raise BlobMissing
    return part


def _read(path: Path, start: int, wanted: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, wanted, start)
    finally:
        os.close(descriptor)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _old(folder: Path, before: Instant) -> list[str]:
    return list(_old_in(folder, before / MICROSECONDS_PER_SECOND))


def _old_in(folder: Path, before_seconds: float) -> Iterator[str]:
    for name in _names(folder):
        path = folder / name
        # What is no name of ours was put there by somebody else, and stays.
        if not is_ours(f"{folder.name}/{name}"):
            continue
        try:
            if path.stat().st_mtime < before_seconds:
                yield name
        except FileNotFoundError:
            continue
