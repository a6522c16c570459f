"""HTTP of comments."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import UNSET

from tidemill.board.comments.models import Comment, CommentOrder
from tidemill.board.comments.schemas import (
    ChangeComment,
    CommentPage,
    CommentView,
    CreateComment,
    RevisionPage,
    RevisionView,
)
from tidemill.board.comments.service import CommentService
from tidemill.board.permissions import READ_COMMENTS, WRITE_COMMENTS
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, composed, delete, get, patch, post, put
from tidemill.http.parameters import Cursor, Limit


@get("/work-items/{item_id:str}/comments", READ_COMMENTS, opt=FOR_GUESTS)
async def list_comments(
    *,
    item_id: str,
    actor: Actor,
    comments: CommentService,
    sort: CommentOrder = CommentOrder.THREAD,
    limit: Limit = None,
    cursor: Cursor = None,
) -> CommentPage:
    """List the comments of a work item: thread by thread, oldest first, or newest first."""
    page = page_request(limit, cursor, f"comments:{item_id}:{sort}")
    found = await comments.list(item_id, sort, page, actor=actor)
    return CommentPage(
        items=[CommentView.of(comment) for comment in found.items], next_cursor=found.next_cursor
    )


@post("/work-items/{item_id:str}/comments", WRITE_COMMENTS)
async def create_comment(
    *,
    item_id: str,
    data: CreateComment,
    actor: Actor,
    idempotency: Idempotency,
    comments: CommentService,
    request: Request[Any, Any, Any],
) -> Tagged[CommentView]:
    """Comment on a work item, or answer a comment."""
    made = await comments.add(
        item_id,
        data.content,
        parent_id=data.parent_id,
        actor=actor,
        once=idempotency.once(Comment),
    )
    return _answer(made, request)


@get("/comments/{comment_id:str}", READ_COMMENTS, opt=FOR_GUESTS)
async def get_comment(
    comment_id: str, actor: Actor, comments: CommentService, request: Request[Any, Any, Any]
) -> Tagged[CommentView]:
    """Read a comment."""
    return _answer(await comments.get(comment_id, actor=actor), request)


@patch("/comments/{comment_id:str}", WRITE_COMMENTS)
async def change_comment(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    comment_id: str,
    data: ChangeComment,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    comments: CommentService,
    request: Request[Any, Any, Any],
) -> Tagged[CommentView]:
    """Write your comment anew; its history keeps the text that it had."""
    version = None if data.expected_version is UNSET else data.expected_version
    changed = await comments.edit(
        comment_id,
        data.content,
        Expected(if_match=expected_version, version=version),
        actor=actor,
        once=idempotency.once(Comment),
    )
    return _answer(changed, request)


@delete("/comments/{comment_id:str}", WRITE_COMMENTS)
async def delete_comment(
    comment_id: str, actor: Actor, expected_version: int | None, comments: CommentService
) -> None:
    """Delete your comment; admins delete those of others, too."""
    await comments.delete(comment_id, Expected(if_match=expected_version), actor=actor)


@put("/comments/{comment_id:str}/reactions/{emoji:str}", WRITE_COMMENTS)
async def add_reaction(
    comment_id: str,
    emoji: str,
    actor: Actor,
    comments: CommentService,
    request: Request[Any, Any, Any],
) -> Tagged[CommentView]:
    """React to a comment; a reaction that is there already stays."""
    return _answer(await comments.react(comment_id, emoji, actor=actor), request)


@delete("/comments/{comment_id:str}/reactions/{emoji:str}", WRITE_COMMENTS)
async def remove_reaction(
    comment_id: str, emoji: str, actor: Actor, comments: CommentService
) -> None:
    """Take your reaction back, if there is one."""
    await comments.unreact(comment_id, emoji, actor=actor)


@get("/comments/{comment_id:str}/history", READ_COMMENTS)
async def list_revisions(
    comment_id: str, page: PageRequest, actor: Actor, comments: CommentService
) -> RevisionPage:
    """List the earlier texts of a comment, newest first."""
    found = await comments.history(comment_id, page, actor=actor)
    return RevisionPage(
        items=[RevisionView.of(revision) for revision in found.items],
        next_cursor=found.next_cursor,
    )


def _answer(comment: Comment, request: Request[Any, Any, Any]) -> Tagged[CommentView]:
    return composed(CommentView.of(comment), version=comment.version, request=request)


ROUTES = (
    list_comments,
    create_comment,
    get_comment,
    change_comment,
    delete_comment,
    add_reaction,
    remove_reaction,
    list_revisions,
)
