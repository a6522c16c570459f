"""The gateway to models: providers, the names that clients ask for, and what was used."""

from tidemill.llm.contract import (
    AliasCreated,
    AliasDeleted,
    AliasId,
    AliasUpdated,
    ProviderCreated,
    ProviderDeleted,
    ProviderId,
    ProviderUpdated,
)

__all__ = [
    "AliasCreated",
    "AliasDeleted",
    "AliasId",
    "AliasUpdated",
    "ProviderCreated",
    "ProviderDeleted",
    "ProviderId",
    "ProviderUpdated",
]
