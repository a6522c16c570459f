"""What a worker asks of whatever runs its jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from tidemill.jobs.isolation.keeper import Keeper
from tidemill.jobs.protocol.messages import (
    Assignment,
    Held,
    Outcome,
    RegisteredFunction,
    Verdict,
)
from tidemill.jobs.worker.execution import Execution, Surroundings
from tidemill.jobs.worker.output import JobLog

OnSettings = Callable[[Mapping[str, Any]], None]
"""Takes what is stored of the installation's settings, by key."""


class Look(Struct, frozen=True):
    """What there is to see of a worker: whether it is connected, and how busy it is."""

    connected: bool
    slots: int
    running: int
    keeper: Keeper


def ignore_settings(values: Mapping[str, Any]) -> None:
    """Go on with what the worker was started with."""
    del values


class Running(Protocol):
    """One attempt of one job, however it is run; see `Execution`."""

    assignment: Assignment
    held: Held

    @property
    def started(self) -> asyncio.Future[int]:
        """When its own code began, for who awaits that."""
        ...

    @property
    def log(self) -> JobLog | None:
        """What it has printed so far, if anything."""
        ...

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """End the job early."""
        ...

    async def run(self, surroundings: Surroundings) -> Outcome:
        """Run the job to its end, whatever that is."""
        ...


class Functions(Protocol):
    """What calls functions of the operator's own code in this process."""

    def start(self) -> None:
        """Make what calls need; on the worker's loop."""
        ...

    def stop(self) -> None:
        """Let go of it."""
        ...

    def registered(self) -> tuple[RegisteredFunction, ...]:
        """Return what to tell the dispatcher."""
        ...

    def execution(self, assignment: Assignment) -> Running:
        """Return the execution of `assignment`, not started yet."""
        ...


class NoFunctions:
    """Functions of a worker that offers none."""

    def start(self) -> None:
        """Nothing to make."""

    def stop(self) -> None:
        """Nothing to let go of."""

    def registered(self) -> tuple[RegisteredFunction, ...]:
        """Return none."""
        return ()

    def execution(self, assignment: Assignment) -> Running:
        """Return what refuses the job, as any that the worker does not offer."""
        return Execution(assignment)
