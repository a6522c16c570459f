"""The way round the walls, for what must hold for all projects at once."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

from tidemill.core.ports import Tx


@runtime_checkable
class Walled(Protocol):
    """A transaction behind walls: `whole` is the same one without them."""

    whole: Tx


def whole(tx: Tx) -> Tx:
    """Return the transaction without walls.

    Nothing that is read by it may be told, and nothing be written that somebody did not mean.
    """
    return cast("Walled", tx).whole if isinstance(tx, Walled) else tx
