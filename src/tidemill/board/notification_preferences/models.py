"""What a member says of the reasons to hear of something; no I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from tidemill.board.notifications.models import REASONS, Reason, Wish
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant

mutes_max: Final = 200


class MailTiming(StrEnum):
    """When mail goes out."""

    OFF = "off"
    AT_ONCE = "at_once"
    DIGEST = "digest"


class Defaults(Struct, frozen=True, kw_only=True):
    """What holds in a tenant for whoever said nothing: reasons by their names."""

    inbox_off: tuple[str, ...] = ()
    mail_at_once: tuple[str, ...] = ()
    mail_digest: tuple[str, ...] = ()
    digest_hour: int = 8

    def wish(self, reason: str) -> Wish:
        """Return what is wanted of a reason."""
        timing = MailTiming.OFF
        if reason in self.mail_at_once:
            timing = MailTiming.AT_ONCE
        elif reason in self.mail_digest:
            timing = MailTiming.DIGEST
        return Wish(reason not in self.inbox_off, timing.value)


DefaultsFor = Callable[[Actor], Awaitable[Defaults]]
"""Returns what holds in the tenant of an actor for whoever said nothing."""


class Profile(Struct, frozen=True):
    """A member's own version and times, in the order of the columns.

    `digest_hour` is None where the tenant's holds; `mail_stopped_at` is set by whoever
    unsubscribed from all mail.
    """

    digest_hour: int | None
    mail_stopped_at: Instant | None
    version: int


class Preferences(Struct, frozen=True, kw_only=True):
    """What a member hears of: by reason, and which projects are muted."""

    digest_hour: int
    is_mail_stopped: bool
    wishes: dict[str, Wish]
    own: tuple[str, ...]
    muted_project_ids: tuple[str, ...]
    version: int


class WishChange(Struct, frozen=True, kw_only=True):
    """What shall change of one reason."""

    inbox: bool | UnsetType = UNSET
    mail: MailTiming | UnsetType = UNSET


class PreferenceChanges(Struct, frozen=True, kw_only=True):
    """What shall change; None in place of a reason's wish lets the tenant's default hold again."""

    reasons: Mapping[Reason, WishChange | None] = {}
    digest_hour: int | UnsetType | None = UNSET
    is_mail_stopped: bool | UnsetType = UNSET


NO_PROFILE: Final = Profile(None, None, 0)


def preferences_of(
    profile: Profile,
    own: Mapping[str, Wish],
    muted_project_ids: Iterable[str],
    defaults: Defaults,
) -> Preferences:
    """Return what holds: what the member said, and the tenant's defaults for the rest."""
    wishes = {one.value: own.get(one.value) or defaults.wish(one.value) for one in REASONS}
    hour = defaults.digest_hour if profile.digest_hour is None else profile.digest_hour
    return Preferences(
        digest_hour=hour,
        is_mail_stopped=profile.mail_stopped_at is not None,
        wishes=wishes,
        own=tuple(one.value for one in REASONS if one.value in own),
        muted_project_ids=tuple(muted_project_ids),
        version=profile.version,
    )


def changed_wish(wish: Wish, change: WishChange) -> Wish:
    """Return `wish` with what shall change."""
    inbox = wish.inbox if change.inbox is UNSET else change.inbox
    mail = wish.mail if change.mail is UNSET else change.mail.value
    return Wish(inbox, mail)
