"""Writes what happened to an item everywhere it must be known: activity, fact and audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidemill.board.activities.masking import masked, names_in, within_project, without_job
from tidemill.board.activities.models import (
    Action,
    Activity,
    Happened,
    attachment_field,
    comment_field,
)
from tidemill.board.activities.repository import ActivityRepository
from tidemill.board.contract import (
    FieldChange,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemId,
    WorkItemRestored,
    WorkItemState,
    WorkItemUpdated,
)
from tidemill.board.errors import EditConflict
from tidemill.board.project_access.service import hidden_among
from tidemill.board.project_access.whole import reader_behind
from tidemill.core.actor import Actor
from tidemill.core.facts import Fact
from tidemill.core.ports import Tx


class History:
    """Each method writes in the caller's transaction, beside the change itself."""

    def __init__(self) -> None:
        self._activities = ActivityRepository()

    def created(self, tx: Tx, item: WorkItemState, *, by: Actor) -> None:
        """Write that `item` was made."""
        told = tx.record(WorkItemCreated(work_item=item, user_id=by.user_id), by=by)
        self._activities.add(tx, (item.id, item.version), (Action.CREATED, told), by=by)
        tx.audit(
            "board.work_items.create",
            by=by,
            resource=f"work-item:{item.id}",
            after={
                "key": item.key,
                "project_id": item.project_id,
                "item_type": item.item_type,
                "title": item.title,
            },
        )

    def imported(self, tx: Tx, items: Sequence[WorkItemState], *, by: Actor) -> None:
        """Write that `items` were made by one import, which has its own audit line."""
        facts = (WorkItemCreated(work_item=item, user_id=by.user_id) for item in items)
        rows = [(fact.work_item.id, (Action.IMPORTED, tx.record(fact, by=by))) for fact in facts]
        self._activities.add_created(tx, rows, by=by)

    def came(self, tx: Tx, fact: Fact, ids: Iterable[WorkItemId], *, by: Actor) -> None:
        """Write that these items came with their project, of which one fact tells."""
        happened = (Action.IMPORTED, tx.record(fact, by=by))
        self._activities.add_created(tx, ((item_id, happened) for item_id in ids), by=by)

    def updated(
        self, tx: Tx, item: WorkItemState, changes: tuple[FieldChange, ...], *, by: Actor
    ) -> None:
        """Write that `changes` led to `item`."""
        self.joined(tx, item, changes, by=by)
        tx.audit(
            "board.work_items.update",
            by=by,
            resource=f"work-item:{item.id}",
            before={change.field_name: change.old_value for change in changes},
            after={change.field_name: change.new_value for change in changes},
        )

    def joined(
        self, tx: Tx, item: WorkItemState, changes: tuple[FieldChange, ...], *, by: Actor
    ) -> None:
        """Write that `item` was joined to others or parted, which has its own audit line."""
        told = within_project(changes, item.key)
        fact = WorkItemUpdated(work_item=item, changes=told, user_id=by.user_id)
        happened = (Action.UPDATED, tx.record(fact, by=by))
        self._activities.add(tx, (item.id, item.version), happened, by=by, changes=changes)

    def deleted(self, tx: Tx, item: WorkItemState, *, by: Actor) -> None:
        """Write that `item` was deleted."""
        told = tx.record(
            WorkItemDeleted(
                work_item_id=item.id,
                project_id=item.project_id,
                version=item.version,
                user_id=by.user_id,
            ),
            by=by,
        )
        self._activities.add(tx, (item.id, item.version), (Action.DELETED, told), by=by)
        tx.audit("board.work_items.delete", by=by, resource=f"work-item:{item.id}", before=item)

    def restored(self, tx: Tx, item: WorkItemState, *, by: Actor) -> None:
        """Write that `item` came back."""
        told = tx.record(WorkItemRestored(work_item=item, user_id=by.user_id), by=by)
        self._activities.add(tx, (item.id, item.version), (Action.RESTORED, told), by=by)
        tx.audit("board.work_items.restore", by=by, resource=f"work-item:{item.id}", after=item)

    def transferred(
        self,
        tx: Tx,
        fact: Fact,
        items: Iterable[tuple[WorkItemState, tuple[FieldChange, ...]]],
        *,
        by: Actor,
    ) -> None:
        """Write that `items` are in another project, of which one fact tells."""
        happened = (Action.TRANSFERRED, tx.record(fact, by=by))
        for item, changes in items:
            self._activities.add(tx, (item.id, item.version), happened, by=by, changes=changes)

    def many(
        self,
        tx: Tx,
        fact: Fact,
        action: Action,
        items: Iterable[tuple[WorkItemId, int, tuple[FieldChange, ...]]],
        *,
        by: Actor,
    ) -> None:
        """Write what happened to many items, each an id, a version and what was changed.

        One fact tells it all; the audit line is the caller's.
        """
        self._activities.add_all(tx, items, (action, tx.record(fact, by=by)), by=by)

    def commented(
        self,
        tx: Tx,
        item: tuple[WorkItemId, int],
        comment: tuple[str, int],
        happened: Happened,
        *,
        by: Actor,
    ) -> None:
        """Write on `item` what happened to a comment, each an id and a version."""
        change = FieldChange(
            field_name=comment_field(*comment), old_value=None, new_value=comment[0]
        )
        self._activities.add(tx, item, happened, by=by, changes=(change,))

    def attached(
        self,
        tx: Tx,
        item: tuple[WorkItemId, int],
        attachment: tuple[str, str],
        happened: Happened,
        *,
        by: Actor,
    ) -> None:
        """Write on `item`, an id and a version, what happened to a file, an id and a name."""
        action, _ = happened
        is_new = action is Action.ATTACHED
        change = FieldChange(
            field_name=attachment_field(attachment[0], action),
            old_value=None if is_new else attachment[1],
            new_value=attachment[1] if is_new else None,
        )
        self._activities.add(tx, item, happened, by=by, changes=(change,))

    def refuse_overlap(
        self, tx: Tx, item_id: WorkItemId, changes: Sequence[FieldChange], base: int
    ) -> None:
        """Return when nobody changed the fields of `changes` after version `base`.

        Raises `EditConflict`.
        """
        touched = self._activities.fields_since(tx, item_id, base)
        both = [change for change in changes if change.field_name in touched]
        if both:
            raise EditConflict(both, base)

    def page(
        self, tx: Tx, item_id: WorkItemId, *, after: tuple[int, int, str] | None, limit: int
    ) -> list[Activity]:
        """Return activities of an item, newest version first."""
        return shown(tx, self._activities.page(tx, item_id, after=after, limit=limit))


def shown(tx: Tx, activities: Sequence[Activity]) -> list[Activity]:
    """Return activities as the reader of `tx` may see them: they name nothing that is hidden."""
    reader = reader_behind(tx)
    if reader is None:
        return [*activities]
    hidden = hidden_among(tx, {name for each in activities for name in names_in(each)})
    found = [masked(each, hidden) for each in activities]
    return [without_job(each) for each in found] if reader.is_guest else found
