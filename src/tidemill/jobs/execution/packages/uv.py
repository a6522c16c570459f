"""Runs uv, which pins and installs packages. It never executes a script, nor a package."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

_OUTPUT_BYTES_MAX: Final = 8 * 1024 * 1024
_KEPT: Final = ("HOME", "LANG", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR")
_KEPT_ENDS: Final = ("_PROXY", "_proxy")


class PackageSource(Struct, frozen=True, kw_only=True):
    """Where packages come from, and how far one goes to get them."""

    cache_directory: Path
    wheels_directory: str = ""
    offline: bool = False
    source_builds: bool = False
    seconds_max: float = 300.0


class UvFailed(Exception):
    """uv said no; the message is its own."""


class UvMissing(Exception):
    """There is no uv here."""


async def run_uv(command: Sequence[str], source: PackageSource, *, stdin: bytes = b"") -> bytes:
    """Return what `uv pip …` prints; raises `UvFailed` and `UvMissing`. Ends it when cancelled."""
    program = find_uv()
    if program is None:
        raise UvMissing
    work = source.cache_directory / "uv"
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        program, "pip", *command, *_options(source),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=_environment(work), cwd=work,
        start_new_session=True, limit=_OUTPUT_BYTES_MAX,
    )  # fmt: skip
    try:
        async with asyncio.timeout(source.seconds_max):
            printed, complaints = await process.communicate(stdin)
    except TimeoutError:
        raise UvFailed(f"It took longer than {source.seconds_max:g} s.") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise UvFailed(complaints.decode(errors="replace").strip())
    return printed


@cache
def find_uv() -> str | None:
    """Return the path of uv: that of its wheel, or the one on the PATH."""
    beside = Path(sys.executable).absolute().with_name("uv")
    if importlib.util.find_spec("uv") is not None and beside.is_file():
        return str(beside)
    return shutil.which("uv")


def _options(source: PackageSource) -> list[str]:
    options = ["--quiet", "--no-progress", "--python", os.path.realpath(sys.executable)]
    if not source.source_builds:
        # What is built from source runs code of its authors on this machine, outside of walls.
        options += ["--only-binary", ":all:"]
    if source.wheels_directory:
        options += ["--find-links", str(Path(source.wheels_directory).absolute())]
    if source.offline:
        options += ["--offline", *(["--no-index"] if source.wheels_directory else [])]
    return options


def _environment(work: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.endswith(_KEPT_ENDS) or name.startswith("UV_")
    }
    return {**kept, "UV_CACHE_DIR": str(work / "cache"), "UV_PYTHON_DOWNLOADS": "never"}
