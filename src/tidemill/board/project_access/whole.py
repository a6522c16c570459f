"""The way round the walls, for what must hold for all projects at once."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

from tidemill.board.project_access.models import Reader
from tidemill.core.ports import Tx


@runtime_checkable
class Walled(Protocol):
    """A transaction behind walls, and who is before them: `whole` is the same one without them."""

    whole: Tx
    reader: Reader


def whole(tx: Tx) -> Tx:
    """Return the transaction without walls.

    Nothing that is read by it may be told, and nothing be written that somebody did not mean.
    """
    return cast("Walled", tx).whole if isinstance(tx, Walled) else tx


def reader_behind(tx: Tx) -> Reader | None:
    """Return for whom the transaction reads, None where nothing is hidden."""
    return cast("Walled", tx).reader if isinstance(tx, Walled) else None
