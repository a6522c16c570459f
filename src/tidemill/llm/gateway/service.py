"""Finds out who can answer for a name."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx
from tidemill.llm.aliases.models import Alias, aliases_max
from tidemill.llm.aliases.repository import AliasRepository
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.errors import ModelNotFound
from tidemill.llm.gateway.models import Route, Target
from tidemill.llm.providers.models import Provider, providers_max
from tidemill.llm.providers.repository import ProviderRepository
from tidemill.llm.providers.service import ProviderKeys

_BETWEEN: Final = "/"


class RoutingService:
    """Use cases of names: what they lead to, and which there are."""

    def __init__(self, tenants: Database, keys: ProviderKeys) -> None:
        self._tenants = tenants
        self._keys = keys
        self._aliases = AliasRepository()
        self._providers = ProviderRepository()

    async def route(self, name: str, *, actor: Actor) -> Route:
        """Return what a name leads to: an alias, or `PROVIDER/MODEL`; raises `ModelNotFound`."""
        return await self._tenants.read(actor.tenant_id, lambda tx: self._route(tx, name))

    async def aliases(self, *, actor: Actor) -> list[Alias]:
        """Return every alias, by name."""
        return await self._tenants.read(
            actor.tenant_id, lambda tx: self._aliases.page(tx, after="", limit=aliases_max)
        )

    async def alias(self, name: str, *, actor: Actor) -> Alias:
        """Return the alias of a name; raises `ModelNotFound`."""

        def use_case(tx: Tx) -> Alias:
            alias = self._aliases.named(tx, name)
            if alias is None:
                raise ModelNotFound(name, self._known(tx))
            return alias

        return await self._tenants.read(actor.tenant_id, use_case)

    def _route(self, tx: Tx, name: str) -> Route:
        alias = self._aliases.named(tx, name)
        if alias is not None:
            found = [
                self._target(tx, provider, one.model)
                for one in alias.deployments
                if (provider := self._providers.find(tx, one.provider_id)) is not None
            ]
            return Route(alias_id=alias.id, targets=tuple(found), parameters=alias.parameters)
        provider_name, between, model = name.partition(_BETWEEN)
        provider = self._providers.named(tx, provider_name) if between and model else None
        if provider is None:
            raise ModelNotFound(name, self._known(tx))
        return Route(alias_id=None, targets=(self._target(tx, provider, model),))

    def _target(self, tx: Tx, provider: Provider, model: str) -> Target:
        return Target(
            provider_id=provider.id,
            provider_name=provider.name,
            dialect=Dialect(provider.dialect),
            base_url=provider.base_url,
            key=self._keys.opened(tx, provider),
            model=model,
        )

    def _known(self, tx: Tx) -> list[str]:
        providers = self._providers.page(tx, after="", limit=providers_max)
        names = self._aliases.names(tx, limit=aliases_max)
        return [*names, *(f"{one.name}{_BETWEEN}" for one in providers)]
