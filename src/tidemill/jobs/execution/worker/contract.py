"""What a worker asks of whatever runs its jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from tidemill.jobs.execution.isolation.keeper import Keeper
from tidemill.jobs.execution.worker.execution import Surroundings
from tidemill.jobs.execution.worker.output import JobLog
from tidemill.jobs.protocol.messages import (
    Assignment,
    Held,
    Outcome,
    RegisteredFunction,
    Verdict,
)

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


class Called(Protocol):
    """One attempt of one job that calls a function of the operator's own code."""

    assignment: Assignment
    held: Held
    started_at: int | None

    @property
    def printed(self) -> bool:
        """Whether it has printed anything."""
        ...

    @property
    def log(self) -> JobLog | None:
        """What it has printed, as far as that is on its way; all of it after `close_output`."""
        ...

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """End the job early."""
        ...

    def begin_served(
        self, surroundings: Surroundings, ended: Callable[[Called, Outcome], None]
    ) -> None:
        """Call the function; `ended` is called once with what became of it, maybe at once."""
        ...

    async def close_output(self) -> None:
        """Return once the log has all that was printed."""
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

    def call(self, assignment: Assignment) -> Called | None:
        """Return the call of `assignment`, not begun yet; None where no functions are offered."""
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

    def call(self, assignment: Assignment) -> None:
        """Return nothing."""
