"""A comment and its rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.board.comment_errors import NotYourComment, UnknownReaction
from tidemill.board.comment_facts import CommentId, CommentState
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.errors import InvalidText
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import many_lines
from tidemill.board.work_items.models import WorkItem
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant

REACTIONS: Final = ("👍", "👎", "😄", "🎉", "😕", "❤️", "🚀", "👀", "✅")
# Some keyboards leave out that a sign shall be shown as a picture.
_VARIATION: Final = "\ufe0f"
_BY_SIGN: Final = {emoji.replace(_VARIATION, ""): emoji for emoji in REACTIONS}


class Reaction(Struct, frozen=True):
    """How many people react to a comment with an emoji, and whether the reader is one of them."""

    emoji: str
    count: int
    is_mine: bool


class Comment(Struct, frozen=True):
    """A comment, in the order of the columns that a read selects.

    What stands before `parent_id`, and the author's name and avatar, are joined. `mentions` are
    names behind an @ with their users' ids, as JSON. `replies` counts living replies.
    """

    id: CommentId
    work_item_id: WorkItemId
    item_version: int
    project_id: ProjectId
    project_key: str
    project_archived_at: Instant | None
    parent_id: CommentId | None
    place: str
    content: str
    content_html: str
    renderer: int
    mentions: str
    version: int
    created_at: Instant
    created_by: str
    author_name: str | None
    author_avatar: str | None
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None
    replies: int
    item_archived_at: Instant | None = None
    reactions: tuple[Reaction, ...] = ()

    @property
    def is_visible(self) -> bool:
        """Return whether people see it: a deleted one only as the place of its replies."""
        return self.deleted_at is None or self.replies > 0

    @property
    def users_by_name(self) -> dict[str, str]:
        """Return whom the comment mentions, by what stands behind the @."""
        return msgspec.json.decode(self.mentions, type=dict[str, str])

    @property
    def mentioned(self) -> tuple[str, ...]:
        """Return the ids of those whom the comment mentions, once each."""
        return tuple(dict.fromkeys(self.users_by_name.values()))

    def state(self) -> CommentState:
        """Return what facts carry of the comment."""
        return CommentState(
            id=self.id,
            work_item_id=self.work_item_id,
            project_id=self.project_id,
            parent_id=self.parent_id,
            content=self.content,
            mentions=self.mentioned,
            version=self.version,
            created_at=self.created_at,
            created_by=self.created_by,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
        )


class Text(Struct, frozen=True, kw_only=True):
    """What somebody wrote, as HTML, and whom it mentions."""

    content: str
    html: str
    renderer: int
    mentions: dict[str, str]


class Revision(Struct, frozen=True):
    """A text that a comment had before it was edited: since when, and by whom."""

    version: int
    content: str
    at: Instant
    user_id: str


class CommentOrder(StrEnum):
    """The order of a list."""

    THREAD = "thread"
    NEWEST = "newest"


def valid_content(text: str, limits: BoardLimits) -> str:
    """Return the text of a comment with plain line ends; raises `InvalidText`."""
    plain = many_lines(text, param="content", chars_max=limits.comment_chars_max)
    if plain is None or not plain.strip():
        raise InvalidText("content", "it needs at least one visible character.")
    return plain


def valid_emoji(text: str) -> str:
    """Return one of the reactions; raises `UnknownReaction`."""
    emoji = _BY_SIGN.get(text.replace(_VARIATION, ""))
    if emoji is None:
        raise UnknownReaction(text, REACTIONS)
    return emoji


def check_editor(comment: Comment, actor: Actor) -> None:
    """Return when `actor` wrote the comment; raises `NotYourComment`."""
    if comment.created_by != author_of(actor):
        raise NotYourComment("only its author edits it")


def check_remover(comment: Comment, actor: Actor, *, keeps_order: bool) -> None:
    """Return when `actor` wrote the comment or keeps order; raises `NotYourComment`."""
    if comment.created_by != author_of(actor) and not keeps_order:
        raise NotYourComment("only its author or an owner of the project deletes it")


def author_of(actor: Actor) -> str:
    """Return as whom `actor` writes: the person behind a token or job, if there is one."""
    return actor.user_id or actor.id


def composed(
    id_: CommentId,
    item: WorkItem,
    parent_id: CommentId | None,
    text: Text,
    *,
    at: Instant,
    by: str,
) -> Comment:
    """Return a new comment on `item`, as its author's name is not known yet."""
    return Comment(
        id=id_,
        work_item_id=item.id,
        item_version=item.version,
        project_id=item.project_id,
        project_key=item.project_key,
        project_archived_at=item.project_archived_at,
        parent_id=parent_id,
        place=id_ if parent_id is None else f"{parent_id}/{id_}",
        content=text.content,
        content_html=text.html,
        renderer=text.renderer,
        mentions=_json(text.mentions),
        version=1,
        created_at=at,
        created_by=by,
        author_name=None,
        author_avatar=None,
        updated_at=at,
        updated_by=by,
        deleted_at=None,
        replies=0,
    )


def edited(comment: Comment, text: Text, *, at: Instant, by: str) -> Comment:
    """Return the comment with another text, as its next version."""
    return structs.replace(
        comment,
        content=text.content,
        content_html=text.html,
        renderer=text.renderer,
        mentions=_json(text.mentions),
        version=comment.version + 1,
        updated_at=at,
        updated_by=by,
    )


def deleted(comment: Comment, *, at: Instant, by: str) -> Comment:
    """Return the comment as deleted."""
    return structs.replace(
        comment, version=comment.version + 1, updated_at=at, updated_by=by, deleted_at=at
    )


def _json(mentions: dict[str, str]) -> str:
    return msgspec.json.encode(mentions).decode()
