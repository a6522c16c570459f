"""The SQL of a tenant's people."""

from __future__ import annotations

from typing import Final

from tidemill.core.ids import UserId
from tidemill.core.ports import Tx

_PUT: Final = """
    INSERT INTO people (tenant_id, user_id, name, avatar, state, role)
    VALUES (:tenant_id, :user_id, :name, :avatar, 'active', :role)
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET name = excluded.name, avatar = excluded.avatar, state = 'active', role = excluded.role
"""
_RENAME: Final = """
    UPDATE people SET name = :name, avatar = :avatar
    WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_SET_ROLE: Final = """
    UPDATE people SET role = :role WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_REMOVE: Final = """
    UPDATE people SET state = 'removed' WHERE tenant_id = :tenant_id AND user_id = :user_id
"""


class PeopleRepository:
    """Who belongs to the tenant, in the tenant's own store."""

    def put(self, tx: Tx, user_id: UserId, name: str, avatar: str | None, role: str) -> None:
        """Add a person, or bring it back."""
        tx.execute(_PUT, user_id=user_id, name=name, avatar=avatar, role=role)

    def set_role(self, tx: Tx, user_id: UserId, role: str) -> None:
        """Let a person be more or less in the tenant than before."""
        tx.execute(_SET_ROLE, user_id=user_id, role=role)

    def rename(self, tx: Tx, user_id: UserId, name: str, avatar: str | None) -> None:
        """Show another name or picture."""
        tx.execute(_RENAME, user_id=user_id, name=name, avatar=avatar)

    def remove(self, tx: Tx, user_id: UserId) -> None:
        """Keep a person's name for what it did, and offer it no more."""
        tx.execute(_REMOVE, user_id=user_id)
