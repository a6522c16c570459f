"""The SQL that asks single items whether they fulfil a condition."""

from __future__ import annotations

from typing import Final

from tidemill.board.filters.compiling import Compiled
from tidemill.board.filters.conditions import AllOf, Condition, OneOf
from tidemill.core.ports import Tx

_ANY: Final = "SELECT 1 FROM work_items AS w WHERE w.tenant_id = :tenant_id AND {} LIMIT 1"


class ItemFilterRepository:
    """Work items, deleted ones too, and conditions."""

    def any_fulfils(self, tx: Tx, condition: Condition, item_ids: tuple[str, ...]) -> bool:
        """Return whether one of the items fulfils `condition`."""
        compiled = Compiled(AllOf((OneOf("id", item_ids), condition)), tx.dialect)
        return tx.one(_ANY.format(compiled.sql), **compiled.parameters) is not None
