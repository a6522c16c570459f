"""Containers: the engine's command line, started by our own code with the job's limits.

An engine is a way past every wall of this machine, so it needs the operator's consent
(`executors.containers`).
"""

from __future__ import annotations

from tidemill.core.errors import TidemillError
from tidemill.jobs.executors.contract import Machine, NotPrepared, Preparation
from tidemill.jobs.isolation.plan import Walls
from tidemill.jobs.languages.container import engine, parse_container
from tidemill.jobs.protocol.messages import Assignment


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
                "name": f"tidemill-{job.job_id}-{job.epoch}",
                "memory_bytes_max": job.memory_bytes_max,
                "processes_max": job.processes_max,
            },
        )
