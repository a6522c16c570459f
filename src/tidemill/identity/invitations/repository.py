"""The SQL of invitations."""

from __future__ import annotations

from typing import Final

from tidemill.core.ids import UserId
from tidemill.core.ports import Tx
from tidemill.identity.invitations.models import Invitation

_SELECT: Final = """
    SELECT tenant_id, id, prefix, secret_hash, kind, role, email, uses_max, uses, created_by,
        created_at, expires_at, revoked_at
    FROM invitations
"""
_BY_PREFIX: Final = _SELECT + "WHERE prefix = :prefix"
_ONE: Final = _SELECT + "WHERE tenant_id = :tenant_id AND id = :id"
_PAGE: Final = _SELECT + ("WHERE tenant_id = :tenant_id AND id > :after ORDER BY id LIMIT :limit")
_INSERT: Final = """
    INSERT INTO invitations (tenant_id, id, prefix, secret_hash, kind, role, email, uses_max,
        created_by, created_at, expires_at)
    VALUES (:tenant_id, :id, :prefix, :secret_hash, :kind, :role, :email, :uses_max,
        :created_by, :created_at, :expires_at)
"""
# Counts and checks in one statement, so that no race makes more uses than there are.
_USE: Final = """
    UPDATE invitations SET uses = uses + 1
    WHERE tenant_id = :tenant_id AND id = :id AND uses < uses_max AND revoked_at IS NULL
        AND expires_at > :now
"""
_NOTE_USE: Final = """
    INSERT INTO invitation_uses (tenant_id, invitation_id, user_id, used_at)
    VALUES (:tenant_id, :invitation_id, :user_id, :now)
    ON CONFLICT (tenant_id, invitation_id, user_id) DO UPDATE SET used_at = excluded.used_at
"""
_REVOKE: Final = """
    UPDATE invitations SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL
"""


class InvitationRepository:
    """Invitations of a tenant."""

    def find_by_prefix(self, tx: Tx, prefix: str) -> Invitation | None:
        """Return the invitation that a presented one may be, whatever its tenant."""
        row = tx.one(_BY_PREFIX, prefix=prefix)
        return Invitation(*row) if row else None

    def find(self, tx: Tx, invitation_id: str) -> Invitation | None:
        """Return an invitation."""
        row = tx.one(_ONE, id=invitation_id)
        return Invitation(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Invitation]:
        """Return invitations, the oldest first."""
        return [Invitation(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def add(self, tx: Tx, invitation: Invitation) -> None:
        """Insert an invitation."""
        tx.execute(
            _INSERT,
            id=invitation.id,
            prefix=invitation.prefix,
            secret_hash=invitation.secret_hash,
            kind=invitation.kind,
            role=invitation.role,
            email=invitation.email,
            uses_max=invitation.uses_max,
            created_by=invitation.created_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )

    def use(self, tx: Tx, invitation_id: str, user_id: UserId) -> bool:
        """Take one of the uses; return False when none is left."""
        if tx.execute(_USE, id=invitation_id) != 1:
            return False
        tx.execute(_NOTE_USE, invitation_id=invitation_id, user_id=user_id)
        return True

    def revoke(self, tx: Tx, invitation_id: str) -> bool:
        """End an invitation; return False when it has ended."""
        return tx.execute(_REVOKE, id=invitation_id) == 1
