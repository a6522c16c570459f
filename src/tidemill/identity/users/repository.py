"""The SQL of accounts."""

from __future__ import annotations

from typing import Final

from tidemill.core.ids import UserId
from tidemill.core.ports import Tx
from tidemill.identity.users.models import User

_SELECT: Final = """
    SELECT id, email, email_key, name, avatar, time_zone, visibility, password_hash,
        password_changed_at, security_version, profile_version, disabled_at, last_login_at,
        created_at, updated_at, version
    FROM users
"""
_BY_ID: Final = _SELECT + "WHERE id = :id"
_BY_EMAIL: Final = _SELECT + "WHERE email_key = :email_key"
_PAGE: Final = _SELECT + "WHERE id > :after ORDER BY id LIMIT :limit"
_INSERT: Final = """
    INSERT INTO users (id, email, email_key, name, password_hash, password_changed_at,
        created_at, updated_at)
    VALUES (:id, :email, :email_key, :name, :password_hash, :now, :now, :now)
    ON CONFLICT (email_key) DO NOTHING
"""
_SAVE_PROFILE: Final = """
    UPDATE users
    SET name = :name, avatar = :avatar, time_zone = :time_zone, visibility = :visibility,
        profile_version = :profile_version, updated_at = :updated_at, version = :version
    WHERE id = :id AND version = :version - 1
"""
_SET_HASH: Final = """
    UPDATE users
    SET password_hash = :password_hash, password_changed_at = :now, updated_at = :now,
        security_version = security_version + 1, version = version + 1
    WHERE id = :id
"""
_REHASH: Final = """
    UPDATE users SET password_hash = :new_hash WHERE id = :id AND password_hash = :old_hash
"""
_LOGGED_IN: Final = "UPDATE users SET last_login_at = :now WHERE id = :id"
_DISABLE: Final = """
    UPDATE users
    SET disabled_at = :now, updated_at = :now, security_version = security_version + 1,
        version = version + 1
    WHERE id = :id AND disabled_at IS NULL
"""
_ENABLE: Final = """
    UPDATE users SET disabled_at = NULL, updated_at = :now, version = version + 1
    WHERE id = :id AND disabled_at IS NOT NULL
"""
_FIRST_OWNER: Final = """
    INSERT INTO first_owners (slot, user_id, created_at) VALUES (1, :user_id, :now)
    ON CONFLICT (slot) DO NOTHING
"""
_HAS_OWNER: Final = "SELECT user_id FROM first_owners WHERE slot = 1"


class UserRepository:
    """Accounts of the installation."""

    def find(self, tx: Tx, user_id: UserId, *, lock: bool = False) -> User | None:
        """Return the account; with `lock` nobody else changes it before this commits."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_ID + suffix, id=user_id)
        return User(*row) if row else None

    def find_by_email(self, tx: Tx, email_key: str) -> User | None:
        """Return the account of an address."""
        row = tx.one(_BY_EMAIL, email_key=email_key)
        return User(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[User]:
        """Return accounts, the oldest first."""
        return [User(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def add(self, tx: Tx, user: User) -> bool:
        """Insert an account; return False when its address has one."""
        inserted = tx.execute(
            _INSERT,
            id=user.id,
            email=user.email,
            email_key=user.email_key,
            name=user.name,
            password_hash=user.password_hash,
        )
        return inserted == 1

    def save_profile(self, tx: Tx, user: User) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _SAVE_PROFILE,
            id=user.id,
            name=user.name,
            avatar=user.avatar,
            time_zone=user.time_zone,
            visibility=user.visibility,
            profile_version=user.profile_version,
            updated_at=user.updated_at,
            version=user.version,
        )
        return changed == 1

    def set_password(self, tx: Tx, user_id: UserId, password_hash: str) -> None:
        """Set a new password, which ends every access token of the person."""
        tx.execute(_SET_HASH, id=user_id, password_hash=password_hash)

    def rehash(self, tx: Tx, user_id: UserId, *, old_hash: str, new_hash: str) -> None:
        """Keep the same password under newer parameters."""
        tx.execute(_REHASH, id=user_id, old_hash=old_hash, new_hash=new_hash)

    def logged_in(self, tx: Tx, user_id: UserId) -> None:
        """Remember the instant of a log-in."""
        tx.execute(_LOGGED_IN, id=user_id)

    def disable(self, tx: Tx, user_id: UserId) -> None:
        """Close the account, which ends every access token of the person."""
        tx.execute(_DISABLE, id=user_id)

    def enable(self, tx: Tx, user_id: UserId) -> None:
        """Open the account again."""
        tx.execute(_ENABLE, id=user_id)

    def claim_first_owner(self, tx: Tx, user_id: UserId) -> bool:
        """Make the person the first owner; return False when there is one."""
        return tx.execute(_FIRST_OWNER, user_id=user_id) == 1

    def has_owner(self, tx: Tx) -> bool:
        """Return whether the installation has its first owner."""
        return tx.one(_HAS_OWNER) is not None
