"""What one can do with states."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx
from tidemill.jobs.errors import StateTooLarge
from tidemill.jobs.scripts.models import script_path
from tidemill.jobs.states.models import State
from tidemill.jobs.states.repository import StateRepository

state_bytes_max: Final = 64 * 1024


class StateService:
    """Use cases of states."""

    def __init__(self, tenants: Database) -> None:
        self._database = tenants
        self._states = StateRepository()

    async def put(self, path: str, value: Any, *, actor: Actor) -> State:
        """Keep `value` for the next run of the script at `path`."""
        checked = script_path(path)
        encoded = msgspec.json.encode(value)
        if len(encoded) > state_bytes_max:
            raise StateTooLarge(len(encoded), state_bytes_max)
        by = actor.user_id or actor.id

        def use_case(tx: Tx) -> State:
            self._states.put(tx, checked, encoded.decode(), by=by)
            return State(checked, encoded.decode(), tx.now, by)

        return await self._database.write(actor.tenant_id, use_case)

    async def find(self, path: str, *, actor: Actor) -> State | None:
        """Return what the script at `path` has kept, if anything."""
        checked = script_path(path)
        return await self._database.read(actor.tenant_id, lambda tx: self._states.find(tx, checked))
