"""What can go wrong between a process and its bus."""

from __future__ import annotations

from tidemill.core.errors import InvalidInput, Unavailable


class BusUnavailable(Unavailable):
    """The event bus cannot be reached, or has not taken what was sent."""

    code = "BUS_UNAVAILABLE"

    def __init__(self, bus: str, reason: object) -> None:
        super().__init__(f"The event bus ({bus}) is away: {reason}. Facts wait in the log.")


class InvalidSubject(InvalidInput):
    """A tenant, feature or fact name holds characters that a bus would read as a pattern."""

    code = "INVALID_SUBJECT"

    def __init__(self, token: str) -> None:
        super().__init__(f"{token!r} cannot be a part of a subject: use A-Z, a-z, 0-9, '-', '_'.")
