"""How the ledger looks on the wire."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339
from tidemill.http import PageView, View
from tidemill.llm.usage.models import LedgerRow, Total


class ModelRequestView(View, frozen=True, kw_only=True):
    """A request of a model.

    `model` is what the client asked for, `deployed_model` what the provider answered with.
    `outcome` is ok, failed or cancelled; `estimated` says that nobody counted the tokens.
    """

    id: str
    started_at: str
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
    estimated: bool
    first_part_ms: int | None
    duration_ms: int

    @classmethod
    def of(cls, row: LedgerRow) -> Self:
        """Return the view of `row`."""
        return cls(
            id=row.id,
            started_at=rfc3339(row.started_at),
            operation=row.operation,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            user_id=row.user_id,
            model=row.model,
            alias_id=row.alias_id,
            provider_id=row.provider_id,
            deployed_model=row.deployed_model,
            outcome=row.outcome,
            status_code=row.status_code,
            attempts=row.attempts,
            input_tokens=row.input_tokens,
            cached_tokens=row.cached_tokens,
            output_tokens=row.output_tokens,
            reasoning_tokens=row.reasoning_tokens,
            estimated=bool(row.estimated),
            first_part_ms=row.first_part_ms,
            duration_ms=row.duration_ms,
        )


class ModelRequestPage(PageView, frozen=True, kw_only=True):
    """A part of the ledger, newest first."""

    items: list[ModelRequestView]


class UsageTotalView(View, frozen=True, kw_only=True):
    """What the requests with one value of the dimension used; `key` is that value."""

    key: str | None
    requests: int
    failed: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int

    @classmethod
    def of(cls, total: Total) -> Self:
        """Return the view of `total`."""
        return cls(
            key=total.key,
            requests=total.requests,
            failed=total.failed,
            input_tokens=total.input_tokens,
            cached_tokens=total.cached_tokens,
            output_tokens=total.output_tokens,
            reasoning_tokens=total.reasoning_tokens,
        )


class UsageTotalPage(PageView, frozen=True, kw_only=True):
    """A part of the sums, by key."""

    items: list[UsageTotalView]
