"""What one can do with states."""

from __future__ import annotations

from typing import Any

from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx
from tidemill.jobs.code.functions.models import check_name
from tidemill.jobs.code.scripts.models import script_path
from tidemill.jobs.code.states.models import State, encoded
from tidemill.jobs.code.states.repository import StateRepository
from tidemill.jobs.folders.models import Level, function_path
from tidemill.jobs.folders.service import FolderRules, FolderService


class ScriptStateService:
    """Use cases of scripts' states; they lie with their folders, in the tenant's store."""

    def __init__(self, tenants: Database) -> None:
        self._database = tenants
        self._states = StateRepository()
        self._rules = FolderRules()

    async def put(self, path: str, value: Any, *, actor: Actor) -> State:
        """Keep `value` for the next run of the script at `path`; raises `StateTooLarge`."""
        checked, text = script_path(path), encoded(value)

        def use_case(tx: Tx) -> State:
            self._rules.check(tx, checked, Level.RUN, actor)
            return self._states.put_of_script(tx, checked, text, by=actor.user_id or actor.id)

        return await self._database.write(actor.tenant_id, use_case)

    async def find(self, path: str, *, actor: Actor) -> State | None:
        """Return what the script at `path` has kept, if anything."""
        checked = script_path(path)

        def use_case(tx: Tx) -> State | None:
            self._rules.check(tx, checked, Level.READ, actor)
            return self._states.find_of_script(tx, checked)

        return await self._database.read(actor.tenant_id, use_case)


class FunctionStateService:
    """Use cases of functions' states; they lie beside the queue, which every shape has."""

    def __init__(self, jobs: Database, folders: FolderService | None = None) -> None:
        self._database = jobs
        self._folders = folders
        self._states = StateRepository()

    async def put(self, name: str, value: Any, *, actor: Actor) -> State:
        """Keep `value` for the next job of the function `name`; raises `StateTooLarge`."""
        check_name(name)
        await self._require(name, Level.RUN, actor)
        text = encoded(value)

        def use_case(tx: Tx) -> State:
            return self._states.put_of_function(tx, name, text, by=actor.user_id or actor.id)

        return await self._database.write(actor.tenant_id, use_case)

    async def find(self, name: str, *, actor: Actor) -> State | None:
        """Return what is kept for the function `name`, if anything."""
        check_name(name)
        await self._require(name, Level.READ, actor)
        return await self._database.read(
            actor.tenant_id, lambda tx: self._states.find_of_function(tx, name)
        )

    async def _require(self, name: str, wanted: Level, actor: Actor) -> None:
        if self._folders is not None:
            await self._folders.require(function_path(name), wanted, actor=actor)
