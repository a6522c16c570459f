"""What is told of comments. Other features find it in the package itself."""

from __future__ import annotations

from typing import NewType

from msgspec import Struct

from tidemill.board.contract import BoardFact, ProjectId, WorkItemId, item_topics
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic

CommentId = NewType("CommentId", str)


class CommentState(Struct, frozen=True, kw_only=True):
    """A comment as facts carry it: the text as written, and the ids of those it mentions."""

    id: CommentId
    work_item_id: WorkItemId
    project_id: ProjectId
    parent_id: CommentId | None
    content: str
    mentions: tuple[str, ...]
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str


class CommentFact(BoardFact, frozen=True, kw_only=True):
    """Base of facts that carry the comment itself."""

    comment: CommentState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.comment.work_item_id, self.comment.project_id)

    @property
    def subject(self) -> str:
        """Return the comment's id."""
        return self.comment.id


class CommentCreated(CommentFact, frozen=True, kw_only=True):
    """Somebody commented on an item."""


class CommentUpdated(CommentFact, frozen=True, kw_only=True):
    """The author wrote a comment anew."""


class PeopleMentioned(BoardFact, frozen=True, kw_only=True):
    """A comment names members whom it did not name before; it follows the comment's own fact."""

    comment_id: CommentId
    work_item_id: WorkItemId
    project_id: ProjectId
    user_ids: tuple[str, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the comment's id."""
        return self.comment_id


class CommentDeleted(BoardFact, frozen=True, kw_only=True):
    """A comment was deleted; where there are replies to it, its place stays."""

    comment_id: CommentId
    work_item_id: WorkItemId
    project_id: ProjectId
    parent_id: CommentId | None
    version: int
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the comment's id."""
        return self.comment_id


class ReactionFact(BoardFact, frozen=True, kw_only=True):
    """Base of facts about reactions; `reactor_id` is whose reaction it is."""

    comment_id: CommentId
    work_item_id: WorkItemId
    project_id: ProjectId
    emoji: str
    reactor_id: str

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the comment's id."""
        return self.comment_id


class CommentReactionAdded(ReactionFact, frozen=True, kw_only=True):
    """Somebody reacted to a comment."""


class CommentReactionRemoved(ReactionFact, frozen=True, kw_only=True):
    """Somebody took a reaction back."""
