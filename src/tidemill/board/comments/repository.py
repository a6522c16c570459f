"""The SQL of comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import structs

from tidemill.board.comment_facts import CommentId
from tidemill.board.comments.models import (
    REACTIONS,
    Comment,
    CommentOrder,
    Reaction,
    Revision,
)
from tidemill.board.contract import WorkItemId
from tidemill.board.texts import is_uuid
from tidemill.core.pages import limit_max
from tidemill.core.ports import Tx, Value

_SELECT: Final = """
    SELECT c.id, c.work_item_id, w.version, w.project_id, p.key, p.archived_at, c.parent_id,
        c.place, c.content, c.content_html, c.renderer, c.mentions, c.version, c.created_at,
        c.created_by, a.name, a.avatar, c.updated_at, c.updated_by, c.deleted_at,
        (
            SELECT COUNT(*) FROM comments AS r
            WHERE r.tenant_id = c.tenant_id AND r.parent_id = c.id AND r.deleted_at IS NULL
        ),
        w.archived_at
    FROM comments AS c
    JOIN work_items AS w
        ON w.tenant_id = c.tenant_id AND w.id = c.work_item_id AND w.deleted_at IS NULL
    JOIN projects AS p
        ON p.tenant_id = w.tenant_id AND p.id = w.project_id AND p.deleted_at IS NULL
    LEFT JOIN people AS a ON a.tenant_id = c.tenant_id AND a.user_id = c.created_by
"""
_BY_ID: Final = _SELECT + "WHERE c.tenant_id = :tenant_id AND c.id = :id"
_LOCK: Final = " FOR UPDATE OF c"
_VISIBLE: Final = """
    WHERE c.tenant_id = :tenant_id AND c.work_item_id = :work_item_id
        AND (c.deleted_at IS NULL OR EXISTS (
            SELECT 1 FROM comments AS r
            WHERE r.tenant_id = c.tenant_id AND r.parent_id = c.id AND r.deleted_at IS NULL
        ))
"""
# Each order is that of an index.
_ORDERS: Final = {
    CommentOrder.THREAD: ("AND c.place > :after", "ORDER BY c.place"),
    CommentOrder.NEWEST: ("AND c.id < :after", "ORDER BY c.id DESC"),
}
_INSERT: Final = """
    INSERT INTO comments (tenant_id, id, work_item_id, parent_id, place, content, content_html,
        renderer, mentions, version, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :work_item_id, :parent_id, :place, :content, :content_html,
        :renderer, :mentions, :version, :created_at, :created_by, :updated_at, :updated_by)
"""
_UPDATE: Final = """
    UPDATE comments
    SET content = :content, content_html = :content_html, renderer = :renderer,
        mentions = :mentions, version = :version, updated_at = :updated_at,
        updated_by = :updated_by, deleted_at = :deleted_at
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_KEEP: Final = """
    INSERT INTO comment_revisions (tenant_id, comment_id, version, content, at, user_id)
    VALUES (:tenant_id, :comment_id, :version, :content, :at, :user_id)
"""
_REVISIONS: Final = """
    SELECT version, content, at, user_id FROM comment_revisions
    WHERE tenant_id = :tenant_id AND comment_id = :comment_id AND version < :before
    ORDER BY version DESC
    LIMIT :limit
"""
_REACT: Final = """
    INSERT INTO comment_reactions (tenant_id, comment_id, emoji, user_id, at)
    VALUES (:tenant_id, :comment_id, :emoji, :user_id, :now)
    ON CONFLICT (tenant_id, comment_id, emoji, user_id) DO NOTHING
"""
_UNREACT: Final = """
    DELETE FROM comment_reactions
    WHERE tenant_id = :tenant_id AND comment_id = :comment_id AND emoji = :emoji
        AND user_id = :user_id
"""
# One text for each of two lengths, so that both are prepared once: the last id is repeated.
_REACTIONS: Final = {
    count: f"""
    SELECT comment_id, emoji, COUNT(*), COUNT(CASE WHEN user_id = :me THEN 1 END)
    FROM comment_reactions
    WHERE tenant_id = :tenant_id
        AND comment_id IN ({", ".join(f":id_{place}" for place in range(count))})
    GROUP BY comment_id, emoji
"""  # noqa: S608 - names of parameters
    for count in (1, limit_max + 1)
}
_RANKS: Final = {emoji: rank for rank, emoji in enumerate(REACTIONS)}
_BEFORE_ALL: Final = ""
_BEHIND_ALL: Final = "~"
_VERSION_MAX: Final = 2**62


class CommentRepository:
    """Comments of living items, with their authors' names."""

    def find(self, tx: Tx, comment_id: str, *, lock: bool = False) -> Comment | None:
        """Return a comment, deleted or not; `lock` holds it until the transaction ends."""
        if not is_uuid(comment_id):
            return None
        row = tx.one(_BY_ID + (_LOCK if lock and tx.dialect == "postgres" else ""), id=comment_id)
        return Comment(*row) if row else None

    def page(
        self,
        tx: Tx,
        item_id: WorkItemId,
        order: CommentOrder,
        *,
        after: str | None,
        limit: int,
    ) -> list[Comment]:
        """Return what people see of an item's comments; `after` is a place, or an id."""
        sql, parameters = list_statement(item_id, order, after)
        return [Comment(*row) for row in tx.all(sql, limit=limit, **parameters)]

    def add(self, tx: Tx, comment: Comment) -> None:
        """Insert a comment."""
        tx.execute(
            _INSERT,
            **_written(comment),
            work_item_id=comment.work_item_id,
            parent_id=comment.parent_id,
            place=comment.place,
            created_at=comment.created_at,
            created_by=comment.created_by,
        )

    def save(self, tx: Tx, comment: Comment) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            **_written(comment),
            deleted_at=comment.deleted_at,
            previous_version=comment.version - 1,
        )
        return changed == 1

    def keep(self, tx: Tx, comment: Comment) -> None:
        """Keep the text that the comment has, before it gets another one."""
        tx.execute(
            _KEEP,
            comment_id=comment.id,
            version=comment.version,
            content=comment.content,
            at=comment.updated_at,
            user_id=comment.updated_by,
        )

    def revisions(
        self, tx: Tx, comment_id: CommentId, *, before: int | None, limit: int
    ) -> list[Revision]:
        """Return earlier texts, newest first."""
        version = _VERSION_MAX if before is None else before
        rows = tx.all(_REVISIONS, comment_id=comment_id, before=version, limit=limit)
        return [Revision(*row) for row in rows]

    def react(self, tx: Tx, comment_id: CommentId, emoji: str, user_id: str) -> bool:
        """Add a reaction; return False when it is there already."""
        return tx.execute(_REACT, comment_id=comment_id, emoji=emoji, user_id=user_id) == 1

    def unreact(self, tx: Tx, comment_id: CommentId, emoji: str, user_id: str) -> bool:
        """Remove a reaction; return False when there is none."""
        return tx.execute(_UNREACT, comment_id=comment_id, emoji=emoji, user_id=user_id) == 1

    def with_reactions(self, tx: Tx, comments: Sequence[Comment], me: str) -> list[Comment]:
        """Return comments, at most a page, with their reactions as `me` sees them."""
        if not comments:
            return []
        ids: list[Value] = [comment.id for comment in comments]
        count = 1 if len(ids) == 1 else limit_max + 1
        padded = [*ids, *([ids[-1]] * (count - len(ids)))]
        places = {f"id_{place}": each for place, each in enumerate(padded)}
        found: dict[str, list[Reaction]] = {}
        for comment_id, emoji, people, mine in tx.all(_REACTIONS[count], me=me, **places):
            found.setdefault(comment_id, []).append(Reaction(emoji, people, mine > 0))
        return [
            structs.replace(
                comment,
                reactions=tuple(
                    sorted(found.get(comment.id, ()), key=lambda one: _RANKS.get(one.emoji, 99))
                ),
            )
            for comment in comments
        ]


def list_statement(
    item_id: WorkItemId, order: CommentOrder, after: str | None
) -> tuple[str, dict[str, Value]]:
    """Return the statement that lists an item's comments, and its parameters but the limit."""
    keyset, sorting = _ORDERS[order]
    first = _BEFORE_ALL if order is CommentOrder.THREAD else _BEHIND_ALL
    sql = "\n    ".join((_SELECT.rstrip() + _VISIBLE.rstrip(), keyset, sorting, "LIMIT :limit"))
    return sql, {"work_item_id": item_id, "after": first if after is None else after}


def _written(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "content": comment.content,
        "content_html": comment.content_html,
        "renderer": comment.renderer,
        "mentions": comment.mentions,
        "version": comment.version,
        "updated_at": comment.updated_at,
        "updated_by": comment.updated_by,
    }
