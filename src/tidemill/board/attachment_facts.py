"""What is told of attachments. Other features find it in the package itself."""

from __future__ import annotations

from typing import NewType

from msgspec import Struct

from tidemill.board.contract import BoardFact, ProjectId, WorkItemId, item_topics
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic

AttachmentId = NewType("AttachmentId", str)


class AttachmentState(Struct, frozen=True, kw_only=True):
    """A file on an item as facts carry it; `size` is in bytes, the instant in microseconds."""

    id: AttachmentId
    work_item_id: WorkItemId
    project_id: ProjectId
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: Instant
    created_by: str


class AttachmentFact(BoardFact, frozen=True, kw_only=True):
    """Base of facts about a file on an item."""

    attachment: AttachmentState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.attachment.work_item_id, self.attachment.project_id)

    @property
    def subject(self) -> str:
        """Return the attachment's id."""
        return self.attachment.id


class AttachmentCreated(AttachmentFact, frozen=True, kw_only=True):
    """Somebody attached a file to an item."""


class AttachmentDeleted(AttachmentFact, frozen=True, kw_only=True):
    """Somebody took a file off an item."""
