"""The SQL that an import of a project needs beside that of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.project_imports.models import Known
from tidemill.core.ports import Tx, Value

Rows = Iterable[Mapping[str, Value]]
_MARK: Final = """
    SELECT sha256 FROM project_imports WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_SET_MARK: Final = """
    INSERT INTO project_imports (tenant_id, project_id, sha256, imported_at, imported_by)
    VALUES (:tenant_id, :project_id, :sha256, :now, :imported_by)
"""
# Who is no member here has no account either: the row gives what they did a name to show.
_REMEMBER: Final = """
    INSERT INTO people (tenant_id, user_id, name, avatar, state)
    VALUES (:tenant_id, :user_id, :name, NULL, 'removed')
    ON CONFLICT (tenant_id, user_id) DO NOTHING
"""
_COMMENT: Final = """
    INSERT INTO comments (tenant_id, id, work_item_id, parent_id, place, content, content_html,
        renderer, mentions, version, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :work_item_id, :parent_id, :place, :content, :content_html,
        :renderer, :mentions, :version, :created_at, :created_by, :updated_at, :created_by)
"""
_REVISION: Final = """
    INSERT INTO comment_revisions (tenant_id, comment_id, version, content, at, user_id)
    VALUES (:tenant_id, :comment_id, :version, :content, :at, :user_id)
"""
_REACTION: Final = """
    INSERT INTO comment_reactions (tenant_id, comment_id, emoji, user_id, at)
    VALUES (:tenant_id, :comment_id, :emoji, :user_id, :now)
    ON CONFLICT (tenant_id, comment_id, emoji, user_id) DO NOTHING
"""
_WATCHER: Final = """
    INSERT INTO watchers (tenant_id, work_item_id, user_id, state, at)
    VALUES (:tenant_id, :work_item_id, :user_id, :state, :now)
"""
_TIME: Final = """
    INSERT INTO time_entries (tenant_id, id, work_item_id, project_id, user_id, started_at,
        ended_at, on_day, description, source, version, created_at, created_by, updated_at,
        updated_by)
    VALUES (:tenant_id, :id, :work_item_id, :project_id, :user_id, :started_at,
        :ended_at, :on_day, :description, :source, 1, :now, :created_by, :now, :created_by)
"""
# A person has one timer that runs, and that of this place goes on.
_RUNNING: Final = _TIME + (
    "ON CONFLICT (tenant_id, user_id) WHERE ended_at IS NULL AND deleted_at IS NULL DO NOTHING"
)
_FILE: Final = """
    INSERT INTO attachments (tenant_id, id, work_item_id, name, media_type, bytes, sha256,
        created_at, created_by)
    VALUES (:tenant_id, :id, :work_item_id, :name, :media_type, :bytes, :sha256,
        :created_at, :created_by)
"""
_LEDGER: Final = """
    INSERT INTO sprint_scope_events (tenant_id, sprint_id, id, work_item_id, kind, scope_count,
        scope_points, done_count, done_points, at)
    VALUES (:tenant_id, :sprint_id, :id, :work_item_id, :kind, :scope_count, :scope_points,
        :done_count, :done_points, :at)
"""
_OWN_KEY: Final = """
    INSERT INTO former_keys (tenant_id, project_id, number, work_item_id, retired_at)
    VALUES (:tenant_id, :project_id, :number, :work_item_id, :now)
"""
_OTHER_KEY: Final = """
    INSERT INTO imported_keys (tenant_id, project_key, number, work_item_id)
    VALUES (:tenant_id, :project_key, :number, :work_item_id)
    ON CONFLICT (tenant_id, project_key, number) DO NOTHING
"""
_LINK: Final = """
    INSERT INTO dependencies (tenant_id, id, dependency_type, blocking_item_id, blocked_item_id,
        created_at, created_by)
    VALUES (:tenant_id, :id, :dependency_type, :blocking_item_id, :blocked_item_id,
        :now, :created_by)
    ON CONFLICT DO NOTHING
"""


class ProjectImportRepository:
    """Writes many rows at once, of items that nobody else sees yet."""

    def mark(self, tx: Tx, project_id: ProjectId) -> str | None:
        """Return the digest of what a project was imported from; None where it was not."""
        row = tx.one(_MARK, project_id=project_id)
        return None if row is None else row[0]

    def set_mark(self, tx: Tx, project_id: ProjectId, sha256: str, by: str) -> None:
        """Keep what a project was imported from."""
        tx.execute(_SET_MARK, project_id=project_id, sha256=sha256, imported_by=by)

    def remember(self, tx: Tx, people: Iterable[Known]) -> None:
        """Keep the names of people who are no members."""
        tx.execute_many(_REMEMBER, [{"user_id": one.id, "name": one.name} for one in people])

    def add_comments(self, tx: Tx, comments: Rows, revisions: Rows, reactions: Rows) -> None:
        """Insert comments, each thread from its first one on, and what hangs on them."""
        tx.execute_many(_COMMENT, comments)
        tx.execute_many(_REVISION, revisions)
        tx.execute_many(_REACTION, reactions)

    def add_watchers(self, tx: Tx, rows: Rows) -> None:
        """Insert what people asked for."""
        tx.execute_many(_WATCHER, rows)

    def add_time(self, tx: Tx, rows: Rows) -> None:
        """Insert entries that have ended."""
        tx.execute_many(_TIME, rows)

    def add_running(self, tx: Tx, row: Mapping[str, Value]) -> bool:
        """Insert an entry whose timer runs; return False when the person has another one."""
        return tx.execute(_RUNNING, **row) == 1

    def add_files(self, tx: Tx, rows: Rows) -> None:
        """Insert files, whose bytes are accounted for."""
        tx.execute_many(_FILE, rows)

    def add_ledger(self, tx: Tx, rows: Rows) -> None:
        """Insert lines of sprints' ledgers."""
        tx.execute_many(_LEDGER, rows)

    def add_links(self, tx: Tx, rows: Rows) -> None:
        """Insert dependencies of new items on each other."""
        tx.execute_many(_LINK, rows)

    def add_own_keys(self, tx: Tx, rows: Rows) -> None:
        """Insert keys that items had in the project itself."""
        tx.execute_many(_OWN_KEY, rows)

    def add_other_key(self, tx: Tx, row: Mapping[str, Value]) -> bool:
        """Insert a key of another project; return False when it names another item here."""
        return tx.execute(_OTHER_KEY, **row) == 1
