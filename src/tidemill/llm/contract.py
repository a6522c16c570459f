"""What other features may know of the gateway: its ids and facts."""

from __future__ import annotations

from typing import ClassVar, NewType

from tidemill.core.facts import Fact

ProviderId = NewType("ProviderId", str)
AliasId = NewType("AliasId", str)


class LlmFact(Fact, frozen=True, kw_only=True):
    """Base of the gateway's facts."""

    feature: ClassVar[str] = "llm"


class ProviderFact(LlmFact, frozen=True, kw_only=True):
    """Base of the facts of providers. They never tell a key."""

    provider_id: ProviderId
    name: str

    @property
    def subject(self) -> str:
        """Return the provider's id."""
        return self.provider_id


class ProviderCreated(ProviderFact, frozen=True, kw_only=True):
    """There is a further provider of models."""


class ProviderUpdated(ProviderFact, frozen=True, kw_only=True):
    """A provider has another name, address or key."""


class ProviderDeleted(ProviderFact, frozen=True, kw_only=True):
    """A provider is asked no more."""


class AliasFact(LlmFact, frozen=True, kw_only=True):
    """Base of the facts of aliases."""

    alias_id: AliasId
    name: str

    @property
    def subject(self) -> str:
        """Return the alias's id."""
        return self.alias_id


class AliasCreated(AliasFact, frozen=True, kw_only=True):
    """Clients can ask for a further name."""


class AliasUpdated(AliasFact, frozen=True, kw_only=True):
    """An alias has another name, other parameters or other deployments."""


class AliasDeleted(AliasFact, frozen=True, kw_only=True):
    """A name is there no more."""
