"""What a request used, and what is asked of the ledger; no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Self

from msgspec import Struct

from tidemill.core.clock import Instant

_tokens_max: Final = 2**53


class Outcome(StrEnum):
    """How a request of a model ended."""

    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Tokens(Struct, frozen=True, kw_only=True):
    """Tokens of a request. Cached ones are among `input`, reasoning ones among `output`."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    @classmethod
    def of_openai(cls, usage: Any) -> Self | None:
        """Return what a `usage` of OpenAI's dialect counts, or None where it is none.

        Source: https://platform.openai.com/docs/api-reference/chat/object.
        """
        if not isinstance(usage, dict):
            return None
        return cls(
            input=count_of(usage, "prompt_tokens"),
            cached=count_of(usage.get("prompt_tokens_details"), "cached_tokens"),
            output=count_of(usage, "completion_tokens"),
            reasoning=count_of(usage.get("completion_tokens_details"), "reasoning_tokens"),
        )


class LedgerRow(Struct, frozen=True):
    """A request of a model, in the order of the columns.

    `model` is the name that the client asked for, `deployed_model` the one that the provider
    `provider_id` answered with; both are null where none did. Tokens are `estimated` where the
    provider did not count them. Times are in milliseconds, null where nothing came.
    """

    id: str
    started_at: Instant
    operation: str
    actor_kind: str
    actor_id: str
    user_id: str | None
    model: str
    alias_id: str | None
    provider_id: str | None
    deployed_model: str | None
    outcome: str
    status_code: int
    attempts: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    estimated: int
    first_part_ms: int | None
    duration_ms: int


class Total(Struct, frozen=True, kw_only=True):
    """Sums of the ledger over one value of a dimension."""

    key: str | None
    requests: int
    failed: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int


class Dimension(StrEnum):
    """By what sums are taken."""

    MODEL = "model"
    PROVIDER = "provider"
    USER = "user"
    ACTOR = "actor"
    OPERATION = "operation"


def count_of(usage: Any, name: str) -> int:
    """Return a count of a provider's `usage`; 0 for what is none."""
    found = usage.get(name) if isinstance(usage, dict) else None
    is_count = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _tokens_max
    return int(found) if is_count and found is not None else 0
