"""The SQL of providers."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from tidemill.core.ports import Tx
from tidemill.llm.providers.models import Provider

_NAMES: Final = tuple(Provider.__struct_fields__)
_COLUMNS: Final = f"SELECT {', '.join(_NAMES)} FROM llm_providers\n"  # noqa: S608 - our own names
_BY_ID: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND id = :id"
_BY_NAME: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND name = :name"
_PAGE: Final = _COLUMNS + (
    "WHERE tenant_id = :tenant_id AND name > :after ORDER BY name LIMIT :limit"
)
_COUNT: Final = "SELECT count(*) FROM llm_providers WHERE tenant_id = :tenant_id"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('llm_providers:' || :tenant_id, 0))"
_INSERT: Final = f"""
    INSERT INTO llm_providers (tenant_id, {", ".join(_NAMES)})
    VALUES (:tenant_id, {", ".join(f":{name}" for name in _NAMES)})
"""  # noqa: S608 - our own names
_UPDATE: Final = """
    UPDATE llm_providers
    SET name = :name, base_url = :base_url, key = :key, key_id = :key_id, version = :version,
        updated_at = :updated_at, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_RESEAL: Final = """
    UPDATE llm_providers SET key = :key, key_id = :key_id
    WHERE tenant_id = :tenant_id AND id = :id
"""
_DELETE: Final = "DELETE FROM llm_providers WHERE tenant_id = :tenant_id AND id = :id"
_SEALED_OTHERWISE: Final = _COLUMNS + (
    "WHERE tenant_id = :tenant_id AND key_id <> :key_id ORDER BY id LIMIT :limit"
)
_ALIASES: Final = """
    SELECT DISTINCT a.name FROM llm_deployments d
    JOIN llm_aliases a ON a.tenant_id = d.tenant_id AND a.id = d.alias_id
    WHERE d.tenant_id = :tenant_id AND d.provider_id = :provider_id
    ORDER BY a.name LIMIT 10
"""


class ProviderRepository:
    """Providers of a tenant."""

    def alone(self, tx: Tx) -> None:
        """Let nobody else add, rename or delete a provider of the tenant until this commits."""
        if tx.dialect == "postgres":
            tx.one(_LOCK)

    def count(self, tx: Tx) -> int:
        """Return how many there are."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def find(self, tx: Tx, provider_id: str) -> Provider | None:
        """Return a provider by its id."""
        row = tx.one(_BY_ID, id=provider_id)
        return Provider(*row) if row else None

    def named(self, tx: Tx, name: str) -> Provider | None:
        """Return a provider by its name."""
        row = tx.one(_BY_NAME, name=name)
        return Provider(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Provider]:
        """Return providers by name."""
        return [Provider(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def add(self, tx: Tx, provider: Provider) -> None:
        """Insert `provider`."""
        tx.execute(_INSERT, **structs.asdict(provider))

    def save(self, tx: Tx, provider: Provider) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=provider.id,
            name=provider.name,
            base_url=provider.base_url,
            key=provider.key,
            key_id=provider.key_id,
            version=provider.version,
            previous_version=provider.version - 1,
            updated_at=provider.updated_at,
            updated_by=provider.updated_by,
        )
        return changed == 1

    def reseal(self, tx: Tx, provider: Provider) -> None:
        """Keep the same key, sealed anew."""
        tx.execute(_RESEAL, id=provider.id, key=provider.key, key_id=provider.key_id)

    def remove(self, tx: Tx, provider: Provider) -> None:
        """Delete `provider`."""
        tx.execute(_DELETE, id=provider.id)

    def sealed_otherwise(self, tx: Tx, key_id: str, limit: int) -> list[Provider]:
        """Return providers whose key another key than this one seals."""
        rows = tx.all(_SEALED_OTHERWISE, key_id=key_id, limit=limit)
        return [Provider(*row) for row in rows]

    def aliases_of(self, tx: Tx, provider: Provider) -> list[str]:
        """Return the first names of aliases that it serves."""
        return [row[0] for row in tx.all(_ALIASES, provider_id=provider.id)]
