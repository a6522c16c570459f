"""What other features may ask of work items by the filter language of the board."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from tidemill.board.contract import ProjectId
from tidemill.core.actor import Actor
from tidemill.core.module import Port
from tidemill.core.ports import Tx


class ItemFilters(Protocol):
    """Checks filters, and says of items whether they pass, in the transaction of the caller."""

    def project_id(self, tx: Tx, reference: str) -> ProjectId:
        """Return the id of a living project by its id or key; raises `ProjectNotFound`."""
        ...

    def check(self, tx: Tx, text: str, *, actor: Actor) -> None:
        """Return when `text` is a filter that can be kept.

        Raises `InvalidFilter`, also for an order, and for `me`, which nobody is later on.
        """
        ...

    def passes(self, tx: Tx, text: str, item_ids: Collection[str]) -> bool:
        """Return whether any of the items, deleted ones too, is as `text` wants it now.

        Raises `InvalidFilter` when what the filter names is gone.
        """
        ...


ITEM_FILTERS: Final[Port[ItemFilters]] = Port("item filters")
