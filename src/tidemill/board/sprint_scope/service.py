"""Keeps the ledger in the transactions that change items."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.contract import ProjectId, SprintId, WorkItemId
from tidemill.board.sprint_errors import SprintEnded, SprintNotFound, WrongSprint
from tidemill.board.sprint_scope import repository
from tidemill.board.sprint_scope.models import OpenSprint, Planned, ScopeEvent, scope_events
from tidemill.board.texts import is_uuid
from tidemill.core.ports import Tx

_ENDED = frozenset({"completed", "cancelled"})


class SprintScope:
    """What sprints know of the items in them."""

    def enterable(
        self, tx: Tx, reference: str, project_id: ProjectId, *, param: str = "sprint_id"
    ) -> OpenSprint:
        """Return the sprint that items of a project shall enter; it cannot end meanwhile.

        Raises `SprintNotFound`, `WrongSprint` for one of another project, and `SprintEnded`.
        """
        found = repository.sprint(tx, SprintId(reference)) if is_uuid(reference) else None
        if found is None:
            raise SprintNotFound(reference, param=param)
        if found.project_id != project_id:
            raise WrongSprint(found.name, param=param)
        if found.status in _ENDED:
            raise SprintEnded(found.name, found.status, param=param)
        return found

    def is_open(self, tx: Tx, sprint_id: SprintId) -> bool:
        """Return whether the sprint still takes items; it cannot end meanwhile."""
        found = repository.sprint(tx, sprint_id)
        return found is not None and found.status not in _ENDED

    def changed(
        self,
        tx: Tx,
        item_id: WorkItemId,
        old: Planned | None,
        new: Planned | None,
        *,
        carried_over: bool = False,
    ) -> None:
        """Write what it means for sprints that an item was `old` and is `new`."""
        if old != new:
            events = scope_events(old, new, carried_over=carried_over)
            repository.add(tx, item_id, events)

    def events(self, tx: Tx, sprint_id: SprintId) -> Sequence[ScopeEvent]:
        """Return a sprint's ledger, oldest first."""
        return repository.events_of(tx, sprint_id)
