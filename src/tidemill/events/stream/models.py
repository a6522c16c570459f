"""The head of a tenant's stream."""

from __future__ import annotations

from msgspec import Struct


class Head(Struct, frozen=True):
    """The last number given, how far the bus has heard, and the epoch of the numbers.

    Numbers of different epochs cannot be compared: a restore begins a new one.
    """

    seq: int
    published_seq: int
    epoch: str
