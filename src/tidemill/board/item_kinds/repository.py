"""The SQL of kinds of work items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tidemill.board.item_kinds.models import BUILT_IN, ItemKind, Kinds
from tidemill.core.ports import Tx

kinds_max: Final = 50
_SET: Final = "SELECT id FROM item_kind_sets WHERE tenant_id = :tenant_id"
_ALL: Final = """
    SELECT key, name, color, icon, parents, top_level, in_sprints, position, version, created_at,
        created_by, updated_at, updated_by, retired_at
    FROM item_kinds
    WHERE tenant_id = :tenant_id
    ORDER BY position, key
"""
# Who gives items kinds or parents shares this lock; whoever changes a kind holds it alone.
_SHARE: Final = """
    SELECT pg_advisory_xact_lock_shared(hashtextextended('item-kinds:' || :tenant_id, 0))
"""
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('item-kinds:' || :tenant_id, 0))
"""
_parents = msgspec.json.Decoder(tuple[str, ...])


class ItemKindRepository:
    """The kinds of a tenant."""

    def set_id(self, tx: Tx) -> str | None:
        """Return what all kinds together are called now; None where nobody changed one."""
        row = tx.one(_SET)
        return None if row is None else row[0]

    def load(self, tx: Tx) -> Kinds:
        """Return all kinds."""
        own = [_kind(row) for row in tx.all(_ALL)]
        changed = {kind.key for kind in own}
        return Kinds([*(kind for kind in BUILT_IN if kind.key not in changed), *own])

    def share(self, tx: Tx) -> None:
        """Let nobody change a kind of the tenant until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_SHARE)

    def lock(self, tx: Tx) -> None:
        """Let nobody give items kinds or parents, or change a kind, until this ends."""
        if tx.dialect == "postgres":
            tx.one(_ALONE)


def _kind(row: Sequence[Any]) -> ItemKind:
    (key, name, color, icon, parents, top_level, in_sprints, position, version, *stamps) = row
    created_at, created_by, updated_at, updated_by, retired_at = stamps
    return ItemKind(
        key=key,
        name=name,
        color=color,
        icon=icon,
        parents=_parents.decode(parents),
        top_level=bool(top_level),
        in_sprints=None if in_sprints is None else bool(in_sprints),
        position=position,
        version=version,
        created_at=created_at,
        created_by=created_by,
        updated_at=updated_at,
        updated_by=updated_by,
        retired_at=retired_at,
    )
