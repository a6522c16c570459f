"""Writes what imported items bring along: comments and dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidemill.board.blocking.service import Blocking
from tidemill.board.comment_facts import CommentId
from tidemill.board.comments.announcing import Announcer
from tidemill.board.comments.models import author_of, composed
from tidemill.board.comments.repository import CommentRepository
from tidemill.board.dependencies.models import Dependency, DependencyType, LinkedItem
from tidemill.board.dependencies.repository import DependencyRepository
from tidemill.board.dependency_facts import DependencyCreated
from tidemill.board.imports.linking import PlannedLink
from tidemill.board.imports.planning import Planned
from tidemill.board.work_items.models import WorkItem
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Attaching:
    """Each method writes in the caller's transaction, for items that it made just now."""

    def __init__(self) -> None:
        self._comments = CommentRepository()
        self._announcer = Announcer()
        self._dependencies = DependencyRepository()
        self._blocking = Blocking()

    def lock(self, tx: Tx) -> None:
        """Let nobody else join items until the transaction ends; see `Blocking.lock`."""
        self._blocking.lock(tx)

    def comment(
        self, tx: Tx, rows: Sequence[Planned], items: Mapping[int, WorkItem], *, by: Actor
    ) -> int:
        """Write the comments of rows, in the order of their tool; return how many."""
        count = 0
        for row in rows:
            item = items[row.draft.line]
            for text in row.draft.comments:
                id_ = CommentId(tx.new_id())
                made = composed(id_, item, None, text, at=tx.now, by=author_of(by))
                self._comments.add(tx, made)
                self._announcer.created(tx, made, by=by)
                count += 1
        return count

    def join(
        self,
        tx: Tx,
        links: Sequence[PlannedLink],
        items: Mapping[int, WorkItem],
        *,
        by: Actor,
    ) -> None:
        """Write dependencies of rows, and tell which items wait."""
        if not links:
            return
        blocked = {items[each.second].id for each in links if each.dependency_type == "blocks"}
        watched = self._blocking.watch_items(tx, sorted(blocked))
        for each in links:
            dependency = Dependency(
                id=tx.new_id(),
                dependency_type=DependencyType(each.dependency_type),
                blocking=_shown(items[each.first]),
                blocked=_shown(items[each.second]),
                created_at=tx.now,
                created_by=author_of(by),
            )
            self._dependencies.add(tx, dependency)
            state = dependency.state()
            tx.record(DependencyCreated(dependency=state, user_id=by.user_id), by=by)
            tx.audit(
                "board.dependencies.create",
                by=by,
                resource=f"dependency:{dependency.id}",
                after=state,
            )
        self._blocking.tell(tx, watched, by=by)


def _shown(item: WorkItem) -> LinkedItem:
    return LinkedItem(
        item.id, item.project_id, item.project_key, item.number, item.title, item.status
    )
