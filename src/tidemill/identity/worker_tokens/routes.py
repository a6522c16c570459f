"""HTTP of worker tokens."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.ids import TenantId
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, delete, get, post
from tidemill.identity.permissions import (
    CREATE_WORKER_TOKENS,
    READ_WORKER_TOKENS,
    REVOKE_WORKER_TOKENS,
)
from tidemill.identity.worker_tokens.models import NewWorkerToken
from tidemill.identity.worker_tokens.schemas import (
    CreateWorkerToken,
    NewWorkerTokenView,
    WorkerTokenPage,
    WorkerTokenView,
)
from tidemill.identity.worker_tokens.service import WorkerTokenService


@post("/worker-tokens", CREATE_WORKER_TOKENS)
async def create_worker_token(
    data: CreateWorkerToken,
    actor: Actor,
    idempotency: Idempotency,
    worker_tokens: WorkerTokenService,
) -> NewWorkerTokenView:
    """Make a token for workers on other machines; its text is shown this once.

    Operators of the installation only.
    """
    made = await worker_tokens.create(
        data.name,
        tags=data.tags,
        tenants=None if data.tenants is None else [TenantId(name) for name in data.tenants],
        expires_in_days=data.expires_in_days,
        actor=actor,
        once=idempotency.once(NewWorkerToken, without_secrets=NewWorkerToken.without_secret),
    )
    return NewWorkerTokenView.of(made)


@get("/worker-tokens", READ_WORKER_TOKENS)
async def list_worker_tokens(
    actor: Actor, page: PageRequest, worker_tokens: WorkerTokenService
) -> WorkerTokenPage:
    """List the worker tokens of the installation; operators only."""
    found = await worker_tokens.list(page, actor=actor)
    return WorkerTokenPage(
        items=[WorkerTokenView.of(token) for token in found.items], next_cursor=found.next_cursor
    )


@delete("/worker-tokens/{worker_token_id:str}", REVOKE_WORKER_TOKENS)
async def revoke_worker_token(
    worker_token_id: str, actor: Actor, worker_tokens: WorkerTokenService
) -> None:
    """End a worker token; workers that use it are cut off within 2 s."""
    await worker_tokens.revoke(worker_token_id, actor=actor)


ROUTES: Final = (create_worker_token, list_worker_tokens, revoke_worker_token)
