"""A file on a work item, and the rules of what may be one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.attachment_errors import FileTypeMismatch, FileTypeRefused
from tidemill.board.attachment_facts import AttachmentId, AttachmentState
from tidemill.board.attachments.kinds import (
    BY_EXTENSION,
    CONTENT_OF,
    TEXT,
    content_of,
    markup_of,
)
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.core.clock import Instant

SHOWN_INLINE: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser may show in place: it can run nothing that is in them."""
attachment_version: Final = 1
"""What an attachment never leaves: another file is another attachment."""


class Attachment(Struct, frozen=True):
    """A file on an item, in the order of the columns that a read selects.

    What stands before `name`, `blob_name`, and the author's name and avatar, are joined.
    """

    id: AttachmentId
    work_item_id: WorkItemId
    item_version: int
    project_id: ProjectId
    project_key: str
    project_archived_at: Instant | None
    name: str
    media_type: str
    size: int
    sha256: str
    blob_name: str
    created_at: Instant
    created_by: str
    author_name: str | None
    author_avatar: str | None
    item_archived_at: Instant | None = None

    def state(self) -> AttachmentState:
        """Return what facts carry of it."""
        return AttachmentState(
            id=self.id,
            work_item_id=self.work_item_id,
            project_id=self.project_id,
            name=self.name,
            media_type=self.media_type,
            size=self.size,
            sha256=self.sha256,
            created_at=self.created_at,
            created_by=self.created_by,
        )


class Incoming(Struct, frozen=True, kw_only=True):
    """A file as it comes in; `media_type` is what the sender says of it.

    `name_param` and `type_param` are the fields that errors about these name.
    """

    name: str
    media_type: str | None
    parts: AsyncGenerator[bytes, None]
    name_param: str = "file"
    type_param: str = "file"


def type_of(incoming: Incoming, name: str, head: bytes, allowed: Sequence[str]) -> str:
    """Return the type of a file by its name and by how it begins.

    Raises `FileTypeMismatch` where name, content and what the sender says contradict each other,
    and `FileTypeRefused` for what is not `allowed`.
    """
    content = content_of(head)
    media_type = _named_type(name, content, param=incoming.name_param)
    said = incoming.media_type
    if said is not None and CONTENT_OF.get(said, content) != content:
        raise FileTypeMismatch(said, content, param=incoming.type_param)
    _check_allowed(media_type, head, allowed)
    return media_type


def type_of_kept(name: str, head: bytes, allowed: Sequence[str]) -> str:
    """Return the type of a file that was kept elsewhere; raises what `type_of` raises."""
    media_type = _named_type(name, content_of(head), param="file")
    _check_allowed(media_type, head, allowed)
    return media_type


def _named_type(name: str, content: str, *, param: str) -> str:
    kind = BY_EXTENSION.get(extension_of(name))
    if kind is None:
        return content
    if kind.content != content:
        raise FileTypeMismatch(name, content, param=param)
    return kind.media_type


def _check_allowed(media_type: str, head: bytes, allowed: Sequence[str]) -> None:
    # Who takes no HTML does not take it as a .txt either.
    markup = markup_of(head) if content_of(head) == TEXT else None
    for each in (media_type, markup):
        if each is not None and not is_allowed(each, allowed):
            raise FileTypeRefused(each)


def is_allowed(media_type: str, allowed: Sequence[str]) -> bool:
    """Return whether one of `allowed` is this type, or a beginning of it before a star."""
    return any(
        media_type.startswith(each[:-1]) if each.endswith("*") else media_type == each
        for each in (one if one != "*/*" else "*" for one in allowed)
    )


def extension_of(name: str) -> str:
    """Return what stands behind the last dot, in lower case; empty where there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""
