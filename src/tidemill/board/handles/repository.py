"""The SQL of handles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tidemill.board.handles.models import Handle, HandleKind
from tidemill.core.ports import Tx

handles_max: Final = 50
# One text for every number of handles, so that it is prepared once: the last one is repeated.
_PLACES: Final = ", ".join(f":handle_{place}" for place in range(handles_max))
_FIND: Final = f"""
    SELECT handle, kind, MIN(user_id), COUNT(*) FROM handles
    WHERE tenant_id = :tenant_id AND handle IN ({_PLACES})
    GROUP BY handle, kind
    ORDER BY handle, kind
"""  # noqa: S608 - names of parameters
_ADD: Final = """
    INSERT INTO handles (tenant_id, handle, kind, user_id)
    VALUES (:tenant_id, :handle, :kind, :user_id)
"""
_REMOVE: Final = "DELETE FROM handles WHERE tenant_id = :tenant_id AND user_id = :user_id"


class HandleRepository:
    """Handles of the tenant's members."""

    def find(self, tx: Tx, handles: Sequence[str]) -> list[Handle]:
        """Return what is known of at most 50 handles."""
        padded = [*handles, *([handles[-1]] * (handles_max - len(handles)))]
        rows = tx.all(_FIND, **{f"handle_{place}": each for place, each in enumerate(padded)})
        return [Handle(row[0], HandleKind(row[1]), row[2], row[3]) for row in rows]

    def add(self, tx: Tx, user_id: str, handles: Mapping[str, HandleKind]) -> None:
        """Add handles of a person who has none."""
        rows = (
            {"handle": handle, "kind": kind.value, "user_id": user_id}
            for handle, kind in handles.items()
        )
        tx.execute_many(_ADD, rows)

    def remove(self, tx: Tx, user_id: str) -> bool:
        """Remove a person's handles; return whether there were any."""
        return tx.execute(_REMOVE, user_id=user_id) > 0
