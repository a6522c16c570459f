"""What seals secrets of other features with the tenant's keys, as those of variables are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from tidemill.core.module import Port
from tidemill.core.ports import Tx


class Sealed(Struct, frozen=True):
    """What may lie in a store: the sealed text, and the id of the key that did it."""

    text: str
    key_id: str


Reseal = Callable[[Tx, str, int], int]
"""Seals anew what another key than this id has sealed, at most so many; returns how many."""


class Sealing(Protocol):
    """Seals in the transaction of the caller, in the tenant's store.

    What is sealed is bound to its `place`, a text with a colon, which no path of a variable has.
    """

    def seal(self, tx: Tx, place: str, plain: str) -> Sealed:
        """Return `plain` sealed for its place; raises `SecretLocked` without a master key."""
        ...

    def open(self, tx: Tx, place: str, sealed: Sealed) -> str:
        """Return what was sealed for this place; raises `SecretLocked`."""
        ...

    def on_renewal(self, reseal: Reseal) -> None:
        """Call `reseal` when a new key shall seal everything again. While modules are built."""
        ...


SEALING: Final[Port[Sealing]] = Port("sealing")
