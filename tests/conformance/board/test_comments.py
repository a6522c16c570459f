"""Comments on items, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.comment_errors import (
    CommentChanged,
    CommentElsewhere,
    CommentNotFound,
    NotYourComment,
)
from tidemill.board.comments.models import Comment, CommentOrder
from tidemill.board.errors import ProjectIsArchived, WorkItemNotFound
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.core.actor import Role
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


@pytest.fixture
async def board(world: BoardWorld) -> BoardWorld:
    """Return a board with the project `TM` and the item `TM-1`."""
    await world.a_project()
    await world.an_item()
    return world


async def texts(
    world: BoardWorld, order: CommentOrder = CommentOrder.THREAD, *, limit: int = 50
) -> list[str | None]:
    """Return the texts of `TM-1`, None where only the place is left, read page by page."""
    found: list[str | None] = []
    page = page_request(limit, None, order.value)
    while True:
        part = await world.comments.list("TM-1", order, page, actor=world.actor)
        found += [None if one.deleted_at else one.content for one in part.items]
        if part.next_cursor is None:
            return found
        page = page_request(limit, part.next_cursor, order.value)


async def edit(world: BoardWorld, comment: Comment, content: str, **given: Any) -> Comment:
    return await world.comments.edit(comment.id, content, **{"actor": world.actor, **given})


async def test_comments_integration_of_threads_stand_together(board: BoardWorld) -> None:
    """R012: comments are a model of their own, with threads."""
    first = await board.a_comment("a")
    await board.a_comment("b")
    reply = await board.a_comment("a1", parent_id=first.id)
    await board.a_comment("a2", parent_id=reply.id)
    await board.a_comment("a3", parent_id=first.id.upper())

    assert await texts(board, limit=2) == ["a", "a1", "a2", "a3", "b"]
    assert await texts(board, CommentOrder.NEWEST, limit=2) == ["a3", "a2", "a1", "b", "a"]
    read = await board.comments.get(first.id, actor=board.actor)
    assert (read.replies, reply.parent_id) == (3, first.id)


async def test_comments_integration_a_deleted_one_keeps_its_place_for_its_replies(
    board: BoardWorld,
) -> None:
    first = await board.a_comment("a")
    reply = await board.a_comment("a1", parent_id=first.id)
    await board.comments.delete(first.id, actor=board.actor)

    place = await board.comments.get(first.id, actor=board.actor)
    late = await board.a_comment("a2", parent_id=first.id)
    with_place = await texts(board)
    for one in (reply, late):
        await board.comments.delete(one.id, actor=board.actor)

    assert (place.deleted_at is not None, place.version) == (True, 2)
    assert with_place == [None, "a1", "a2"]
    assert await texts(board) == []
    for what in (
        board.comments.get(first.id, actor=board.actor),
        board.comments.history(reply.id, PageRequest(), actor=board.actor),
        board.comments.delete(reply.id, actor=board.actor),
        board.comments.react(reply.id, "👍", actor=board.actor),
        board.a_comment("b", parent_id=first.id),
    ):
        with pytest.raises(CommentNotFound):
            await what


async def test_comments_integration_keep_each_text_that_was_edited(board: BoardWorld) -> None:
    comment = await board.a_comment("one")
    board.clock.advance(60)
    second = await edit(board, comment, "two")
    same = await edit(board, comment, "two")
    third = await edit(board, comment, "three")

    page = page_request(1, None)
    newest = await board.comments.history(comment.id, page, actor=board.actor)
    page = page_request(1, newest.next_cursor)
    oldest = await board.comments.history(comment.id, page, actor=board.actor)

    assert (second.version, same.version, third.version) == (2, 2, 3)
    assert [(one.version, one.content) for one in newest.items] == [(2, "two")]
    assert [(one.version, one.content) for one in oldest.items] == [(1, "one")]
    assert oldest.items[0].at == comment.created_at < newest.items[0].at
    assert oldest.items[0].user_id == board.actor.user_id
    assert oldest.next_cursor is None


@pytest.mark.each_database(reason="transactions race")
async def test_comments_integration_of_racing_edits_one_wins(board: BoardWorld) -> None:
    comment = await board.a_comment("one")

    done = await asyncio.gather(
        *(edit(board, comment, str(n), expected=Expected(if_match=1)) for n in range(4)),
        *(edit(board, comment, str(n), expected=Expected(version=1)) for n in range(4, 8)),
        return_exceptions=True,
    )

    won = [one for one in done if isinstance(one, Comment)]
    assert [one.version for one in won] == [2]
    assert all(isinstance(one, Comment | VersionChanged | CommentChanged) for one in done)
    assert await texts(board) == [won[0].content]
    history = await board.comments.history(comment.id, PageRequest(), actor=board.actor)
    assert [one.content for one in history.items] == ["one"]


@pytest.mark.each_database(reason="transactions race")
async def test_comments_integration_of_racing_edits_without_a_version_all_are_kept(
    board: BoardWorld,
) -> None:
    comment = await board.a_comment("one")

    await asyncio.gather(*(edit(board, comment, str(n)) for n in range(6)))

    read = await board.comments.get(comment.id, actor=board.actor)
    history = await board.comments.history(comment.id, PageRequest(), actor=board.actor)
    told = {read.content, *(one.content for one in history.items)}
    assert told == {"one", *map(str, range(6))}
    assert read.version == 7


async def test_comments_integration_belong_to_their_author_and_admins(board: BoardWorld) -> None:
    comment = await board.a_comment("mine")
    other = board.an_actor()
    admin = structs.replace(board.an_actor(), role=Role.ADMIN)

    for who in (other, admin):
        with pytest.raises(NotYourComment):
            await edit(board, comment, "yours", actor=who)
    with pytest.raises(NotYourComment):
        await board.comments.delete(comment.id, actor=other)
    await board.comments.delete(comment.id, actor=admin)

    assert await texts(board) == []


async def test_comments_integration_react_once_for_each_person_and_emoji(
    board: BoardWorld,
) -> None:
    comment = await board.a_comment()
    others = [board.an_actor() for _ in range(3)]

    await asyncio.gather(
        *(board.comments.react(comment.id, "👍", actor=who) for who in [*others, *others])
    )
    await board.comments.react(comment.id, "❤", actor=board.actor)
    read = await board.comments.get(comment.id, actor=board.actor)
    for _ in range(2):
        await board.comments.unreact(comment.id, "👍", actor=others[0])
    [listed] = (
        await board.comments.list("TM-1", CommentOrder.THREAD, PageRequest(), actor=others[1])
    ).items

    assert [(one.emoji, one.count, one.is_mine) for one in read.reactions] == [
        ("👍", 3, False),
        ("❤️", 1, True),
    ]
    assert [(one.emoji, one.count, one.is_mine) for one in listed.reactions] == [
        ("👍", 2, True),
        ("❤️", 1, False),
    ]
    assert read.version == 1
    facts = await board.fact_types()
    assert facts.count("CommentReactionAdded") == 4
    assert facts.count("CommentReactionRemoved") == 1


async def test_comments_integration_mention_whom_a_handle_means(board: BoardWorld) -> None:
    ada = await board.a_person("Ada Lovelace")
    bob = await board.a_person("Bob Noyce")
    for name, state in (("Bob Kahn", "active"), ("Eve", "removed")):
        await board.a_person(name, state)

    comment = await board.a_comment("@ada @ADA.Lovelace @bob @eve `@bob.noyce` a@bob.noyce")
    edited = await edit(board, comment, f"@ada @bob-noyce @{bob}")

    assert comment.mentioned == (ada,)
    assert comment.content_html.count(f'data-user-id="{ada}"') == 2
    assert edited.mentioned == (ada, bob)
    rows = await board.rows(
        "SELECT data FROM stream WHERE tenant_id = :tenant_id AND type = 'PeopleMentioned' "
        "ORDER BY seq"
    )
    assert [ada in row[0] for row in rows] == [True, False]
    assert [bob in row[0] for row in rows] == [False, True]


async def test_comments_integration_tell_activity_stream_and_audit(board: BoardWorld) -> None:
    comment = await board.a_comment("secret")
    board.clock.advance(1)
    await edit(board, comment, "secret again")
    board.clock.advance(1)
    await board.comments.delete(comment.id, actor=board.actor)

    page = page_request(1, None)
    rows = []
    while True:
        found = await board.reads.activity("TM-1", page, actor=board.actor)
        rows += found.items
        if found.next_cursor is None:
            break
        page = page_request(1, found.next_cursor)

    assert [row.action for row in rows] == [
        "comment_deleted",
        "comment_edited",
        "commented",
        "created",
    ]
    assert {row.new_value for row in rows[:3]} == {comment.id}
    assert (await board.reads.get("TM-1", actor=board.actor)).version == 1
    assert (await board.fact_types())[-3:] == ["CommentCreated", "CommentUpdated", "CommentDeleted"]
    assert (await board.audit_actions())[-3:] == [
        f"board.comments.{verb}" for verb in ("create", "update", "delete")
    ]
    audited = await board.rows("SELECT after FROM audit_outbox WHERE tenant_id = :tenant_id")
    assert not any("secret" in (row[0] or "") for row in audited)


async def test_comments_integration_refuse_what_is_not_there_or_does_not_change(
    board: BoardWorld,
) -> None:
    comment = await board.a_comment("a")
    await board.an_item()
    with pytest.raises(CommentElsewhere):
        await board.a_comment("b", item="TM-2", parent_id=comment.id)
    with pytest.raises(WorkItemNotFound):
        await board.a_comment("b", item="TM-9")
    with pytest.raises(CommentNotFound) as unknown:
        await board.a_comment("b", parent_id="nothing")
    assert unknown.value.param == "parent_id"

    await board.projects.change(
        "TM", ProjectChanges(status=ProjectStatus.ARCHIVED), ANY_VERSION, actor=board.actor
    )
    for what in (
        board.a_comment("b"),
        edit(board, comment, "b"),
        board.comments.delete(comment.id, actor=board.actor),
        board.comments.react(comment.id, "👍", actor=board.actor),
    ):
        with pytest.raises(ProjectIsArchived):
            await what
    assert await texts(board) == ["a"]


async def test_comments_integration_are_hidden_with_their_item(board: BoardWorld) -> None:
    comment = await board.a_comment("a")
    await board.items.delete("TM-1", actor=board.actor)

    with pytest.raises(CommentNotFound):
        await board.comments.get(comment.id, actor=board.actor)
    with pytest.raises(CommentNotFound):
        await edit(board, comment, "b")
    with pytest.raises(WorkItemNotFound):
        await texts(board)
    await board.items.restore("TM-1", actor=board.actor)
    assert await texts(board) == ["a"]


async def test_comments_integration_of_another_tenant_are_not_there(board: BoardWorld) -> None:
    comment = await board.a_comment("a")
    stranger = board.an_actor(await a_tenant(board.stores))

    for what in (
        board.comments.get(comment.id, actor=stranger),
        edit(board, comment, "b", actor=stranger),
        board.comments.delete(comment.id, actor=stranger),
        board.comments.history(comment.id, PageRequest(), actor=stranger),
        board.comments.react(comment.id, "👍", actor=stranger),
    ):
        with pytest.raises(CommentNotFound):
            await what
