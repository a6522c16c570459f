"""Containers: the engine's command line, started by our own code with the job's limits.

An engine is a way past every wall of this machine, so it needs the operator's consent
(`executors.containers`).
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from msgspec import structs
from uuid_utils import uuid7

from tidemill.core.errors import TidemillError
from tidemill.jobs.execution.executors.contract import Machine, NotPrepared, Preparation
from tidemill.jobs.execution.isolation.plan import Walls
from tidemill.jobs.execution.languages.container import engine, parse_container
from tidemill.jobs.protocol.messages import Assignment

log = structlog.get_logger("tidemill.jobs.execution.executors")

engine_seconds_max: Final = 30.0
_HOLDER: Final = "containers"


async def take_containers(machine: Machine, directory: Path) -> Machine:
    """Return `machine` with the name that the worker's containers bear; it lasts in `directory`.

    Containers that outlived the worker when it was killed are removed: to be called before it takes
    jobs, since afterwards nobody could tell them from those of its new ones. An engine that does
    not answer is told in the log, and keeps no worker from its other jobs.
    """
    command = engine() if machine.containers else None
    if command is None:
        return machine
    machine = structs.replace(machine, holder=_holder_in(directory / _HOLDER))
    try:
        async with asyncio.timeout(engine_seconds_max):
            listed = await _asked(command, "ps", "--all", "--quiet", "--filter", _filter(machine))
            if left := listed.split():
                await _asked(command, "rm", "--force", *left)
                log.warning("worker.containers_removed", count=len(left))
    except (OSError, TimeoutError) as error:
        log.warning("worker.containers_not_removed", reason=repr(error))
    return machine


def _holder_in(file: Path) -> str:
    # Two installations may give their workers the same name, and share an engine.
    name = file.read_text().strip() if file.exists() else ""
    if not name:
        name = str(uuid7())
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(name)
    return name


def _filter(machine: Machine) -> str:
    return f"label={_label(machine)}"


def _label(machine: Machine) -> str:
    return f"tidemill.worker={machine.holder}"


async def _asked(*command: str) -> str:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdin=null, stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        out, told = await process.communicate()
    finally:
        if process.returncode is None:
            # With what it has started, which holds the pipes: its end is told when they are closed.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise OSError(told.decode(errors="replace").strip())
    return out.decode()


class ContainerExecutor:
    """Images, with the last line of output as the result."""

    answers = False

    async def prepare(self, job: Assignment, machine: Machine, /) -> Preparation:
        """See `Executor.prepare`."""
        if not machine.containers:
            raise NotPrepared(
                "ContainersNotAllowed",
                "This worker runs no containers. The operator can allow them: "
                "executors.containers = true.",
            )
        command = engine()
        try:
            wanted = parse_container(job.content)
        except TidemillError as error:
            raise NotPrepared(type(error).__name__, str(error)) from None
        defaults = {name: one["default"] for name, one in wanted.args.items() if "default" in one}
        return Preparation(
            walls=Walls.NONE,
            merged=False,
            settings={
                "engine": command,
                "image": wanted.image,
                "command": wanted.command,
                "env": wanted.env,
                "defaults": defaults,
                "label": _label(machine),
                "name": f"tidemill-{job.job_id}-{job.epoch}",
                "memory_bytes_max": job.memory_bytes_max,
                "processes_max": job.processes_max,
            },
        )
