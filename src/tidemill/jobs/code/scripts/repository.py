"""The SQL of scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tidemill.core.ports import Tx
from tidemill.jobs.code.scripts.models import Script, Version
from tidemill.jobs.contract import ScriptId

scripts_named_max: Final = 1_000

_VERSION: Final = """
    v.script_id, s.path, v.number, v.language, v.content_hash, v.parent_hash, v.schema,
    v.created_at, v.created_by, v.lock_hash, v.imports, v.limits, v.isolation,
    v.requires, v.affinity_key, v.attempts_max
"""
_SCRIPT: Final = f"""
    SELECT s.id, s.path, s.created_at, s.created_by, s.updated_at, s.archived_at, {_VERSION}
    FROM scripts AS s
    JOIN script_versions AS v
        ON v.tenant_id = s.tenant_id AND v.script_id = s.id AND v.number = s.head
    WHERE s.tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_BY_PATH: Final = f"{_SCRIPT} AND s.path = :path"
_PAGE: Final = (
    f"{_SCRIPT} AND s.path > :after AND s.archived_at IS NULL ORDER BY s.path LIMIT :limit"
)
_PATHS: Final = """
    SELECT path FROM scripts
    WHERE tenant_id = :tenant_id AND archived_at IS NULL ORDER BY path LIMIT :limit
"""
_VERSIONS: Final = f"""
    SELECT {_VERSION} FROM scripts AS s
    JOIN script_versions AS v ON v.tenant_id = s.tenant_id AND v.script_id = s.id
    WHERE s.tenant_id = :tenant_id AND s.path = :path AND v.number < :before
    ORDER BY v.number DESC LIMIT :limit
"""  # noqa: S608 - constant names of columns
_CONTENT: Final = """
    SELECT content FROM script_contents
    WHERE tenant_id = :tenant_id AND content_hash = :content_hash
"""
_IN_USE: Final = """
    SELECT v.content_hash, c.content FROM scripts AS s
    JOIN script_versions AS v
        ON v.tenant_id = s.tenant_id AND v.script_id = s.id AND v.number = s.head
    JOIN script_contents AS c
        ON c.tenant_id = v.tenant_id AND c.content_hash = v.content_hash
    WHERE s.tenant_id = :tenant_id AND s.path = :path AND s.archived_at IS NULL
        AND v.language = :language
"""
_LATEST_WITH: Final = """
    SELECT v.lock_hash, v.imports FROM scripts AS s
    JOIN script_versions AS v ON v.tenant_id = s.tenant_id AND v.script_id = s.id
    WHERE s.tenant_id = :tenant_id AND s.path = :path AND v.content_hash = :content_hash
    ORDER BY v.number DESC LIMIT 1
"""
_ADD: Final = """
    INSERT INTO scripts (tenant_id, id, path, head, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :path, 0, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, path) DO NOTHING
"""
_ID: Final = "SELECT id, head FROM scripts WHERE tenant_id = :tenant_id AND path = :path"
_ADD_CONTENT: Final = """
    INSERT INTO script_contents (tenant_id, content_hash, content)
    VALUES (:tenant_id, :content_hash, :content)
    ON CONFLICT (tenant_id, content_hash) DO NOTHING
"""
_ADD_VERSION: Final = """
    INSERT INTO script_versions (tenant_id, script_id, number, language, content_hash,
        parent_hash, schema, created_at, created_by, lock_hash, imports, limits,
        isolation, requires, affinity_key, attempts_max)
    VALUES (:tenant_id, :script_id, :number, :language, :content_hash, :parent_hash, :schema,
        :now, :created_by, :lock_hash, :imports, :limits, :isolation, :requires, :affinity_key,
        :attempts_max)
"""
_MOVE_HEAD: Final = """
    UPDATE scripts
    SET head = :head, updated_at = :now, updated_by = :by, archived_at = NULL
    WHERE tenant_id = :tenant_id AND id = :id
"""
_ARCHIVE: Final = """
    UPDATE scripts SET archived_at = :now, updated_at = :now, updated_by = :by
    WHERE tenant_id = :tenant_id AND id = :id AND archived_at IS NULL
"""


class ScriptRepository:
    """Scripts of one tenant."""

    def find(self, tx: Tx, path: str) -> Script | None:
        """Return the script at `path`, archived or not."""
        row = tx.one(_BY_PATH, path=path)
        return _script(row) if row else None

    def reserve(self, tx: Tx, path: str, *, by: str) -> ScriptId:
        """Return the id of the script at `path`, which nobody else changes before the commit."""
        tx.execute(_ADD, id=tx.new_id(), path=path, by=by)
        row = tx.one(_ID + (" FOR UPDATE" if tx.dialect == "postgres" else ""), path=path)
        assert row is not None  # noqa: S101 - it was just made
        return ScriptId(row[0])

    def add_version(self, tx: Tx, version: Version, content: str, *, lock: str) -> None:
        """Add a version, whose packages `lock` pins, and make it the one that runs."""
        if version.lock_hash is not None:
            tx.execute(_ADD_CONTENT, content_hash=version.lock_hash, content=lock)
        tx.execute(_ADD_CONTENT, content_hash=version.content_hash, content=content)
        tx.execute(
            _ADD_VERSION,
            script_id=version.script_id,
            number=version.number,
            language=version.language,
            content_hash=version.content_hash,
            parent_hash=version.parent_hash,
            schema=version.schema,
            created_by=version.created_by,
            lock_hash=version.lock_hash,
            imports=version.imports,
            limits=version.limits,
            isolation=version.isolation,
            requires=version.requires,
            affinity_key=version.affinity_key,
            attempts_max=version.attempts_max,
        )
        self.use(tx, version, by=version.created_by)

    def use(self, tx: Tx, version: Version, *, by: str) -> None:
        """Make `version` the one that runs, and take the script out of the archive."""
        tx.execute(_MOVE_HEAD, id=version.script_id, head=version.number, by=by)

    def archive(self, tx: Tx, id_: ScriptId, *, by: str) -> bool:
        """Put a script away; return False when it was already."""
        return bool(tx.execute(_ARCHIVE, id=id_, by=by))

    def content(self, tx: Tx, content_hash: str) -> str | None:
        """Return the content with this hash."""
        row = tx.one(_CONTENT, content_hash=content_hash)
        return row[0] if row else None

    def contents_in_use(
        self, tx: Tx, language: str, paths: Sequence[str]
    ) -> dict[str, tuple[str, str]]:
        """Return hash and content of those of `paths` that are scripts of `language` in use."""
        found: dict[str, tuple[str, str]] = {}
        for path in paths:
            row = tx.one(_IN_USE, path=path, language=language)
            if row is not None:
                found[path] = (row[0], row[1])
        return found

    def latest_with(self, tx: Tx, path: str, content_hash: str) -> tuple[str | None, str] | None:
        """Return lock and imports of the latest version at `path` with this content."""
        row = tx.one(_LATEST_WITH, path=path, content_hash=content_hash)
        return (row[0], row[1]) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Script]:
        """Return scripts in use, by path."""
        return [_script(row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def paths(self, tx: Tx) -> list[str]:
        """Return the paths of scripts in use, for the nearest one to a wrong one."""
        return [path for (path,) in tx.all(_PATHS, limit=scripts_named_max)]

    def versions(self, tx: Tx, path: str, *, before: int, limit: int) -> list[Version]:
        """Return versions of the script at `path`, the latest first."""
        return [Version(*row) for row in tx.all(_VERSIONS, path=path, before=before, limit=limit)]


def _script(row: Sequence[Any]) -> Script:
    id_, path, created_at, created_by, updated_at, archived_at, *version = row
    return Script(id_, path, Version(*version), created_at, created_by, updated_at, archived_at)
