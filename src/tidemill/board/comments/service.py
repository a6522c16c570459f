"""What one can do with comments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tidemill.board import markdown
from tidemill.board.comment_errors import CommentChanged, CommentElsewhere, CommentNotFound
from tidemill.board.comment_facts import (
    CommentId,
    CommentReactionAdded,
    CommentReactionRemoved,
)
from tidemill.board.comments.announcing import Announcer
from tidemill.board.comments.models import (
    Comment,
    CommentOrder,
    Revision,
    Text,
    author_of,
    check_editor,
    check_remover,
    composed,
    deleted,
    edited,
    valid_content,
    valid_emoji,
)
from tidemill.board.comments.repository import CommentRepository
from tidemill.board.errors import ProjectIsArchived, WorkItemIsArchived, WorkItemNotFound
from tidemill.board.handles.service import Handles
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.service import may
from tidemill.board.project_access.whole import whole
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import WorkItem, check_changeable
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number, after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class CommentService:
    """Use cases of comments; an item is named by its id or its key, a comment by its id."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._comments = CommentRepository()
        self._items = WorkItemRepository()
        self._handles = Handles()
        self._announcer = Announcer()
        self._access = AccessRepository()

    async def add(
        self,
        reference: str,
        content: str,
        *,
        parent_id: str | None = None,
        actor: Actor,
        once: Once[Comment] | None = None,
    ) -> Comment:
        """Comment on an item; with a parent, in its thread.

        Raises `WorkItemNotFound`, `ProjectIsArchived`, `CommentNotFound` and `CommentElsewhere`.
        """
        text = await self._text(content, actor, lambda tx: self._items.find(tx, reference))

        def use_case(tx: Tx) -> Comment:
            item = self._items.find(tx, reference, lock="parent")
            if item is None or item.deleted_at is not None:
                raise WorkItemNotFound(reference)
            check_changeable(item)
            parent = self._thread(tx, item, parent_id)
            made = composed(
                CommentId(tx.new_id()), item, parent, text, at=tx.now, by=author_of(actor)
            )
            self._comments.add(tx, made)
            # Read again, since the author's name is joined.
            comment = self._comments.find(tx, made.id) or made
            self._announcer.created(tx, comment, by=actor)
            return comment

        return await self._tenants.write(actor, use_case, once=once)

    async def list(
        self, reference: str, order: CommentOrder, page: PageRequest, *, actor: Actor
    ) -> Page[Comment]:
        """Return an item's comments thread by thread, or newest first."""
        after = after_text(page)

        def use_case(tx: Tx) -> list[Comment]:
            item = self._items.find(tx, reference)
            if item is None or item.deleted_at is not None:
                raise WorkItemNotFound(reference)
            found = self._comments.page(tx, item.id, order, after=after, limit=page.limit_plus_one)
            return self._comments.with_reactions(tx, found, author_of(actor))

        rows = await self._tenants.read(actor, use_case)
        is_threaded = order is CommentOrder.THREAD
        return page_of(rows, page, lambda row: (row.place if is_threaded else row.id,))

    async def get(self, comment_id: str, *, actor: Actor) -> Comment:
        """Return a comment, or the place of one that was deleted; raises `CommentNotFound`."""

        def use_case(tx: Tx) -> Comment:
            comment = self._comments.find(tx, comment_id)
            if comment is None or not comment.is_visible:
                raise CommentNotFound(comment_id)
            return self._comments.with_reactions(tx, [comment], author_of(actor))[0]

        return await self._tenants.read(actor, use_case)

    async def edit(
        self,
        comment_id: str,
        content: str,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Comment] | None = None,
    ) -> Comment:
        """Give a comment another text and keep the old one; the same text changes nothing.

        Raises `NotYourComment`, and `VersionChanged` or `CommentChanged` when `expected` does not
        hold.
        """
        text = await self._text(content, actor, lambda tx: self._comments.find(tx, comment_id))

        def use_case(tx: Tx) -> Comment:
            comment = self._writable(tx, comment_id)
            check_editor(comment, actor)
            expected.check(comment.version, CommentChanged)
            if text.content != comment.content:
                saved = edited(comment, text, at=tx.now, by=author_of(actor))
                self._comments.keep(tx, comment)
                self._save(tx, comment, saved)
                self._announcer.edited(tx, comment, saved, by=actor)
                comment = saved
            return self._comments.with_reactions(tx, [comment], author_of(actor))[0]

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, comment_id: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Hide a comment; where there are replies, its place stays. Raises `NotYourComment`."""

        def use_case(tx: Tx) -> None:
            comment = self._writable(tx, comment_id)
            keeps_order = may(tx, comment.project_id, ProjectRole.OWNER, actor)
            check_remover(comment, actor, keeps_order=keeps_order)
            expected.check(comment.version, CommentChanged)
            gone = deleted(comment, at=tx.now, by=author_of(actor))
            self._save(tx, comment, gone)
            self._announcer.deleted(tx, gone, by=actor)

        await self._tenants.write(actor, use_case)

    async def history(self, comment_id: str, page: PageRequest, *, actor: Actor) -> Page[Revision]:
        """Return the earlier texts of a comment, newest first; raises `CommentNotFound`."""
        before = after_number(page)

        def use_case(tx: Tx) -> list[Revision]:
            comment = self._comments.find(tx, comment_id)
            # What was deleted shall not be read here instead.
            if comment is None or comment.deleted_at is not None:
                raise CommentNotFound(comment_id)
            return self._comments.revisions(
                tx, comment.id, before=before, limit=page.limit_plus_one
            )

        rows = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda row: (row.version,))

    async def react(self, comment_id: str, emoji: str, *, actor: Actor) -> Comment:
        """Add the actor's reaction; one that is there already stays. Raises `UnknownReaction`."""
        sign = valid_emoji(emoji)

        def change(tx: Tx, comment: Comment) -> None:
            if self._comments.react(tx, comment.id, sign, author_of(actor)):
                self._announcer.reacted(tx, CommentReactionAdded, comment, sign, by=actor)

        return await self._with_reaction(comment_id, change, actor)

    async def unreact(self, comment_id: str, emoji: str, *, actor: Actor) -> None:
        """Take the actor's reaction back, if there is one. Raises `UnknownReaction`."""
        sign = valid_emoji(emoji)

        def change(tx: Tx, comment: Comment) -> None:
            if self._comments.unreact(tx, comment.id, sign, author_of(actor)):
                self._announcer.reacted(tx, CommentReactionRemoved, comment, sign, by=actor)

        await self._with_reaction(comment_id, change, actor)

    async def _text(
        self, content: str, actor: Actor, place: Callable[[Tx], WorkItem | Comment | None]
    ) -> Text:
        """Return what was written, with its HTML, which may take long: not in the transaction."""
        plain = valid_content(content, self._limits)
        names = await asyncio.to_thread(markdown.names_in, plain)
        mentions: dict[str, str] = {}
        if names:
            mentions = await self._tenants.read(
                actor, lambda tx: self._mentions(tx, names, place(tx))
            )
        html = await asyncio.to_thread(markdown.render, plain, mentions)
        return Text(content=plain, html=html, renderer=markdown.RENDERER, mentions=mentions)

    def _mentions(
        self, tx: Tx, names: Sequence[str], at: WorkItem | Comment | None
    ) -> dict[str, str]:
        """Return whom names mean, of those who may see where they are mentioned."""
        meant = self._handles.meant(tx, names)
        if at is None or not meant:
            return {}
        readers = self._access.readers(whole(tx), at.project_id, meant.values())
        return {name: user_id for name, user_id in meant.items() if user_id in readers}

    def _thread(self, tx: Tx, item: WorkItem, parent_id: str | None) -> CommentId | None:
        """Return the first comment of the thread that a reply to `parent_id` belongs to."""
        if parent_id is None:
            return None
        parent = self._comments.find(tx, parent_id.lower())
        if parent is None or not parent.is_visible:
            raise CommentNotFound(parent_id, param="parent_id")
        if parent.work_item_id != item.id:
            raise CommentElsewhere(parent_id)
        return parent.parent_id or parent.id

    def _writable(self, tx: Tx, comment_id: str) -> Comment:
        comment = self._comments.find(tx, comment_id, lock=True)
        if comment is None or comment.deleted_at is not None:
            raise CommentNotFound(comment_id)
        if comment.project_archived_at is not None:
            raise ProjectIsArchived(comment.project_key)
        if comment.item_archived_at is not None:
            raise WorkItemIsArchived(comment.work_item_id)
        return comment

    def _save(self, tx: Tx, old: Comment, new: Comment) -> None:
        if not self._comments.save(tx, new):
            raise CommentChanged(old.version, new.version)

    async def _with_reaction(
        self, comment_id: str, change: Callable[[Tx, Comment], None], actor: Actor
    ) -> Comment:
        def use_case(tx: Tx) -> Comment:
            comment = self._writable(tx, comment_id)
            change(tx, comment)
            return self._comments.with_reactions(tx, [comment], author_of(actor))[0]

        return await self._tenants.write(actor, use_case)
