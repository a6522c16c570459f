"""Accounts of people, and the rules for what they say of themselves."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.core.clock import Instant
from tidemill.core.ids import UserId
from tidemill.identity.errors import InvalidAvatar, InvalidEmail, InvalidName, InvalidTimeZone

name_length_max: Final = 100
email_length_max: Final = 254
avatar_length_max: Final = 500

_EMAIL: Final = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]]{1,253}")
_TIME_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")


class Visibility(StrEnum):
    """Who sees a person's e-mail address; owners and admins of a shared tenant always do."""

    PUBLIC = "public"
    MEMBERS = "members"
    PRIVATE = "private"


class User(Struct, frozen=True):
    """A person's account. `security_version` rises when every credential must end."""

    id: UserId
    email: str
    email_key: str
    name: str
    avatar: str | None
    time_zone: str
    visibility: str
    password_hash: str | None
    password_changed_at: Instant | None
    security_version: int
    profile_version: int
    disabled_at: Instant | None
    last_login_at: Instant | None
    created_at: Instant
    updated_at: Instant
    version: int


class ProfileChanges(Struct, frozen=True, kw_only=True):
    """What a person changes of the profile; what is unset stays."""

    name: str | UnsetType = UNSET
    avatar: str | UnsetType | None = UNSET
    time_zone: str | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET


class EmailAddress(Struct, frozen=True):
    """An address as its owner writes it, and as addresses are compared."""

    text: str
    key: str


def new_user(
    user_id: UserId, email: EmailAddress, *, name: str, password_hash: str, now: Instant
) -> User:
    """Return an account as it is made."""
    return User(
        id=user_id,
        email=email.text,
        email_key=email.key,
        name=name,
        avatar=None,
        time_zone="UTC",
        visibility="members",
        password_hash=password_hash,
        password_changed_at=now,
        security_version=1,
        profile_version=1,
        disabled_at=None,
        last_login_at=None,
        created_at=now,
        updated_at=now,
        version=1,
    )


def with_profile(user: User, changes: ProfileChanges, now: Instant) -> User:
    """Return `user` with valid changes applied, or `user` itself when nothing changes."""
    name = user.name if changes.name is UNSET else valid_name(changes.name)
    avatar = user.avatar if changes.avatar is UNSET else valid_avatar(changes.avatar)
    time_zone = user.time_zone if changes.time_zone is UNSET else valid_zone(changes.time_zone)
    visibility = user.visibility if changes.visibility is UNSET else str(changes.visibility)
    changed = structs.replace(
        user, name=name, avatar=avatar, time_zone=time_zone, visibility=visibility
    )
    if changed == user:
        return user
    seen = (user.name, user.avatar) != (name, avatar)
    return structs.replace(
        changed,
        profile_version=user.profile_version + (1 if seen else 0),
        updated_at=now,
        version=user.version + 1,
    )


def profile_of(user: User) -> dict[str, str | None]:
    """Return what the audit log says of a profile."""
    return {
        "name": user.name,
        "avatar": user.avatar,
        "time_zone": user.time_zone,
        "visibility": user.visibility,
    }


def email_address(text: str) -> EmailAddress:
    """Return `text` as an address; raises `InvalidEmail`."""
    normal = unicodedata.normalize("NFKC", text).strip()
    if len(normal) > email_length_max or not _EMAIL.fullmatch(normal) or not normal.isprintable():
        raise InvalidEmail
    return EmailAddress(normal, normal.casefold())


def valid_name(text: str) -> str:
    """Return `text` trimmed; raises `InvalidName`."""
    normal = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(normal) <= name_length_max or not normal.isprintable():
        raise InvalidName
    return normal


def valid_avatar(text: str | None) -> str | None:
    """Return the address of a picture that a page may show; raises `InvalidAvatar`."""
    if text is None:
        return None
    plain = text.isascii() and text.isprintable() and " " not in text
    if not plain or not text.startswith("https://") or len(text) > avatar_length_max:
        raise InvalidAvatar
    return text


def valid_zone(text: str) -> str:
    """Return the name of a time zone; raises `InvalidTimeZone`."""
    if not _TIME_ZONE.fullmatch(text):
        raise InvalidTimeZone
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError) as error:
        raise InvalidTimeZone from error
