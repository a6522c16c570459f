"""Holds items back where their workflow has conditions; works in the caller's transaction."""

from __future__ import annotations

from typing import Final

from tidemill.board.blocking.service import Blocking
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.workflow_errors import TransitionGuarded
from tidemill.board.workflows.guards import GUARDED_FIELDS, Circumstances, unmet
from tidemill.board.workflows.models import GuardType, Workflow, validate_status_transition
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
        if not guards:
            return
        types = {guard.type for guard in guards}
        blockers, children = [], []
        if GuardType.NO_OPEN_BLOCKERS in types:
            blockers = self._blocking.unfinished(tx, old.id, limit=keys_told_max)
        if GuardType.NO_OPEN_CHILDREN in types:
            children = self._items.open_children(tx, old.id, limit=keys_told_max)
        circumstances = Circumstances(
            filled=_filled(new), role=by.role, open_blockers=blockers, open_children=children
        )
        if held := unmet(guards, circumstances):
            raise TransitionGuarded(old.status, new.status, held)


def _filled(item: WorkItem) -> frozenset[str]:
    fields = ("assignee_id", *GUARDED_FIELDS)
    return frozenset(field for field in fields if getattr(item, field) not in {None, ()})
