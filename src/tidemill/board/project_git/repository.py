"""The SQL of projects in repositories of git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tidemill.board.contract import ProjectId
from tidemill.board.project_git.models import GitBinding, GitState, SyncReport, SyncRequest
from tidemill.board.project_git.planning import Base, Deletions
from tidemill.core.clock import Instant
from tidemill.core.ports import Row, Tx

_NAMES: Final = (
    "project_id", "url", "branch", "directory", "deletions", "username", "secret", "key_id",
    "state", "request", "due_at", "holder", "commit_id", "synced_at", "report", "version",
    "created_at", "created_by", "updated_at", "updated_by",
)  # fmt: skip
_FIND: Final = """
    SELECT project_id, url, branch, directory, deletions, username, secret, key_id, state, request,
        due_at, holder, commit_id, synced_at, report, version, created_at, created_by, updated_at,
        updated_by
    FROM project_git_bindings
"""
_BY_PROJECT: Final = _FIND + "WHERE tenant_id = :tenant_id AND project_id = :project_id"
_SEALED_OTHERWISE: Final = _FIND + (
    "WHERE tenant_id = :tenant_id AND key_id <> :key_id ORDER BY project_id LIMIT :limit"
)
_SAVE: Final = """
    INSERT INTO project_git_bindings (tenant_id, project_id, url, branch, directory, deletions,
        username, secret, key_id, state, request, due_at, holder, commit_id, synced_at, report,
        version, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :project_id, :url, :branch, :directory, :deletions, :username, :secret,
        :key_id, :state, :request, :due_at, :holder, :commit_id, :synced_at, :report, :version,
        :created_at, :created_by, :updated_at, :updated_by)
    ON CONFLICT (tenant_id, project_id) DO UPDATE
    SET url = excluded.url, branch = excluded.branch, directory = excluded.directory,
        deletions = excluded.deletions, username = excluded.username, secret = excluded.secret,
        key_id = excluded.key_id, state = excluded.state, request = excluded.request,
        due_at = excluded.due_at, holder = excluded.holder, commit_id = excluded.commit_id,
        synced_at = excluded.synced_at, report = excluded.report, version = excluded.version,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_REMOVE: Final = """
    DELETE FROM project_git_bindings WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_DUE: Final = """
    SELECT project_id FROM project_git_bindings
    WHERE tenant_id = :tenant_id AND due_at <= :now
    ORDER BY due_at, project_id LIMIT :limit
"""
_NEXT: Final = """
    SELECT min(due_at) FROM project_git_bindings
    WHERE tenant_id = :tenant_id AND due_at IS NOT NULL
"""
_FILES: Final = """
    SELECT name, item_key, path, said FROM project_git_files
    WHERE tenant_id = :tenant_id AND project_id = :project_id
    ORDER BY name LIMIT :limit
"""
_SAVE_FILE: Final = """
    INSERT INTO project_git_files (tenant_id, project_id, name, item_key, path, said)
    VALUES (:tenant_id, :project_id, :name, :item_key, :path, :said)
    ON CONFLICT (tenant_id, project_id, name) DO UPDATE
    SET item_key = excluded.item_key, path = excluded.path, said = excluded.said
"""
_REMOVE_FILE: Final = """
    DELETE FROM project_git_files
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND name = :name
"""
_REMOVE_FILES: Final = """
    DELETE FROM project_git_files WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_said = msgspec.json.Decoder(dict[str, str])


class GitRepository:
    """Bindings of projects, and what both sides said last of each file."""

    def find(self, tx: Tx, project_id: ProjectId, *, lock: bool = False) -> GitBinding | None:
        """Return how a project is bound; with `lock` nobody else changes it meanwhile."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_PROJECT + suffix, project_id=project_id)
        return None if row is None else _binding(row)

    def save(self, tx: Tx, binding: GitBinding) -> None:
        """Write how a project is bound; the caller holds the row, or the project's."""
        told: dict[str, Any] = {name: getattr(binding, name) for name in _NAMES}
        for name in ("request", "report"):
            if told[name] is not None:
                told[name] = msgspec.json.encode(told[name]).decode()
        told |= {"deletions": str(binding.deletions), "state": str(binding.state)}
        tx.execute(_SAVE, **told)

    def remove(self, tx: Tx, project_id: ProjectId) -> None:
        """Forget how a project is bound, and what both sides said."""
        tx.execute(_REMOVE_FILES, project_id=project_id)
        tx.execute(_REMOVE, project_id=project_id)

    def forget_files(self, tx: Tx, project_id: ProjectId) -> None:
        """Forget what both sides said: the repository is another one."""
        tx.execute(_REMOVE_FILES, project_id=project_id)

    def due(self, tx: Tx, limit: int) -> list[ProjectId]:
        """Return the projects whose sync shall begin, or begin again."""
        return [ProjectId(row[0]) for row in tx.all(_DUE, now=tx.now, limit=limit)]

    def next_due(self, tx: Tx) -> Instant | None:
        """Return when the next sync shall begin."""
        row = tx.one(_NEXT)
        return None if row is None or row[0] is None else Instant(row[0])

    def sealed_otherwise(self, tx: Tx, key_id: str, limit: int) -> list[GitBinding]:
        """Return bindings whose secret another key than this one seals."""
        return [_binding(row) for row in tx.all(_SEALED_OTHERWISE, key_id=key_id, limit=limit)]

    def bases(self, tx: Tx, project_id: ProjectId, limit: int) -> list[Base]:
        """Return what both sides said last, by name."""
        return [
            Base(item_id=row[0], key=row[1], path=row[2], values=_said.decode(row[3]))
            for row in tx.all(_FILES, project_id=project_id, limit=limit)
        ]

    def save_bases(self, tx: Tx, project_id: ProjectId, bases: Iterable[Base]) -> None:
        """Keep what both sides said."""
        tx.execute_many(_SAVE_FILE, [_row(project_id, base) for base in bases])

    def remove_bases(self, tx: Tx, project_id: ProjectId, names: Iterable[str]) -> None:
        """Forget what both sides said of items that neither has any more."""
        tx.execute_many(_REMOVE_FILE, [{"project_id": project_id, "name": one} for one in names])


def _row(project_id: ProjectId, base: Base) -> Mapping[str, Any]:
    said = msgspec.json.encode(base.values, order="deterministic").decode()
    return {
        "project_id": project_id,
        "name": base.item_id,
        "item_key": base.key,
        "path": base.path,
        "said": said,
    }


def _binding(row: Row) -> GitBinding:
    told: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    for name, type_ in (("request", SyncRequest), ("report", SyncReport)):
        if told[name] is not None:
            told[name] = msgspec.json.decode(told[name], type=type_)
    told |= {"deletions": Deletions(told["deletions"]), "state": GitState(told["state"])}
    return GitBinding(**told)
