"""What one can do with API tokens."""

from __future__ import annotations

from collections.abc import Iterable

from tidemill.core.actor import Actor, Role
from tidemill.core.clock import seconds_after
from tidemill.core.ids import UserId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.identity.errors import ApiTokenNotFound, MemberNotFound, TokenLifetimeTooLong
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.opaque import SecretKind, mint
from tidemill.identity.scopes import ScopeRegistry
from tidemill.identity.tokens.models import ApiToken, NewApiToken
from tidemill.identity.tokens.repository import ApiTokenRepository
from tidemill.identity.users.models import valid_name

_DAY_SECONDS = 86_400


class ApiTokenService:
    """Use cases of API tokens."""

    def __init__(
        self, control: Database, grants: GrantCache, scopes: ScopeRegistry, *, days_max: int
    ) -> None:
        self._control = control
        self._grants = grants
        self._scopes = scopes
        self._days_max = days_max
        self._tokens = ApiTokenRepository()

    async def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        expires_in_days: int,
        actor: Actor,
        once: Once[NewApiToken] | None = None,
    ) -> NewApiToken:
        """Make a token for the actor; its text is in the answer and nowhere else.

        Raises `UnknownScope`, `ScopeBeyondRole` and `TokenLifetimeTooLong`.
        """
        owner = actor.user_id
        if owner is None:
            raise MemberNotFound
        if not 1 <= expires_in_days <= self._days_max:
            raise TokenLifetimeTooLong(self._days_max)
        granted = self._scopes.check(scopes, actor.role or Role.VIEWER)
        label = valid_name(name)

        def use_case(tx: Tx) -> NewApiToken:
            minted = mint(SecretKind.API_TOKEN)
            token = ApiToken(
                tx.tenant_id,
                tx.new_id(),
                owner,
                minted.prefix,
                label,
                tuple(sorted(granted)),
                tx.now,
                seconds_after(tx.now, expires_in_days * _DAY_SECONDS),
            )
            self._tokens.add(tx, token, minted.secret_hash)
            tx.audit(
                "identity.api_tokens.create",
                by=actor,
                resource=f"api-token:{token.id}",
                after={"name": label, "scopes": token.scopes, "expires_at": token.expires_at},
            )
            return NewApiToken(token=token, text=minted.text)

        return await self._control.write(actor.tenant_id, use_case, once=once)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[ApiToken]:
        """Return the actor's tokens; owners and admins see everybody's."""
        after = after_text(page) or ""
        whose = self._whose(actor)

        def use_case(tx: Tx) -> list[ApiToken]:
            return self._tokens.page(tx, whose, after=after, limit=page.limit_plus_one)

        found = await self._control.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda token: (token.id,))

    async def get(self, token_id: str, *, actor: Actor) -> ApiToken:
        """Return a token; raises `ApiTokenNotFound` when the actor may not see it."""
        return await self._control.read(
            actor.tenant_id, lambda tx: self._visible(tx, token_id, actor)
        )

    async def revoke(self, token_id: str, *, actor: Actor) -> None:
        """End a token, in every process within 2 s; one that has ended stays so."""

        def use_case(tx: Tx) -> None:
            token = self._visible(tx, token_id, actor)
            if self._tokens.revoke(tx, token.id):
                tx.audit(
                    "identity.api_tokens.revoke",
                    by=actor,
                    resource=f"api-token:{token.id}",
                    before={"name": token.name, "scopes": token.scopes},
                )
                self._grants.end_api_token(tx, token.prefix)

        await self._control.write(actor.tenant_id, use_case)

    def _visible(self, tx: Tx, token_id: str, actor: Actor) -> ApiToken:
        token = self._tokens.find(tx, token_id)
        whose = self._whose(actor)
        if token is None or (whose is not None and token.user_id != whose):
            raise ApiTokenNotFound
        return token

    def _whose(self, actor: Actor) -> UserId | None:
        if actor.role is not None and actor.role.rank >= Role.ADMIN.rank:
            return None
        return actor.user_id or UserId("")
