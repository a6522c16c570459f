"""Writes what happened to a comment everywhere it must be known: activity, facts and audit."""

from __future__ import annotations

from tidemill.board.activities.models import Action, Happened
from tidemill.board.activities.service import History
from tidemill.board.comment_facts import (
    CommentCreated,
    CommentDeleted,
    CommentReactionAdded,
    CommentReactionRemoved,
    CommentUpdated,
    PeopleMentioned,
)
from tidemill.board.comments.models import Comment, author_of
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Announcer:
    """Each method writes in the caller's transaction, beside the change itself."""

    def __init__(self) -> None:
        self._history = History()

    def created(self, tx: Tx, comment: Comment, *, by: Actor) -> None:
        """Write that `comment` was made."""
        told = tx.record(CommentCreated(comment=comment.state(), user_id=by.user_id), by=by)
        self._activity(tx, comment, (Action.COMMENTED, told), by)
        _mention(tx, comment, comment.mentioned, by)
        _audit(tx, "create", comment, by)

    def edited(self, tx: Tx, old: Comment, comment: Comment, *, by: Actor) -> None:
        """Write that `old` became `comment`."""
        told = tx.record(CommentUpdated(comment=comment.state(), user_id=by.user_id), by=by)
        self._activity(tx, comment, (Action.COMMENT_EDITED, told), by)
        known = frozenset(old.mentioned)
        _mention(tx, comment, tuple(one for one in comment.mentioned if one not in known), by)
        _audit(tx, "update", comment, by)

    def deleted(self, tx: Tx, comment: Comment, *, by: Actor) -> None:
        """Write that `comment` was deleted."""
        told = tx.record(
            CommentDeleted(
                comment_id=comment.id,
                work_item_id=comment.work_item_id,
                project_id=comment.project_id,
                parent_id=comment.parent_id,
                version=comment.version,
                user_id=by.user_id,
            ),
            by=by,
        )
        self._activity(tx, comment, (Action.COMMENT_DELETED, told), by)
        _audit(tx, "delete", comment, by)

    def reacted(
        self,
        tx: Tx,
        fact: type[CommentReactionAdded | CommentReactionRemoved],
        comment: Comment,
        emoji: str,
        *,
        by: Actor,
    ) -> None:
        """Write that somebody reacted to `comment`, or does no more."""
        tx.record(
            fact(
                comment_id=comment.id,
                work_item_id=comment.work_item_id,
                project_id=comment.project_id,
                emoji=emoji,
                reactor_id=author_of(by),
            ),
            by=by,
        )
        tx.audit(
            "board.comments.react" if fact is CommentReactionAdded else "board.comments.unreact",
            by=by,
            resource=f"comment:{comment.id}",
            after={"emoji": emoji},
        )

    def _activity(self, tx: Tx, comment: Comment, happened: Happened, by: Actor) -> None:
        self._history.commented(
            tx,
            (comment.work_item_id, comment.item_version),
            (comment.id, comment.version),
            happened,
            by=by,
        )


def _mention(tx: Tx, comment: Comment, user_ids: tuple[str, ...], by: Actor) -> None:
    if user_ids:
        tx.record(
            PeopleMentioned(
                comment_id=comment.id,
                work_item_id=comment.work_item_id,
                project_id=comment.project_id,
                user_ids=user_ids,
                user_id=by.user_id,
            ),
            by=by,
        )


def _audit(tx: Tx, verb: str, comment: Comment, by: Actor) -> None:
    # Without the text: the audit log would keep for ever what its author deletes.
    tx.audit(
        f"board.comments.{verb}",
        by=by,
        resource=f"comment:{comment.id}",
        after={
            "work_item_id": comment.work_item_id,
            "author_id": comment.created_by,
            "version": comment.version,
        },
    )
