"""The SQL of states."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.states.models import State

_PUT: Final = """
    INSERT INTO script_states (tenant_id, path, value, updated_at, updated_by)
    VALUES (:tenant_id, :path, :value, :now, :by)
    ON CONFLICT (tenant_id, path) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_FIND: Final = """
    SELECT path, value, updated_at, updated_by FROM script_states
    WHERE tenant_id = :tenant_id AND path = :path
"""


class StateRepository:
    """States of one tenant's scripts."""

    def put(self, tx: Tx, path: str, value: str, *, by: str) -> None:
        """Keep a value."""
        tx.execute(_PUT, path=path, value=value, by=by)

    def find(self, tx: Tx, path: str) -> State | None:
        """Return what is kept at `path`."""
        row = tx.one(_FIND, path=path)
        return State(*row) if row else None
