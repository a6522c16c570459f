"""The SQL of states."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.code.states.models import State

_PUT_OF_SCRIPT: Final = """
    INSERT INTO script_states (tenant_id, path, value, updated_at, updated_by)
    VALUES (:tenant_id, :path, :value, :now, :by)
    ON CONFLICT (tenant_id, path) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_FIND_OF_SCRIPT: Final = """
    SELECT value, updated_at, updated_by FROM script_states
    WHERE tenant_id = :tenant_id AND path = :path
"""
_PUT_OF_FUNCTION: Final = """
    INSERT INTO function_states (tenant_id, name, value, updated_at, updated_by)
    VALUES (:tenant_id, :name, :value, :now, :by)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_FIND_OF_FUNCTION: Final = """
    SELECT value, updated_at, updated_by FROM function_states
    WHERE tenant_id = :tenant_id AND name = :name
"""


class StateRepository:
    """States of one tenant: those of scripts lie in its own store, of functions with the jobs."""

    def put_of_script(self, tx: Tx, path: str, value: str, *, by: str) -> State:
        """Keep a value for the script at `path`."""
        tx.execute(_PUT_OF_SCRIPT, path=path, value=value, by=by)
        return State(value, tx.now, by)

    def find_of_script(self, tx: Tx, path: str) -> State | None:
        """Return what is kept for the script at `path`."""
        row = tx.one(_FIND_OF_SCRIPT, path=path)
        return State(*row) if row else None

    def put_of_function(self, tx: Tx, name: str, value: str, *, by: str) -> State:
        """Keep a value for the function `name`."""
        tx.execute(_PUT_OF_FUNCTION, name=name, value=value, by=by)
        return State(value, tx.now, by)

    def find_of_function(self, tx: Tx, name: str) -> State | None:
        """Return what is kept for the function `name`."""
        row = tx.one(_FIND_OF_FUNCTION, name=name)
        return State(*row) if row else None
