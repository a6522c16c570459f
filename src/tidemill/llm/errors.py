"""Every failure of the gateway."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Final

from tidemill.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    RateLimited,
    RuleViolation,
    TidemillError,
)

_near_max: Final = 3
# Longer names are no slips of the fingers, and comparing them would take its time.
_word_chars_max: Final = 128


class ProviderNotFound(NotFound):
    """There is no such provider for this tenant."""

    code = "PROVIDER_NOT_FOUND"

    def __init__(self, param: str | None = None) -> None:
        super().__init__(
            "There is no such provider. GET /api/v1/llm/providers lists those there are.",
            param=param,
        )


class InvalidProvider(InvalidInput):
    """A field of a provider has a value that would never work."""

    code = "INVALID_PROVIDER"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(problem, param=param)


class ProviderNameTaken(Conflict):
    """Another provider of the tenant has the name."""

    code = "PROVIDER_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"Another provider is called {name}.", param="name")


class ProviderInUse(Conflict):
    """Aliases have deployments at the provider."""

    code = "PROVIDER_IN_USE"

    def __init__(self, aliases: Sequence[str]) -> None:
        told = ", ".join(aliases)
        super().__init__(f"Aliases are served by it: {told}. Change or delete them first.")


class TooManyProviders(RuleViolation):
    """A tenant has as many providers as it can."""

    code = "TOO_MANY_PROVIDERS"

    def __init__(self, count_max: int) -> None:
        super().__init__(f"There are {count_max} providers already. Delete one first.")


class AliasNotFound(NotFound):
    """There is no such alias for this tenant."""

    code = "ALIAS_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such alias. GET /api/v1/llm/aliases lists those there are.")


class InvalidAlias(InvalidInput):
    """A field of an alias has a value that would never work."""

    code = "INVALID_ALIAS"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(problem, param=param)


class AliasNameTaken(Conflict):
    """Another alias of the tenant has the name."""

    code = "ALIAS_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"Another alias is called {name}.", param="name")


class TooManyAliases(RuleViolation):
    """A tenant has as many aliases as it can."""

    code = "TOO_MANY_ALIASES"

    def __init__(self, count_max: int) -> None:
        super().__init__(f"There are {count_max} aliases already. Delete one first.")


class ModelNotFound(NotFound):
    """No alias and no provider's model has the name."""

    code = "MODEL_NOT_FOUND"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name[:_word_chars_max], known, n=_near_max, cutoff=0.4)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(
            f"There is no model {name[:_word_chars_max]!r}.{meant} GET /v1/models lists what there "
            "is; an admin adds a name by POST /api/v1/llm/aliases, and PROVIDER/MODEL asks a "
            "provider for its own.",
            param="model",
        )


class InvalidModelRequest(InvalidInput):
    """A field that every model needs is missing or of another type."""

    code = "INVALID_MODEL_REQUEST"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(problem, param=param)


class RequestRefused(InvalidInput):
    """A provider finds something wrong with the request."""

    code = "REQUEST_REFUSED"

    def __init__(self, provider: str, said: str) -> None:
        super().__init__(f"{provider} refused the request: {said[:500]}")


class ProviderFailed(TidemillError):
    """No provider behind the name answered."""

    code = "PROVIDER_FAILED"
    type = "provider_error"
    status = 502

    def __init__(self, told: str) -> None:
        super().__init__(f"{told} Ask again later, or ask an admin.")


class ProviderBusy(RateLimited):
    """Every provider behind the name has too much to do."""

    code = "PROVIDER_BUSY"

    def __init__(self, retry_after_seconds: float) -> None:
        seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(
            f"The providers of this model take no further requests now. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
