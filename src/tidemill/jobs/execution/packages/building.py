"""Installs what a lock names into a directory, once for each lock, whoever asks first."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from uuid_utils import uuid4

from tidemill.jobs.execution.packages.uv import PackageSource, run_uv

unused_seconds_max: Final = 14 * 86_400.0
_look_seconds: Final = 0.05
_USED: Final = ".used"
_LOCK: Final = ".lock"


async def built(lock: str, source: PackageSource) -> Path:
    """Return the directory with the packages of `lock`; raises `UvFailed` and `UvMissing`.

    Several processes may ask at once: one builds beside, and moves the whole into its place.
    """
    root = source.cache_directory / "packages"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = root / _name(lock)
    while not await asyncio.to_thread(_is_marked_used, place):
        async with _alone(root / f"{place.name}{_LOCK}"):
            if not place.exists():
                await asyncio.to_thread(_forget_unused, root)
                await asyncio.to_thread(_forget_killed, root, place.name)
                await _build(lock, place, source)
    return place


async def _build(lock: str, place: Path, source: PackageSource) -> None:
    beside = place.with_name(f"{place.name}.{uuid4().hex}")
    command = [
        "install", "--target", str(beside), "--require-hashes", "--no-deps", "-r", "-",
        "--link-mode", "copy", "--compile-bytecode",
    ]  # fmt: skip
    try:
        await run_uv(command, source, stdin=lock.encode())
        await asyncio.to_thread(_open_for_reading, beside)
        beside.rename(place)
    finally:
        await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    descriptor = _locked(path)
    while descriptor is None:
        # The kernel tells nobody that waits without blocking a thread.
        await asyncio.sleep(_look_seconds)
        descriptor = _locked(path)
    try:
        yield
    finally:
        _unlock(path, descriptor)


def _unlock(path: Path, descriptor: int) -> None:
    # Nobody needs it once the place is there; who waits for it opens another one.
    path.unlink(missing_ok=True)
    os.close(descriptor)


def _locked(path: Path) -> int | None:
    """Return a descriptor that holds the lock at `path`, or None while somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another holder may have removed the file that was opened here.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _open_for_reading(place: Path) -> None:
    # As root each job is a user of its own; nobody else comes past the directory above.
    for folder, _, files in os.walk(place):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            file.chmod(file.stat().st_mode | 0o444)


def _name(lock: str) -> str:
    machine = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    return hashlib.sha256(f"{machine}\n{lock}".encode()).hexdigest()[:40]


def _is_marked_used(place: Path) -> bool:
    """Say that `place` is in use; return False when there is none, or none any more."""
    try:
        (place / _USED).touch()
    except FileNotFoundError:
        return False
    return True


def _forget_unused(root: Path) -> None:
    before = time.time() - unused_seconds_max
    for place in root.iterdir():
        # Another process may forget the same.
        with suppress(FileNotFoundError, NotADirectoryError):
            if (place / _USED).stat().st_mtime < before:
                # At once, so that nobody finds a half of it.
                gone = place.with_name(f"{place.name}.{uuid4().hex}")
                place.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)


def _forget_killed(root: Path, own: str) -> None:
    """Remove what killed builds have left: their halves and locks, which nobody holds any more."""
    left = {path.name.partition(".")[0] for path in root.iterdir() if "." in path.name}
    for name in left:
        lock = root / f"{name}{_LOCK}"
        descriptor = None if name == own else _locked(lock)
        if descriptor is None and name != own:
            continue
        for half in root.glob(f"{name}.*"):
            if half.is_dir():
                shutil.rmtree(half, ignore_errors=True)
        if descriptor is not None:
            _unlock(lock, descriptor)
