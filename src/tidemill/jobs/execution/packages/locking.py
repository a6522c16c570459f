"""Pins packages: every one that is needed, with its version and the hashes of its files."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

from uuid_utils import uuid4

from tidemill.jobs.execution.packages.models import Packages
from tidemill.jobs.execution.packages.uv import PackageSource, run_uv

kept_seconds_max: Final = 86_400.0
_at_once = asyncio.Semaphore(2)


async def lock_packages(packages: Packages, source: PackageSource) -> str:
    """Return the lock of `packages`; raises `UvFailed` and `UvMissing`.

    It is for this Python and this platform. The same question within a day has the same answer.
    """
    if not packages.dependencies:
        return ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    kept = source.cache_directory / "locks" / f"{packages.digest}-{version}.txt"
    if kept.exists() and time.time() - kept.stat().st_mtime < kept_seconds_max:
        return kept.read_text()
    command = [
        "compile", "-", "--generate-hashes", "--no-header", "--no-annotate", "--no-strip-markers",
    ]  # fmt: skip
    async with _at_once:
        printed = await run_uv(command, source, stdin="\n".join(packages.dependencies).encode())
    lock = printed.decode()
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whoever reads it meanwhile must not take half of it for the whole.
    beside = kept.with_name(f"{kept.name}.{uuid4().hex}")
    beside.write_text(lock)
    beside.rename(kept)
    return lock
