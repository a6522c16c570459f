"""What one can do with aliases."""

from __future__ import annotations

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version
from tidemill.llm.aliases.models import (
    Alias,
    AliasChanges,
    Deployment,
    NewAlias,
    aliases_max,
    valid_deployments,
    valid_name,
    valid_parameters,
)
from tidemill.llm.aliases.repository import AliasRepository
from tidemill.llm.contract import AliasCreated, AliasDeleted, AliasId, AliasUpdated
from tidemill.llm.errors import (
    AliasNameTaken,
    AliasNotFound,
    ProviderNotFound,
    TooManyAliases,
)
from tidemill.llm.providers.repository import ProviderRepository


class AliasService:
    """Use cases of aliases."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants
        self._aliases = AliasRepository()
        self._providers = ProviderRepository()

    async def create(
        self, new: NewAlias, *, actor: Actor, once: Once[Alias] | None = None
    ) -> Alias:
        """Make an alias.

        Raises `InvalidAlias`, `AliasNameTaken`, `TooManyAliases` and `ProviderNotFound`.
        """
        name, parameters = valid_name(new.name), valid_parameters(new.parameters)
        deployments = valid_deployments(new.deployments)

        def use_case(tx: Tx) -> Alias:
            self._alone(tx)
            if self._aliases.count(tx) >= aliases_max:
                raise TooManyAliases(aliases_max)
            self._check_free(tx, name)
            self._check_providers(tx, deployments)
            by = actor.user_id or actor.id
            alias = Alias(
                id=AliasId(tx.new_id()),
                name=name,
                parameters=parameters,
                deployments=deployments,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            self._aliases.add(tx, alias)
            tx.record(AliasCreated(alias_id=alias.id, name=name), by=actor)
            _audit(tx, "create", alias, by=actor, after=alias.told())
            return alias

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def get(self, alias_id: str, *, actor: Actor) -> Alias:
        """Return an alias; raises `AliasNotFound`."""
        return await self._tenants.read(actor.tenant_id, lambda tx: self._found(tx, alias_id))

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Alias]:
        """Return aliases by name."""
        after = after_text(page) or ""
        aliases = await self._tenants.read(
            actor.tenant_id,
            lambda tx: self._aliases.page(tx, after=after, limit=page.limit_plus_one),
        )
        return page_of(aliases, page, lambda one: (one.name,))

    async def change(
        self,
        alias_id: str,
        changes: AliasChanges,
        expected_version: int | None,
        *,
        actor: Actor,
        once: Once[Alias] | None = None,
    ) -> Alias:
        """Change an alias; raises what `create` does, and `VersionChanged`."""

        def use_case(tx: Tx) -> Alias:
            self._alone(tx)
            alias = self._found(tx, alias_id)
            check_version(alias.version, expected_version)
            wanted = self._changed(tx, alias, changes)
            if wanted == alias:
                return alias
            saved = structs.replace(
                wanted,
                version=alias.version + 1,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            if not self._aliases.save(tx, saved):
                raise AliasNotFound
            tx.record(AliasUpdated(alias_id=saved.id, name=saved.name), by=actor)
            _audit(tx, "update", saved, by=actor, before=alias.told(), after=saved.told())
            return saved

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def delete(self, alias_id: str, expected_version: int | None, *, actor: Actor) -> None:
        """Delete an alias; raises `AliasNotFound` and `VersionChanged`."""

        def use_case(tx: Tx) -> None:
            self._alone(tx)
            alias = self._found(tx, alias_id)
            check_version(alias.version, expected_version)
            self._aliases.remove(tx, alias)
            tx.record(AliasDeleted(alias_id=alias.id, name=alias.name), by=actor)
            _audit(tx, "delete", alias, by=actor, before=alias.told())

        await self._tenants.write(actor.tenant_id, use_case)

    def _alone(self, tx: Tx) -> None:
        # In the order of whoever deletes a provider, so that none waits for the other.
        self._providers.alone(tx)
        self._aliases.alone(tx)

    def _changed(self, tx: Tx, alias: Alias, changes: AliasChanges) -> Alias:
        wanted = alias
        if isinstance(changes.name, str) and changes.name != alias.name:
            self._check_free(tx, valid_name(changes.name))
            wanted = structs.replace(wanted, name=changes.name)
        if isinstance(changes.deployments, tuple):
            self._check_providers(tx, valid_deployments(changes.deployments))
            wanted = structs.replace(wanted, deployments=changes.deployments)
        if isinstance(changes.parameters, dict):
            wanted = structs.replace(wanted, parameters=valid_parameters(changes.parameters))
        return wanted

    def _check_free(self, tx: Tx, name: str) -> None:
        if self._aliases.named(tx, name) is not None:
            raise AliasNameTaken(name)

    def _check_providers(self, tx: Tx, deployments: tuple[Deployment, ...]) -> None:
        for place, one in enumerate(deployments):
            if self._providers.find(tx, one.provider_id) is None:
                raise ProviderNotFound(f"deployments[{place}].provider_id")

    def _found(self, tx: Tx, alias_id: str) -> Alias:
        alias = self._aliases.find(tx, alias_id)
        if alias is None:
            raise AliasNotFound
        return alias


def _audit(
    tx: Tx, verb: str, alias: Alias, *, by: Actor, before: object = None, after: object = None
) -> None:
    tx.audit(
        f"llm.aliases.{verb}", by=by, resource=f"llm-alias:{alias.id}", before=before, after=after
    )
