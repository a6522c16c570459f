"""How comments look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board import markdown
from tidemill.board.comments.models import Comment, Revision
from tidemill.board.work_items.schemas import PersonView, Version
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http import Body, PageView, View

Content = Annotated[
    str, Meta(min_length=1, description="Markdown.", examples=["Looks good, @ada."])
]


class CreateComment(Body, frozen=True, kw_only=True):
    """A new comment; with a parent, it stands in that comment's thread."""

    content: Content
    parent_id: Annotated[str | None, Meta(description="The id of the comment that it answers.")] = (
        None
    )


class ChangeComment(Body, frozen=True, kw_only=True):
    """Another text."""

    content: Content
    expected_version: Version | UnsetType = UNSET


class ReactionView(View, frozen=True, kw_only=True):
    """How many people react with an emoji, and whether you are one of them."""

    emoji: str
    count: int
    is_mine: bool


class CommentView(View, frozen=True, kw_only=True):
    """A comment; `content` is Markdown as written, `content_html` is safe to show.

    `parent_id` is the first comment of its thread. A deleted comment with replies keeps its place,
    without its text. `mentions` are ids of users.
    """

    id: str
    work_item_id: str
    parent_id: str | None
    author: PersonView
    content: str | None
    content_html: str | None
    mentions: list[str]
    reactions: list[ReactionView]
    reply_count: int
    version: int
    created_at: int
    edited_at: int | None
    deleted_at: int | None

    @classmethod
    def of(cls, comment: Comment) -> Self:
        """Return the view of `comment`."""
        is_there = comment.deleted_at is None
        is_edited = is_there and comment.version > 1
        return cls(
            id=comment.id,
            work_item_id=comment.work_item_id,
            parent_id=comment.parent_id,
            # Who left the tenant altogether has no name here, and what is no person has none.
            author=PersonView(
                id=comment.created_by, name=comment.author_name or "", avatar=comment.author_avatar
            ),
            content=comment.content if is_there else None,
            content_html=_html(comment) if is_there else None,
            mentions=list(comment.mentioned) if is_there else [],
            reactions=[
                ReactionView(emoji=each.emoji, count=each.count, is_mine=each.is_mine)
                for each in comment.reactions
                if is_there
            ],
            reply_count=comment.replies,
            version=comment.version,
            created_at=_seconds(comment.created_at),
            edited_at=_seconds(comment.updated_at) if is_edited else None,
            deleted_at=None if comment.deleted_at is None else _seconds(comment.deleted_at),
        )


class CommentPage(PageView, frozen=True, kw_only=True):
    """A part of an item's comments."""

    items: list[CommentView]


class RevisionView(View, frozen=True, kw_only=True):
    """A text that a comment had: from when, until it was edited, and who wrote it."""

    version: int
    content: str
    written_at: int
    written_by: str

    @classmethod
    def of(cls, revision: Revision) -> Self:
        """Return the view of `revision`."""
        return cls(
            version=revision.version,
            content=revision.content,
            written_at=_seconds(revision.at),
            written_by=revision.user_id,
        )


class RevisionPage(PageView, frozen=True, kw_only=True):
    """Earlier texts of a comment, newest first."""

    items: list[RevisionView]


def _html(comment: Comment) -> str:
    """Return what was kept, unless an earlier release made it, whose rules were others."""
    if comment.renderer == markdown.RENDERER:
        return comment.content_html
    return markdown.render(comment.content, comment.users_by_name)


def _seconds(at: Instant) -> int:
    return at // MICROSECONDS_PER_SECOND
