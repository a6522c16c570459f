"""What one can do with worker tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, seconds_after
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.keysets import after_text
from tidemill.core.operators import Operators, is_operator
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.identity.contract import CHANGED_WORKER_TOKEN, WorkerRights
from tidemill.identity.opaque import SecretKind, mint, presented
from tidemill.identity.users.models import valid_name
from tidemill.identity.worker_token_errors import (
    WorkerTokenEnded,
    WorkerTokenNameTaken,
    WorkerTokenNotFound,
    WorkerTokensForOperators,
    WorkerTokenTenantUnknown,
    WorkerTokenUnknown,
)
from tidemill.identity.worker_tokens.models import NewWorkerToken, WorkerToken
from tidemill.identity.worker_tokens.repository import WorkerTokenRepository

_DAY_SECONDS: Final = 86_400
_touch_microseconds: Final = 60 * MICROSECONDS_PER_SECOND


class WorkerTokenService:
    """Use cases of worker tokens, and what dispatchers ask; see `WorkerTokens`."""

    def __init__(self, control: Database, operators: Callable[[], Operators | None]) -> None:
        self._control = control
        self._operators = operators
        self._tokens = WorkerTokenRepository()

    async def create(
        self,
        name: str,
        *,
        tags: Iterable[str] | None,
        tenants: Iterable[TenantId] | None,
        expires_in_days: int,
        actor: Actor,
        once: Once[NewWorkerToken] | None = None,
    ) -> NewWorkerToken:
        """Make a token; its text is in the answer and nowhere else.

        Raises `WorkerTokensForOperators`, `WorkerTokenNameTaken` and `WorkerTokenTenantUnknown`.
        """
        await self._check_operator(actor)
        label = valid_name(name)
        allowed_tags = None if tags is None else tuple(sorted(set(tags)))
        allowed_tenants = None if tenants is None else tuple(sorted(set(tenants)))

        def use_case(tx: Tx) -> NewWorkerToken:
            if self._tokens.is_taken(tx, label):
                raise WorkerTokenNameTaken(label)
            for tenant in allowed_tenants or ():
                if not self._tokens.is_tenant(tx, tenant):
                    raise WorkerTokenTenantUnknown(tenant)
            minted = mint(SecretKind.WORKER_TOKEN)
            token = WorkerToken(
                tx.new_id(),
                minted.prefix,
                label,
                allowed_tags,
                allowed_tenants,
                actor.user_id or actor.id,
                tx.now,
                seconds_after(tx.now, expires_in_days * _DAY_SECONDS),
            )
            self._tokens.add(tx, token, minted.secret_hash)
            tx.audit(
                "identity.worker_tokens.create",
                by=actor,
                resource=f"worker-token:{token.id}",
                after=_told(token),
            )
            return NewWorkerToken(token=token, text=minted.text)

        return await self._control.write(INSTALLATION, use_case, once=once)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[WorkerToken]:
        """Return the tokens, the oldest first; raises `WorkerTokensForOperators`."""
        await self._check_operator(actor)
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[WorkerToken]:
            return self._tokens.page(tx, after=after, limit=page.limit_plus_one)

        found = await self._control.read(INSTALLATION, use_case)
        return page_of(found, page, lambda token: (token.id,))

    async def revoke(self, token_id: str, *, actor: Actor) -> None:
        """End a token; its workers are cut off within 2 s. One that has ended stays so.

        Raises `WorkerTokenNotFound`, also for who may not see tokens.
        """
        if not await self._is_operator(actor):
            raise WorkerTokenNotFound

        def use_case(tx: Tx) -> None:
            token = self._tokens.find(tx, token_id)
            if token is None:
                raise WorkerTokenNotFound
            if self._tokens.revoke(tx, token.id):
                tx.audit(
                    "identity.worker_tokens.revoke",
                    by=actor,
                    resource=f"worker-token:{token.id}",
                    before=_told(token),
                )
                tx.invalidate(CHANGED_WORKER_TOKEN, token.id)

        await self._control.write(INSTALLATION, use_case)

    async def rights(self, text: str) -> WorkerRights:
        """See `WorkerTokens.rights`."""
        shown = presented(SecretKind.WORKER_TOKEN, text)
        if shown is None:
            raise WorkerTokenUnknown

        def use_case(tx: Tx) -> WorkerToken:
            found = self._tokens.by_prefix(tx, shown.prefix)
            if found is None or not shown.matches(found[1]):
                raise WorkerTokenUnknown
            token = found[0]
            if (why := token.ended(tx.now)) is not None:
                raise WorkerTokenEnded(why)
            return token

        # Read first: who guesses tokens must not keep the store's one writer busy.
        token = await self._control.read(INSTALLATION, use_case)
        await self._control.write(
            INSTALLATION,
            lambda tx: self._tokens.touch(tx, [token.id], before=_touch_before(tx.now)),
        )
        return WorkerRights(
            token_id=token.id, name=token.name, tags=token.tags, tenants=token.tenants
        )

    async def still_valid(self, token_ids: Iterable[str]) -> frozenset[str]:
        """See `WorkerTokens.still_valid`."""
        wanted = sorted(set(token_ids))

        def use_case(tx: Tx) -> frozenset[str]:
            found = [self._tokens.find(tx, id_) for id_ in wanted]
            valid = [token.id for token in found if token is not None and not token.ended(tx.now)]
            self._tokens.touch(tx, valid, before=_touch_before(tx.now))
            return frozenset(valid)

        return await self._control.write(INSTALLATION, use_case)

    async def _check_operator(self, actor: Actor) -> None:
        if not await self._is_operator(actor):
            raise WorkerTokensForOperators

    async def _is_operator(self, actor: Actor) -> bool:
        operators = self._operators()
        return operators is not None and await is_operator(operators, actor)


def _touch_before(now: Instant) -> Instant:
    return Instant(now - _touch_microseconds)


def _told(token: WorkerToken) -> dict[str, object]:
    return {
        "name": token.name,
        "tags": token.tags,
        "tenants": token.tenants,
        "expires_at": token.expires_at,
    }
