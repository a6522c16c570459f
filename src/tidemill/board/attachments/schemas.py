"""How attachments look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.board.attachments.models import Attachment
from tidemill.board.work_items.schemas import PersonView
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import PageView, View


class AttachmentView(View, frozen=True, kw_only=True):
    """A file on a work item. `media_type` is what its content and its name show."""

    id: str
    work_item_id: str
    name: str
    media_type: str
    size: Annotated[int, Meta(description="In bytes.")]
    sha256: str
    content_url: Annotated[str, Meta(description="Where its bytes are, on this server.")]
    created_at: int
    created_by: PersonView

    @classmethod
    def of(cls, attachment: Attachment) -> Self:
        """Return the view of `attachment`."""
        return cls(
            id=attachment.id,
            work_item_id=attachment.work_item_id,
            name=attachment.name,
            media_type=attachment.media_type,
            size=attachment.size,
            sha256=attachment.sha256,
            content_url=f"/api/v1/attachments/{attachment.id}/content",
            created_at=attachment.created_at // MICROSECONDS_PER_SECOND,
            # Who left the tenant altogether has no name here, and what is no person has none.
            created_by=PersonView(
                id=attachment.created_by,
                name=attachment.author_name or "",
                avatar=attachment.author_avatar,
            ),
        )


class AttachmentPage(PageView, frozen=True, kw_only=True):
    """A part of an item's attachments."""

    items: list[AttachmentView]
