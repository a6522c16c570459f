"""Runs git so that nothing but our own words decides what it does.

No configuration of the machine, of a user or of a repository counts, no hook runs, nothing asks for
a password, and no secret stands among its arguments: it comes by the environment of the process,
which only its own user and the system's administrator can read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tidemill.core.git import GitFailed

_SAID_CHARS_MAX: Final = 500
_FILE_BLOCK_BYTES: Final = 512
# A shell sets the limit, since code between fork and exec is no place for Python.
_LIMITED: Final = 'ulimit -f "$1" && shift && exec "$@"'
_ALWAYS: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "push.recurseSubmodules": "no",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
}


class GitCommands:
    """Runs git in one bare repository of its own, for at most so long, writing files of a limit."""

    def __init__(self, directory: Path, *, file_bytes_max: int, protocol: str) -> None:
        self._directory = directory
        self._blocks_max = max(1, file_bytes_max // _FILE_BLOCK_BYTES)
        self._protocol = protocol

    async def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        settings: Mapping[str, str] | None = None,
        bytes_max: int | None = None,
    ) -> bytes:
        """Return what a command prints; raises `GitFailed` with what it complains about.

        `settings` count for this command alone and may be secret. With `bytes_max` a command
        that prints more is ended.
        """
        program = shutil.which("git")
        if program is None:
            raise GitFailed("git is not installed on the server.")
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", _LIMITED, "sh", str(self._blocks_max), program, *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, cwd=self._directory, start_new_session=True,
            env=self._environment(settings or {}),
        )  # fmt: skip
        try:
            printed, complaints = await _talked(process, stdin, bytes_max)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode == -signal.SIGXFSZ:
            raise GitFailed("The repository is too large.")
        if process.returncode != 0:
            raise GitFailed(_said(complaints))
        return printed

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        said = {**_ALWAYS, f"protocol.{self._protocol}.allow": "always", **settings}
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._directory),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_CONFIG_COUNT": str(len(said)),
        }
        for number, (key, value) in enumerate(said.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment


async def _talked(
    process: asyncio.subprocess.Process, stdin: bytes, bytes_max: int | None
) -> tuple[bytes, bytes]:
    if bytes_max is None or process.stdout is None or process.stderr is None:
        return await process.communicate(stdin)
    complaining = asyncio.create_task(process.stderr.read())
    telling = asyncio.create_task(_tell(process, stdin))
    try:
        printed = bytearray()
        while part := await process.stdout.read(64 * 1024):
            printed += part
            if len(printed) > bytes_max:
                raise GitFailed("The repository is too large.")
        await telling
        complaints = await complaining
        await process.wait()
        return bytes(printed), complaints
    finally:
        telling.cancel()
        complaining.cancel()
        await asyncio.gather(telling, complaining, return_exceptions=True)


async def _tell(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(stdin)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        # It ended before it had read all; its status tells why.
        return


def said_of(sequence: Sequence[str]) -> str:
    """Return lines that git wrote as one, short enough to be shown."""
    return " ".join(line.strip() for line in sequence if line.strip())[:_SAID_CHARS_MAX]


def _said(complaints: bytes) -> str:
    lines = complaints.decode(errors="replace").replace("\x00", "").splitlines()
    chosen = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!", " !"))]
    return f"git: {said_of(chosen or lines[-3:]) or 'it failed without a word.'}"
