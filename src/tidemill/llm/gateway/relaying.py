"""Puts a request on its way, and what it used into the ledger."""

from __future__ import annotations

import structlog
import uuid_utils

from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.errors import TidemillError
from tidemill.core.upstreams import Upstreams
from tidemill.llm.gateway.models import ModelRequest
from tidemill.llm.gateway.relay import Relay, Result
from tidemill.llm.gateway.service import RoutingService
from tidemill.llm.usage.models import LedgerRow
from tidemill.llm.usage.service import UsageService

log = structlog.get_logger(__name__)


class Gateway:
    """Relays requests of models."""

    def __init__(
        self, routing: RoutingService, usage: UsageService, upstreams: Upstreams, clock: Clock
    ) -> None:
        self._routing = routing
        self._usage = usage
        self._upstreams = upstreams
        self._clock = clock

    async def relay(self, request: ModelRequest, *, actor: Actor) -> Relay:
        """Return what answers `request`; raises `ModelNotFound`."""
        route = await self._routing.route(request.model, actor=actor)
        started_at, id_ = self._clock.now(), str(uuid_utils.uuid7())

        async def ended(result: Result) -> None:
            row = LedgerRow(
                id=id_,
                started_at=started_at,
                operation=request.operation.value,
                actor_kind=actor.kind.value,
                actor_id=actor.id,
                user_id=actor.user_id,
                model=request.model,
                alias_id=route.alias_id,
                provider_id=result.target.provider_id if result.target else None,
                deployed_model=result.target.model if result.target else None,
                outcome=result.outcome.value,
                status_code=result.status,
                attempts=result.attempts,
                input_tokens=result.tokens.input,
                cached_tokens=result.tokens.cached,
                output_tokens=result.tokens.output,
                reasoning_tokens=result.tokens.reasoning,
                estimated=int(result.estimated),
                first_part_ms=result.first_part_ms,
                duration_ms=result.duration_ms,
            )
            try:
                await self._usage.record(actor.tenant_id, row)
            except TidemillError as error:
                # The client has its answer; what it used stands in the log alone.
                log.error("llm.usage.lost", request_id=id_, reason=error.message)  # noqa: TRY400 - no trace is needed

        created = started_at // MICROSECONDS_PER_SECOND
        return Relay(self._upstreams, request, route, ended, created=created)
