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
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from uuid_utils import uuid4

from tidemill.jobs.packages.uv import PackageSource, run_uv

unused_seconds_max: Final = 14 * 86_400.0
_look_seconds: Final = 0.05
_USED: Final = ".used"


async def built(lock: str, source: PackageSource) -> Path:
    """Return the directory with the packages of `lock`; raises `UvFailed` and `UvMissing`.

    Several processes may ask at once: one builds beside, and moves the whole into its place.
    """
    root = source.cache_directory / "packages"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = root / _name(lock)
    if not place.exists():
        async with _alone(root / f"{place.name}.lock"):
            if not place.exists():
                await asyncio.to_thread(_forget_unused, root)
                await _build(lock, place, source)
    await asyncio.to_thread(_touch, place)
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
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # The kernel tells nobody that waits without blocking a thread.
                await asyncio.sleep(_look_seconds)
        yield
    finally:
        os.close(descriptor)


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


def _touch(place: Path) -> None:
    (place / _USED).touch()


def _forget_unused(root: Path) -> None:
    before = time.time() - unused_seconds_max
    for place in root.iterdir():
        mark = place / _USED
        if place.is_dir() and mark.exists() and mark.stat().st_mtime < before:
            shutil.rmtree(place, ignore_errors=True)
