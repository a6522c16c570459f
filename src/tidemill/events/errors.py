"""Every failure of the event stream."""

from __future__ import annotations

import math

from tidemill.core.errors import InvalidInput, RateLimited, Unauthenticated, Unavailable


class InvalidTopic(InvalidInput):
    """A topic is not of the form `kind:id`, or too many came at once."""

    code = "INVALID_TOPIC"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} A topic is 'tenant' or 'kind:id'.", param="topics")


class InvalidMessage(InvalidInput):
    """A frame from a client is no message of the live protocol."""

    code = "INVALID_MESSAGE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This frame could not be read: {reason}.")


class UnsupportedMessage(InvalidInput):
    """The message is known, and this server does not take it over the socket."""

    code = "UNSUPPORTED_MESSAGE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not taken here; use the HTTP API.")


class InvalidStreamPosition(InvalidInput):
    """`Last-Event-ID` or `since` was not given by this stream."""

    code = "INVALID_STREAM_POSITION"

    def __init__(self) -> None:
        super().__init__("Repeat the id of the last event as it came: 'epoch:number'.")


class TicketRefused(Unauthenticated):
    """The ticket is unknown, used or older than 30 seconds."""

    code = "TICKET_REFUSED"

    def __init__(self) -> None:
        super().__init__("This ticket was used or is too old. Ask for another.")


class TooManyConnections(Unavailable):
    """This process has as many open streams as it may."""

    code = "TOO_MANY_CONNECTIONS"

    def __init__(self) -> None:
        super().__init__("Too many open streams; try again later.", headers={"Retry-After": "5"})


class TooManyStreams(RateLimited):
    """An actor, or a tenant, has as many open streams in this process as it may."""

    code = "TOO_MANY_STREAMS"

    def __init__(self, whose: str, limit: int) -> None:
        super().__init__(
            f"{whose} already has {limit} open streams here. Close one, or follow several topics "
            "on one stream.",
            headers={"Retry-After": "5"},
        )


class TooManyPresenceMessages(RateLimited):
    """A connection has said too often where it is."""

    code = "TOO_MANY_PRESENCE_MESSAGES"

    def __init__(self) -> None:
        super().__init__(
            "You said too often where you are. Say it when it changes, and every few seconds "
            "while you type.",
            param="presence",
            headers={"Retry-After": "1"},
        )


class TooManyReplays(RateLimited):
    """An actor has asked too often for what happened before it came."""

    code = "TOO_MANY_REPLAYS"

    def __init__(self, retry_after_seconds: float) -> None:
        seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(
            f"You asked too often for the past of the stream; subscribe again in {seconds} s.",
            param="since",
            headers={"Retry-After": str(seconds)},
        )
