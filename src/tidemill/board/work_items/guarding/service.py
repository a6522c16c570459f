"""Holds items back where their workflow has conditions; works in the caller's transaction."""

from __future__ import annotations

from typing import Final

from tidemill.board.blocking.service import Blocking
from tidemill.board.project_access.service import role_for_guards
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.workflow_errors import TransitionGuarded
from tidemill.board.workflows.guards import GUARDED_FIELDS, Circumstances, unmet
from tidemill.board.workflows.models import (
    Guard,
    GuardType,
    Workflow,
    validate_status_transition,
)
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx

keys_told_max: Final = 5


class Guarding:
    """The guards of moves."""

    def __init__(self) -> None:
        self._items = WorkItemRepository()
        self._blocking = Blocking()

    def check(self, tx: Tx, old: WorkItem, new: WorkItem, workflow: Workflow, *, by: Actor) -> None:
        """Return when `old` may take the status of `new`, which holds what else shall change.

        Raises what `validate_status_transition` raises, and `TransitionGuarded`.
        """
        guards = validate_status_transition(workflow, old.status, new.status)
        if guards and (held := unmet(guards, self._circumstances(tx, new, guards, by))):
            raise TransitionGuarded(old.status, new.status, held)

    def check_entry(self, tx: Tx, item: WorkItem, workflow: Workflow, *, by: Actor) -> None:
        """Return when `item`, which comes from outside of `workflow`, may have its status.

        Of several moves that lead there the conditions of one must be met. Raises
        `TransitionGuarded`.
        """
        ways = workflow.ways_into(item.status)
        if not ways or () in ways:
            return
        every = tuple(guard for guards in ways for guard in guards)
        circumstances = self._circumstances(tx, item, every, by)
        held = min((unmet(guards, circumstances) for guards in ways), key=len)
        if held:
            raise TransitionGuarded(None, item.status, held)

    def _circumstances(
        self, tx: Tx, item: WorkItem, guards: tuple[Guard, ...], by: Actor
    ) -> Circumstances:
        types = {guard.type for guard in guards}
        blockers, children = [], []
        if GuardType.NO_OPEN_BLOCKERS in types:
            blockers = self._blocking.unfinished(tx, item.id, limit=keys_told_max)
        if GuardType.NO_OPEN_CHILDREN in types:
            children = self._items.open_children(tx, item.id, limit=keys_told_max)
        role = by.role
        if GuardType.ROLE in types:
            role = role_for_guards(tx, item.project_id, by)
        return Circumstances(
            filled=_filled(item), role=role, open_blockers=blockers, open_children=children
        )


def _filled(item: WorkItem) -> frozenset[str]:
    fields = ("assignee_id", *GUARDED_FIELDS)
    return frozenset(field for field in fields if getattr(item, field) not in {None, ()})
