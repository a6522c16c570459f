"""Queues at a broker, as what carries jobs to workers needs them.

Every adapter passes the suite in `tests/conformance/queues`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from tidemill.core.errors import Unavailable
from tidemill.core.module import Port


class QueuesUnavailable(Unavailable):
    """The broker that carries jobs cannot be reached."""

    code = "QUEUES_UNAVAILABLE"

    def __init__(self, broker: str, reason: str) -> None:
        super().__init__(
            f"The broker of jobs ({broker}) is away: {reason}. Jobs wait, and none is lost."
        )


class Delivery(Protocol):
    """A packet that a queue has delivered; it comes again unless it is done in time."""

    payload: bytes

    def done(self) -> None:
        """Let the broker forget it."""
        ...

    def keep(self) -> None:
        """Say that it is still being worked on."""
        ...


Take = Callable[[Delivery], None]


class Queues(Protocol):
    """One process's way to a broker; it heals by itself.

    What is sent arrives at least once, in the order of one sender unless a connection was lost
    in between. A broker that is wiped loses what it held.
    """

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers now."""
        ...

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        ...

    async def stop(self) -> None:
        """Send what waits, within a limit, and disconnect."""
        ...

    async def ready(self, seconds_max: float) -> None:
        """Return when the broker answers; raises `QueuesUnavailable`."""
        ...

    async def check(self) -> str | None:
        """Return why nothing is carried right now, or None."""
        ...

    async def consume(self, queue: str, take: Take, *, window: int, lasting: bool) -> None:
        """Make `queue`, and hand over what comes, up to `window` packets that are not done.

        A queue that is not `lasting` goes when nobody has read it for ten minutes. It is for one
        reader: of two, each may get a part, or one waits. After a lost connection this goes on by
        itself, and what was not done comes again.
        """
        ...

    async def leave(self, queue: str, *, delete: bool) -> None:
        """Read `queue` no more, and delete it when nobody else is meant to read it."""
        ...

    def send(self, queue: str, payload: bytes, *, packet_id: str, sent: Callable[[], None]) -> None:
        """Send a packet; `sent` is called once the broker has confirmed it.

        Without a connection it waits for the next one. The broker drops what comes again under the
        same `packet_id`, where it can.
        """
        ...


JOB_QUEUES: Final[Port[Queues]] = Port("queues of jobs")
"""Filled by the runtime where a broker carries jobs."""
