"""Writes single items as files ask for them; works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.activities.service import History
from tidemill.board.contract import ProjectId
from tidemill.board.errors import WorkItemNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_documents.models import Belongings, Called, ItemPart
from tidemill.board.project_documents.repository import ProjectDocumentRepository
from tidemill.board.project_git.item_files import Values
from tidemill.board.project_git.values import Names, new_of, values_of
from tidemill.board.projects.models import Project
from tidemill.board.work_items.changing.models import Rules
from tidemill.board.work_items.changing.service import Changing
from tidemill.board.work_items.creating.service import Creating
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, check_project_active
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class ItemWriting:
    """Makes, changes and restores items, each with its history."""

    def __init__(self, limits: BoardLimits) -> None:
        self._documents = ProjectDocumentRepository()
        self._labelling = Labelling(limits)
        self._items = WorkItemRepository()
        self._creating = Creating(limits)
        self._changing = Changing(limits)
        self._history = History()

    def make(
        self, tx: Tx, values: Values, project: Project, names: Names, rules: Rules, *, by: Actor
    ) -> WorkItem:
        """Make the item of a new file; raises `UnreadableFile` and what making one raises."""
        new = new_of(values, names, project.key)
        self._make_labels(tx, project.id, new.labels, by=by)
        item = self._creating.make(tx, new, rules.sprint_types, by=by)
        if values.get("archived"):
            item = self.change(tx, item.id, WorkItemChanges(archived=True), rules, by=by) or item
        return item

    def change(
        self, tx: Tx, item_id: str, changes: WorkItemChanges, rules: Rules, *, by: Actor
    ) -> WorkItem | None:
        """Change an item; None where nothing differs. Raises what changing one raises."""
        item = self._held(tx, item_id)
        if item.deleted_at is not None:
            raise WorkItemNotFound(item.key)
        check_project_active(item)
        if isinstance(changes.labels, tuple):
            self._make_labels(tx, item.project_id, changes.labels, by=by)
        step = self._changing.changed(tx, item, changes, rules, by=by)
        if step is None:
            return None
        done = self._changing.write(tx, step, by=by)
        self._history.updated(tx, done.item.state(), done.fields, by=by)
        self._changing.tell(tx, done.watched, by=by)
        return done.item

    def restore(self, tx: Tx, item_id: str, project: Project, *, by: Actor) -> None:
        """Bring a deleted item back; raises what restoring one raises."""
        item = self._held(tx, item_id)
        if item.project_id != project.id:
            raise WorkItemNotFound(item.key)
        step = self._changing.restored(tx, item)
        if step is not None:
            done = self._changing.write(tx, step, by=by)
            self._history.restored(tx, done.item.state(), by=by)
            self._changing.tell(tx, done.watched, by=by)

    def values(self, tx: Tx, item: WorkItem, called: Called) -> dict[str, str]:
        """Return what the file of an item says."""
        keys = self._documents.keys(tx, {item.parent_id} if item.parent_id else set())
        [shown] = self._labelling.shown(tx, [item])
        parent = keys.get(item.parent_id or "")
        return values_of(ItemPart.of(shown, parent, called, Belongings()))

    def _held(self, tx: Tx, item_id: str) -> WorkItem:
        item = self._items.find(tx, item_id, lock="change")
        if item is None:
            raise WorkItemNotFound(item_id)
        [shown] = self._labelling.shown(tx, [item])
        return shown

    def _make_labels(
        self, tx: Tx, project_id: ProjectId, names: Sequence[str], *, by: Actor
    ) -> None:
        if names:
            self._labelling.found_or_made(tx, project_id, names, by=by)
