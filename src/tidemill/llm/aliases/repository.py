"""The SQL of aliases and their deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tidemill.core.ports import Row, Tx
from tidemill.llm.aliases.models import Alias, Deployment, Parameters

_COLUMNS: Final = """
    SELECT id, name, parameters, version, created_at, created_by, updated_at, updated_by
    FROM llm_aliases
"""
_BY_ID: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND id = :id"
_BY_NAME: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND name = :name"
_PAGE: Final = _COLUMNS + (
    "WHERE tenant_id = :tenant_id AND name > :after ORDER BY name LIMIT :limit"
)
_NAMES: Final = (
    "SELECT name FROM llm_aliases WHERE tenant_id = :tenant_id ORDER BY name LIMIT :limit"
)
_COUNT: Final = "SELECT count(*) FROM llm_aliases WHERE tenant_id = :tenant_id"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('llm_aliases:' || :tenant_id, 0))"
_INSERT: Final = """
    INSERT INTO llm_aliases (tenant_id, id, name, parameters, version, created_at, created_by,
        updated_at, updated_by)
    VALUES (:tenant_id, :id, :name, :parameters, :version, :created_at, :created_by,
        :updated_at, :updated_by)
"""
_UPDATE: Final = """
    UPDATE llm_aliases
    SET name = :name, parameters = :parameters, version = :version, updated_at = :updated_at,
        updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_DELETE: Final = "DELETE FROM llm_aliases WHERE tenant_id = :tenant_id AND id = :id"
_DEPLOYMENTS: Final = """
    SELECT alias_id, provider_id, model FROM llm_deployments
    WHERE tenant_id = :tenant_id AND alias_id >= :first AND alias_id <= :last
    ORDER BY alias_id, position LIMIT :limit
"""
_DEPLOY: Final = """
    INSERT INTO llm_deployments (tenant_id, alias_id, position, provider_id, model)
    VALUES (:tenant_id, :alias_id, :position, :provider_id, :model)
"""
_UNDEPLOY: Final = """
    DELETE FROM llm_deployments WHERE tenant_id = :tenant_id AND alias_id = :alias_id
"""
_rows_max: Final = 20_000


class AliasRepository:
    """Aliases of a tenant."""

    def alone(self, tx: Tx) -> None:
        """Let nobody else add, rename or delete an alias of the tenant until this commits."""
        if tx.dialect == "postgres":
            tx.one(_LOCK)

    def count(self, tx: Tx) -> int:
        """Return how many there are."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def find(self, tx: Tx, alias_id: str) -> Alias | None:
        """Return an alias by its id."""
        return next(iter(self._whole(tx, tx.all(_BY_ID, id=alias_id))), None)

    def named(self, tx: Tx, name: str) -> Alias | None:
        """Return an alias by its name."""
        return next(iter(self._whole(tx, tx.all(_BY_NAME, name=name))), None)

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Alias]:
        """Return aliases by name."""
        return self._whole(tx, tx.all(_PAGE, after=after, limit=limit))

    def names(self, tx: Tx, *, limit: int) -> list[str]:
        """Return the first names."""
        return [row[0] for row in tx.all(_NAMES, limit=limit)]

    def add(self, tx: Tx, alias: Alias) -> None:
        """Insert `alias` with its deployments."""
        tx.execute(
            _INSERT,
            id=alias.id,
            name=alias.name,
            parameters=msgspec.json.encode(alias.parameters).decode(),
            version=alias.version,
            created_at=alias.created_at,
            created_by=alias.created_by,
            updated_at=alias.updated_at,
            updated_by=alias.updated_by,
        )
        self._deploy(tx, alias)

    def save(self, tx: Tx, alias: Alias) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=alias.id,
            name=alias.name,
            parameters=msgspec.json.encode(alias.parameters).decode(),
            version=alias.version,
            previous_version=alias.version - 1,
            updated_at=alias.updated_at,
            updated_by=alias.updated_by,
        )
        if changed != 1:
            return False
        tx.execute(_UNDEPLOY, alias_id=alias.id)
        self._deploy(tx, alias)
        return True

    def remove(self, tx: Tx, alias: Alias) -> None:
        """Delete `alias` with its deployments."""
        tx.execute(_UNDEPLOY, alias_id=alias.id)
        tx.execute(_DELETE, id=alias.id)

    def _deploy(self, tx: Tx, alias: Alias) -> None:
        tx.execute_many(
            _DEPLOY,
            [
                {
                    "alias_id": alias.id,
                    "position": position,
                    "provider_id": one.provider_id,
                    "model": one.model,
                }
                for position, one in enumerate(alias.deployments)
            ],
        )

    def _whole(self, tx: Tx, rows: Sequence[Row]) -> list[Alias]:
        if not rows:
            return []
        ids = sorted(row[0] for row in rows)
        found: dict[str, list[Deployment]] = {id_: [] for id_ in ids}
        among = tx.all(_DEPLOYMENTS, first=ids[0], last=ids[-1], limit=_rows_max)
        for alias_id, provider_id, model in among:
            if alias_id in found:
                found[alias_id].append(Deployment(provider_id=provider_id, model=model))
        return [_alias(row, tuple(found[row[0]])) for row in rows]


def _alias(row: Row, deployments: tuple[Deployment, ...]) -> Alias:
    id_, name, parameters, version, created_at, created_by, updated_at, updated_by = row
    return Alias(
        id=id_,
        name=name,
        parameters=msgspec.json.decode(parameters, type=Parameters),
        deployments=deployments,
        version=version,
        created_at=created_at,
        created_by=created_by,
        updated_at=updated_at,
        updated_by=updated_by,
    )
