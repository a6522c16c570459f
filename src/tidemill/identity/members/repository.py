"""The SQL of memberships."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.core.actor import Actor, Role
from tidemill.core.ids import UserId
from tidemill.core.ports import Tx
from tidemill.identity.members.models import Member, Membership, OwnedTenant, TenantMembership

_FIND: Final = """
    SELECT tenant_id, user_id, role, joined_at, version
    FROM memberships
    WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_MEMBER: Final = """
    SELECT m.user_id, m.role, m.joined_at, m.version, u.name, u.avatar, u.email, u.time_zone,
        u.visibility, u.disabled_at, u.last_login_at
    FROM memberships AS m
    JOIN users AS u ON u.id = m.user_id
"""
_ONE: Final = _MEMBER + "WHERE m.tenant_id = :tenant_id AND m.user_id = :user_id"
_WITH_EMAIL: Final = _MEMBER + "WHERE m.tenant_id = :tenant_id AND u.email_key = :email_key"
_PAGE: Final = _MEMBER + (
    "WHERE m.tenant_id = :tenant_id AND m.user_id > :after ORDER BY m.user_id LIMIT :limit"
)
_OF_USER: Final = """
    SELECT t.id, t.name, t.slug, t.state, m.role, m.joined_at
    FROM memberships AS m
    JOIN tenants AS t ON t.id = m.tenant_id
    WHERE m.user_id = :user_id AND t.id > :after AND (:only = '' OR t.id = :only)
    ORDER BY t.id
    LIMIT :limit
"""
_TENANTS: Final = {
    dialect: f"SELECT id FROM tenants WHERE id IN ({ids}) ORDER BY id"  # noqa: S608 - constants
    for dialect, ids in {
        "sqlite": "SELECT value FROM json_each(:ids)",
        "postgres": "SELECT jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb))",
    }.items()
}
_INSERT: Final = """
    INSERT INTO memberships (tenant_id, user_id, role, profile_version, joined_at, updated_at)
    VALUES (:in_tenant, :user_id, :role, :profile_version, :now, :now)
    ON CONFLICT (tenant_id, user_id) DO NOTHING
"""
_SET_ROLE: Final = """
    UPDATE memberships SET role = :role, updated_at = :now, version = version + 1
    WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_REMOVE: Final = "DELETE FROM memberships WHERE tenant_id = :tenant_id AND user_id = :user_id"
_OTHER_OWNER: Final = """
    SELECT 1 FROM memberships AS m
    JOIN users AS u ON u.id = m.user_id
    WHERE m.tenant_id = :tenant_id AND m.role = 'owner' AND m.user_id <> :user_id
        AND u.disabled_at IS NULL
    LIMIT 1
"""
# The first tenant, whose owners are the operators, comes first: the limit never hides it.
_OWNED_ALONE: Final = """
    SELECT t.id, t.name, t.slug
    FROM memberships AS m
    JOIN tenants AS t ON t.id = m.tenant_id
    WHERE m.user_id = :user_id AND m.role = 'owner' AND NOT EXISTS (
        SELECT 1 FROM memberships AS o
        JOIN users AS u ON u.id = o.user_id
        WHERE o.tenant_id = m.tenant_id AND o.role = 'owner' AND o.user_id <> m.user_id
            AND u.disabled_at IS NULL
    )
    ORDER BY t.created_at, t.id
    LIMIT 20
"""
_END_INVITATIONS: Final = """
    UPDATE invitations SET revoked_at = :now
    WHERE tenant_id = :tenant_id AND created_by = :created_by AND role = :role
        AND revoked_at IS NULL
"""
_END_ALL_INVITATIONS: Final = """
    UPDATE invitations SET revoked_at = :now
    WHERE created_by = :created_by AND revoked_at IS NULL
"""
_LOCK: Final = "SELECT id FROM tenants WHERE id = :tenant_id FOR UPDATE"
_LOCK_ALL: Final = """
    SELECT t.id
    FROM tenants AS t
    JOIN memberships AS m ON m.tenant_id = t.id
    WHERE m.user_id = :user_id
    ORDER BY t.id
    FOR UPDATE OF t
"""


class MemberRepository:
    """Memberships; those of the transaction's tenant unless a person's are asked for."""

    def find(self, tx: Tx, user_id: UserId) -> Membership | None:
        """Return the person's membership."""
        row = tx.one(_FIND, user_id=user_id)
        return Membership(*row) if row else None

    def tenants_among(self, tx: Tx, ids: Iterable[str]) -> set[str]:
        """Return those of the ids that tenants have."""
        wanted = msgspec.json.encode(sorted(ids)).decode()
        return {row[0] for row in tx.all(_TENANTS[tx.dialect], ids=wanted)}

    def member(self, tx: Tx, user_id: UserId) -> Member | None:
        """Return the person as lists show it."""
        row = tx.one(_ONE, user_id=user_id)
        return Member(*row) if row else None

    def with_email(self, tx: Tx, email_key: str) -> Member | None:
        """Return the member whose address has this key."""
        row = tx.one(_WITH_EMAIL, email_key=email_key)
        return Member(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Member]:
        """Return members by their id, the oldest account first."""
        return [Member(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def of_user(
        self, tx: Tx, user_id: UserId, *, only: str = "", after: str = "", limit: int
    ) -> list[TenantMembership]:
        """Return the tenants that the person belongs to; with `only` that one alone."""
        rows = tx.all(_OF_USER, user_id=user_id, only=only, after=after, limit=limit)
        return [TenantMembership(*row) for row in rows]

    def add(
        self, tx: Tx, user_id: UserId, role: Role, *, tenant_id: str, profile_version: int
    ) -> bool:
        """Add the person; return False when it is a member.

        `profile_version` 0 lets the tenant's stream hear of it by an announcement.
        """
        inserted = tx.execute(
            _INSERT,
            in_tenant=tenant_id,
            user_id=user_id,
            role=role,
            profile_version=profile_version,
        )
        return inserted == 1

    def set_role(self, tx: Tx, user_id: UserId, role: Role) -> None:
        """Give the member another role."""
        tx.execute(_SET_ROLE, user_id=user_id, role=role)

    def remove(self, tx: Tx, user_id: UserId) -> None:
        """Remove the member."""
        tx.execute(_REMOVE, user_id=user_id)

    def end_invitations(self, tx: Tx, user_id: UserId, roles: Iterable[Role]) -> None:
        """End the invitations to one of `roles` that the member made."""
        for role in roles:
            tx.execute(_END_INVITATIONS, created_by=user_id, role=role)

    def end_all_invitations(self, tx: Tx, user_id: UserId) -> None:
        """End the invitations that the person made, to whatever tenant."""
        tx.execute(_END_ALL_INVITATIONS, created_by=user_id)

    def has_other_owner(self, tx: Tx, user_id: UserId) -> bool:
        """Return whether somebody else owns the tenant, by an account that is open."""
        return tx.one(_OTHER_OWNER, user_id=user_id) is not None

    def owned_alone(self, tx: Tx, user_id: UserId) -> list[OwnedTenant]:
        """Return tenants, the oldest first, that would have no active owner but the person."""
        return [OwnedTenant(*row) for row in tx.all(_OWNED_ALONE, user_id=user_id)]

    def role_of(self, tx: Tx, actor: Actor) -> Role | None:
        """Return the role that the actor has now, which a cache may not know; None for none.

        After `lock` it is the one that counts. Whose account is closed has none.
        """
        if actor.user_id is None:
            return actor.role
        member = self.member(tx, actor.user_id)
        return Role(member.role) if member and member.disabled_at is None else None

    def lock(self, tx: Tx) -> None:
        """Let one transaction at a time change who owns the tenant."""
        if tx.dialect == "postgres":
            tx.one(_LOCK)

    def lock_all_of(self, tx: Tx, user_id: UserId) -> None:
        """Do as `lock` for every tenant that the person belongs to."""
        if tx.dialect == "postgres":
            tx.all(_LOCK_ALL, user_id=user_id)
