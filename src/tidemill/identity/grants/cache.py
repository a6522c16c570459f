"""Remembers what credentials are worth, until a change says otherwise.

Every revocation goes through here: it tells all processes within the transaction, and this
process the moment that the transaction has committed.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from tidemill.core.actor import Role
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Change, Invalidations, Tx
from tidemill.http.authentication import (
    CHANGED_API_TOKEN,
    CHANGED_MEMBERSHIP,
    CHANGED_SESSION,
    CHANGED_USER,
)
from tidemill.identity.credential_errors import CredentialsUnverifiable
from tidemill.identity.grants.models import ApiTokenState, SessionState, UserState

K = TypeVar("K")
V = TypeVar("V")

verify_after_seconds: Final = 5.0
refuse_after_seconds: Final = 30.0
_entries_max: Final = 20_000


class Bounded(Generic[K, V]):
    """A mapping that forgets its oldest entry when it is full."""

    def __init__(self, entries_max: int = _entries_max) -> None:
        self._entries: dict[K, V] = {}
        self._entries_max = entries_max

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return what is kept under `key`."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep `value`."""
        if key not in self._entries and len(self._entries) >= self._entries_max:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value

    def drop(self, key: K) -> None:
        """Forget `key`."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


class GrantCache:
    """Accounts, sessions, roles and tokens that requests have shown lately."""

    def __init__(self, invalidations: Invalidations) -> None:
        self.users: Bounded[UserId, UserState] = Bounded()
        self.sessions: Bounded[str, SessionState] = Bounded()
        self.roles: Bounded[tuple[TenantId, UserId], Role] = Bounded()
        self.api_tokens: Bounded[str, ApiTokenState] = Bounded()
        self.epoch = 0
        self._invalidations = invalidations
        invalidations.on_change(CHANGED_USER, lambda c: self._drop_user(UserId(c.key)))
        invalidations.on_change(CHANGED_SESSION, lambda c: self._drop_session(c.key))
        invalidations.on_change(CHANGED_MEMBERSHIP, self._membership_changed)
        invalidations.on_change(CHANGED_API_TOKEN, lambda c: self._drop_api_token(c.key))
        invalidations.on_reset(self.clear)

    def trusted(self) -> bool:
        """Return whether entries count without a look at the store.

        Raises `CredentialsUnverifiable` when the control store was silent for too long.
        """
        age = self._invalidations.age_seconds()
        if age > refuse_after_seconds:
            raise CredentialsUnverifiable
        return age <= verify_after_seconds

    def end_user(self, tx: Tx, user_id: UserId) -> None:
        """Let nothing that rests on the account as it was count any more."""
        tx.invalidate(CHANGED_USER, user_id)
        tx.after_commit(lambda: self._drop_user(user_id))

    def end_session(self, tx: Tx, session_id: str) -> None:
        """Let the session be looked at again everywhere."""
        tx.invalidate(CHANGED_SESSION, session_id)
        tx.after_commit(lambda: self._drop_session(session_id))

    def end_membership(self, tx: Tx, user_id: UserId) -> None:
        """Let the person's role in the transaction's tenant be looked at again everywhere."""
        tenant_id = tx.tenant_id
        tx.invalidate(CHANGED_MEMBERSHIP, user_id)
        tx.after_commit(lambda: self._drop_role(tenant_id, user_id))

    def end_api_token(self, tx: Tx, prefix: str) -> None:
        """Let the token be looked at again everywhere."""
        tx.invalidate(CHANGED_API_TOKEN, prefix)
        tx.after_commit(lambda: self._drop_api_token(prefix))

    def clear(self) -> None:
        """Forget everything: changes may have been missed."""
        self.epoch += 1
        for entries in (self.users, self.sessions, self.roles, self.api_tokens):
            entries.clear()

    def _membership_changed(self, change: Change) -> None:
        self._drop_role(change.tenant_id, UserId(change.key))

    # Each drop also raises `epoch`: what was being read meanwhile may be older than the change,
    # and is not kept.

    def _drop_user(self, user_id: UserId) -> None:
        self.epoch += 1
        self.users.drop(user_id)

    def _drop_session(self, session_id: str) -> None:
        self.epoch += 1
        self.sessions.drop(session_id)

    def _drop_role(self, tenant_id: TenantId, user_id: UserId) -> None:
        self.epoch += 1
        self.roles.drop((tenant_id, user_id))

    def _drop_api_token(self, prefix: str) -> None:
        self.epoch += 1
        self.api_tokens.drop(prefix)
