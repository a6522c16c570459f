"""How guessing is slowed down without letting anybody lock others out."""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec import Struct

from tidemill.core.addresses import network_of
from tidemill.core.clock import Instant

tarpit_from_failures: Final = 5
tarpit_step_seconds: Final = 0.25
tarpit_seconds_max: Final = 2.0


class Limits(Struct, frozen=True, kw_only=True):
    """How many wrong passwords are let pass in a window of time."""

    account_failures_max: int
    address_failures_max: int
    window_seconds: int


class Count(Struct, frozen=True):
    """Failures under one key, and when they are forgotten."""

    failures: int
    window_ends_at: Instant


class Reserved(Struct, frozen=True, kw_only=True):
    """An attempt that was counted before its password was looked at.

    Counting first means that fifty guesses at once are fifty, however slow the check is.
    """

    account_key: str
    address_key: str
    failures: int
    paused_until: Instant | None = None


def tarpit_seconds(failures: int) -> float:
    """Return how long the answer to a wrong password waits."""
    over = max(0, failures - tarpit_from_failures + 1)
    return min(over * tarpit_step_seconds, tarpit_seconds_max)


def account_key(email_key: str, known_address: str | None) -> str:
    """Return the key under which an account's failures count.

    Each address that its owner has logged in from counts by itself, so that strangers who guess
    elsewhere pause only strangers.
    """
    digest = hashlib.sha256(email_key.encode()).hexdigest()[:32]
    return f"account:{digest}" if known_address is None else f"account:{digest}:{known_address}"


def email_digest(email_key: str) -> str:
    """Return how the audit log names an account that may not exist.

    What was typed is not kept: people type passwords into the wrong field.
    """
    return hashlib.sha256(email_key.encode()).hexdigest()[:16]


def address_key(address: str | None) -> str:
    """Return the key under which an address's failures count."""
    return f"address:{network_of(address)}"


def address_hash(address: str | None) -> str:
    """Return how a known address is kept."""
    return hashlib.sha256(network_of(address).encode()).hexdigest()[:32]
