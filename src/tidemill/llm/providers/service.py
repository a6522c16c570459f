"""What one can do with providers."""

from __future__ import annotations

from msgspec import UNSET, structs

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.core.sealing import Sealed, Sealing
from tidemill.core.upstreams import Upstreams
from tidemill.http import check_version
from tidemill.llm.contract import ProviderCreated, ProviderDeleted, ProviderId, ProviderUpdated
from tidemill.llm.errors import (
    InvalidProvider,
    ProviderInUse,
    ProviderNameTaken,
    ProviderNotFound,
    TooManyProviders,
)
from tidemill.llm.providers.models import (
    NewProvider,
    Provider,
    ProviderChanges,
    providers_max,
    valid_base_url,
    valid_key,
    valid_name,
)
from tidemill.llm.providers.repository import ProviderRepository


class ProviderService:
    """Use cases of providers."""

    def __init__(self, tenants: Database, upstreams: Upstreams, keys: ProviderKeys) -> None:
        self._tenants = tenants
        self._upstreams = upstreams
        self._keys = keys
        self._providers = ProviderRepository()

    async def create(
        self, new: NewProvider, *, actor: Actor, once: Once[Provider] | None = None
    ) -> Provider:
        """Make a provider.

        Raises `InvalidProvider`, `ProviderNameTaken`, `TooManyProviders`, and `SecretLocked` for a
        key where there is no master key.
        """
        name, base_url, key = valid_name(new.name), self._url(new.base_url), valid_key(new.api_key)

        def use_case(tx: Tx) -> Provider:
            self._providers.alone(tx)
            if self._providers.count(tx) >= providers_max:
                raise TooManyProviders(providers_max)
            self._check_free(tx, name)
            by = actor.user_id or actor.id
            provider = Provider(
                id=ProviderId(tx.new_id()),
                name=name,
                dialect=new.dialect.value,
                base_url=base_url,
                key=None,
                key_id=None,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            provider = self._keys.sealed(tx, provider, key)
            self._providers.add(tx, provider)
            tx.record(ProviderCreated(provider_id=provider.id, name=name), by=actor)
            _audit(tx, "create", provider, by=actor, after=provider.told())
            return provider

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def get(self, provider_id: str, *, actor: Actor) -> Provider:
        """Return a provider; raises `ProviderNotFound`."""
        return await self._tenants.read(actor.tenant_id, lambda tx: self._found(tx, provider_id))

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Provider]:
        """Return providers by name."""
        after = after_text(page) or ""
        providers = await self._tenants.read(
            actor.tenant_id,
            lambda tx: self._providers.page(tx, after=after, limit=page.limit_plus_one),
        )
        return page_of(providers, page, lambda one: (one.name,))

    async def change(
        self,
        provider_id: str,
        changes: ProviderChanges,
        expected_version: int | None,
        *,
        actor: Actor,
        once: Once[Provider] | None = None,
    ) -> Provider:
        """Change a provider; raises what `create` does, and `VersionChanged`.

        A new address without a new key is refused where there is a key: nobody who may change
        the address alone shall be sent a key that he does not know.
        """

        def use_case(tx: Tx) -> Provider:
            self._providers.alone(tx)
            provider = self._found(tx, provider_id)
            check_version(provider.version, expected_version)
            wanted = self._changed(tx, provider, changes)
            if wanted == provider:
                return provider
            saved = structs.replace(
                wanted,
                version=provider.version + 1,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            if not self._providers.save(tx, saved):
                raise ProviderNotFound
            tx.record(ProviderUpdated(provider_id=saved.id, name=saved.name), by=actor)
            _audit(tx, "update", saved, by=actor, before=provider.told(), after=saved.told())
            return saved

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def delete(self, provider_id: str, expected_version: int | None, *, actor: Actor) -> None:
        """Delete a provider; raises `ProviderInUse` while aliases are served by it."""

        def use_case(tx: Tx) -> None:
            self._providers.alone(tx)
            provider = self._found(tx, provider_id)
            check_version(provider.version, expected_version)
            if users := self._providers.aliases_of(tx, provider):
                raise ProviderInUse(users)
            self._providers.remove(tx, provider)
            tx.record(ProviderDeleted(provider_id=provider.id, name=provider.name), by=actor)
            _audit(tx, "delete", provider, by=actor, before=provider.told())

        await self._tenants.write(actor.tenant_id, use_case)

    def _changed(self, tx: Tx, provider: Provider, changes: ProviderChanges) -> Provider:
        wanted = provider
        if isinstance(changes.name, str) and changes.name != provider.name:
            self._check_free(tx, valid_name(changes.name))
            wanted = structs.replace(wanted, name=changes.name)
        if isinstance(changes.base_url, str):
            wanted = structs.replace(wanted, base_url=self._url(changes.base_url))
        if changes.api_key is not UNSET:
            wanted = self._keys.sealed(tx, wanted, valid_key(changes.api_key))
        elif provider.key is not None and wanted.base_url != provider.base_url:
            raise InvalidProvider(
                "api_key", "Another address needs its key again, or null for none."
            )
        return wanted

    def _check_free(self, tx: Tx, name: str) -> None:
        if self._providers.named(tx, name) is not None:
            raise ProviderNameTaken(name)

    def _url(self, text: str) -> str:
        url = valid_base_url(text)
        refusal = self._upstreams.refusal(url)
        if refusal is not None:
            raise InvalidProvider("base_url", refusal)
        return url

    def _found(self, tx: Tx, provider_id: str) -> Provider:
        provider = self._providers.find(tx, provider_id)
        if provider is None:
            raise ProviderNotFound
        return provider


class ProviderKeys:
    """Seals and opens the keys of providers, in the transaction of the caller."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._providers = ProviderRepository()

    def sealed(self, tx: Tx, provider: Provider, key: str | None) -> Provider:
        """Return `provider` with its key sealed; raises `SecretLocked`."""
        if key is None:
            return structs.replace(provider, key=None, key_id=None)
        sealed = self._sealing.seal(tx, provider.place, key)
        return structs.replace(provider, key=sealed.text, key_id=sealed.key_id)

    def opened(self, tx: Tx, provider: Provider) -> str | None:
        """Return the key, or None where it has none; raises `SecretLocked`."""
        if provider.key is None:
            return None
        return self._sealing.open(tx, provider.place, Sealed(provider.key, provider.key_id or ""))

    def seal_again(self, tx: Tx, key_id: str, limit: int) -> int:
        """Seal keys that another master key sealed; return how many there were."""
        found = self._providers.sealed_otherwise(tx, key_id, limit)
        for provider in found:
            self._providers.reseal(tx, self.sealed(tx, provider, self.opened(tx, provider)))
        return len(found)


def _audit(
    tx: Tx, verb: str, provider: Provider, *, by: Actor, before: object = None, after: object = None
) -> None:
    tx.audit(
        f"llm.providers.{verb}",
        by=by,
        resource=f"llm-provider:{provider.id}",
        before=before,
        after=after,
    )
