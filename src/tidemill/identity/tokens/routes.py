"""HTTP of API tokens."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, delete, get, post
from tidemill.identity.permissions import (
    CREATE_API_TOKENS,
    READ_API_TOKENS,
    REVOKE_API_TOKENS,
)
from tidemill.identity.tokens.models import NewApiToken
from tidemill.identity.tokens.schemas import (
    ApiTokenPage,
    ApiTokenView,
    CreateApiToken,
    NewApiTokenView,
)
from tidemill.identity.tokens.service import ApiTokenService


@post("/api-tokens", CREATE_API_TOKENS)
async def create_api_token(
    data: CreateApiToken, actor: Actor, idempotency: Idempotency, api_tokens: ApiTokenService
) -> NewApiTokenView:
    """Make a token for programs; its text is shown in this answer and never again."""
    made = await api_tokens.create(
        data.name,
        data.scopes,
        expires_in_days=data.expires_in_days,
        actor=actor,
        once=idempotency.once(NewApiToken, without_secrets=NewApiToken.without_secret),
    )
    return NewApiTokenView.of(made)


@get("/api-tokens", READ_API_TOKENS)
async def list_api_tokens(
    actor: Actor, page: PageRequest, api_tokens: ApiTokenService
) -> ApiTokenPage:
    """List your tokens; owners and admins see those of everybody in the tenant."""
    found = await api_tokens.list(page, actor=actor)
    return ApiTokenPage(
        items=[ApiTokenView.of(token) for token in found.items], next_cursor=found.next_cursor
    )


@get("/api-tokens/{token_id:str}", READ_API_TOKENS)
async def get_api_token(token_id: str, actor: Actor, api_tokens: ApiTokenService) -> ApiTokenView:
    """Read a token, without its secret."""
    return ApiTokenView.of(await api_tokens.get(token_id, actor=actor))


@delete("/api-tokens/{token_id:str}", REVOKE_API_TOKENS)
async def revoke_api_token(token_id: str, actor: Actor, api_tokens: ApiTokenService) -> None:
    """End a token, in every process within 2 s."""
    await api_tokens.revoke(token_id, actor=actor)


ROUTES: Final = (create_api_token, list_api_tokens, get_api_token, revoke_api_token)
