"""What operators can do with the users of the installation, whatever their tenants."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.core.actor import Actor
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.keysets import after_text
from tidemill.core.operators import Operators, is_operator
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.identity.errors import UserNotFound
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.members.models import OwnedTenant
from tidemill.identity.members.repository import MemberRepository
from tidemill.identity.password_changes.repository import PasswordResetRepository
from tidemill.identity.sessions.repository import SessionRepository
from tidemill.identity.user_errors import (
    LastActiveOwner,
    LastOperator,
    OwnAccount,
    UsersForOperators,
)
from tidemill.identity.users.models import User, email_address
from tidemill.identity.users.repository import UserRepository


class UserDirectory:
    """Use cases of accounts as operators see them."""

    def __init__(
        self, control: Database, grants: GrantCache, operators: Callable[[], Operators | None]
    ) -> None:
        self._control = control
        self._grants = grants
        self._operators = operators
        self._users = UserRepository()
        self._members = MemberRepository()
        self._sessions = SessionRepository()
        self._resets = PasswordResetRepository()

    async def list(
        self, page: PageRequest, *, email: str | None = None, actor: Actor
    ) -> Page[User]:
        """Return the users, the oldest account first; with `email` the one of that address.

        Raises `UsersForOperators` and `InvalidEmail`.
        """
        if await self._operators_for(actor) is None:
            raise UsersForOperators
        key = email_address(email).key if email is not None else None
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[User]:
            if key is None:
                return self._users.page(tx, after=after, limit=page.limit_plus_one)
            user = self._users.find_by_email(tx, key)
            return [user] if user is not None else []

        found = await self._control.read(INSTALLATION, use_case)
        return page_of(found, page, lambda user: (user.id,))

    async def disable(self, user_id: UserId, *, force: bool = False, actor: Actor) -> User:
        """Close an account: what rests on it ends in every process within 2 s.

        One that is closed stays so. Raises `UserNotFound`, also for who is no operator,
        `OwnAccount`, `LastOperator`, and `LastActiveOwner` unless `force`.
        """
        operators = await self._operators_for(actor)
        if operators is None:
            raise UserNotFound
        if user_id == actor.user_id:
            raise OwnAccount
        home = await operators.tenant_id()

        def use_case(tx: Tx) -> User:
            # Before the user, as whoever changes members does: or two would wait for each other.
            self._members.lock_all_of(tx, user_id)
            user = self._existing(tx, user_id)
            if user.disabled_at is not None:
                return user
            left = self._members.owned_alone(tx, user_id)
            _check_owners(left, home=home, force=force)
            self._users.disable(tx, user_id)
            self._end_all(tx, user_id)
            tx.audit(
                "identity.users.disable",
                by=actor,
                resource=f"user:{user_id}",
                before={"state": "active"},
                after={"state": "disabled"},
                detail=f"left without an owner: {', '.join(_names(left))}" if left else None,
            )
            return self._existing(tx, user_id)

        return await self._control.write(INSTALLATION, use_case)

    async def enable(self, user_id: UserId, *, actor: Actor) -> User:
        """Open an account again; one that is open stays so.

        Raises `UserNotFound`, also for who is no operator.
        """
        if await self._operators_for(actor) is None:
            raise UserNotFound

        def use_case(tx: Tx) -> User:
            user = self._existing(tx, user_id)
            if user.disabled_at is None:
                return user
            self._users.enable(tx, user_id)
            tx.audit(
                "identity.users.enable",
                by=actor,
                resource=f"user:{user_id}",
                before={"state": "disabled"},
                after={"state": "active"},
            )
            self._grants.end_user(tx, user_id)
            return self._existing(tx, user_id)

        return await self._control.write(INSTALLATION, use_case)

    def _end_all(self, tx: Tx, user_id: UserId) -> None:
        for session_id in self._sessions.revoke_others(
            tx, user_id, keep="", reason="account closed"
        ):
            self._grants.end_session(tx, session_id)
        # Or whoever was shut out would come back by a link of its own.
        self._members.end_all_invitations(tx, user_id)
        self._resets.use_all(tx, user_id)
        self._grants.end_user(tx, user_id)

    def _existing(self, tx: Tx, user_id: UserId) -> User:
        user = self._users.find(tx, user_id, lock=True)
        if user is None:
            raise UserNotFound
        return user

    async def _operators_for(self, actor: Actor) -> Operators | None:
        operators = self._operators()
        if operators is None or not await is_operator(operators, actor):
            return None
        return operators


def _check_owners(left: list[OwnedTenant], *, home: TenantId | None, force: bool) -> None:
    """Return when the tenants `left` may do without an active owner."""
    if any(tenant.id == home for tenant in left):
        raise LastOperator
    if left and not force:
        raise LastActiveOwner(_names(left))


def _names(tenants: list[OwnedTenant]) -> list[str]:
    return [f"{tenant.name} ({tenant.slug})" for tenant in tenants]
