"""What can go wrong between a dispatcher and a worker. None of it ever reaches an HTTP client."""

from __future__ import annotations


class ConnectionLost(Exception):
    """The other side is gone, or was sent away; everything unacknowledged must be said again."""


class ProtocolViolation(ConnectionLost):
    """The other side broke a rule of the protocol, so the connection was closed."""


class UntrustedSocket(Exception):
    """The socket, its directory or its owner could belong to somebody else."""
