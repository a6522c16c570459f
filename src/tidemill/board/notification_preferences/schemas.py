"""How preferences look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tidemill.board.notification_preferences.models import (
    MailTiming,
    PreferenceChanges,
    Preferences,
    WishChange,
)
from tidemill.board.notifications.models import Reason
from tidemill.http import Body, View

Hour = Annotated[int, Meta(ge=0, le=23, description="Hour of the digest, in your own time zone.")]


class ChangeWish(Body, frozen=True, kw_only=True):
    """What shall change of one reason."""

    inbox: bool | UnsetType = UNSET
    mail: MailTiming | UnsetType = UNSET


class ChangePreferences(Body, frozen=True, kw_only=True):
    """What shall change; null in place of a reason or of the hour brings the default back."""

    reasons: Annotated[
        dict[Reason, ChangeWish | None],
        Meta(examples=[{"mentioned": {"mail": "at_once"}, "changed": None}]),
    ] = msgspec.field(default_factory=dict)
    digest_hour: Hour | UnsetType | None = UNSET
    is_mail_stopped: bool | UnsetType = UNSET

    @property
    def changes(self) -> PreferenceChanges:
        """Return what shall change."""
        return PreferenceChanges(
            reasons={
                reason: None if one is None else WishChange(inbox=one.inbox, mail=one.mail)
                for reason, one in self.reasons.items()
            },
            digest_hour=self.digest_hour,
            is_mail_stopped=self.is_mail_stopped,
        )


class WishView(View, frozen=True, kw_only=True):
    """What holds of a reason; `is_default` where the tenant says so, and not you."""

    inbox: bool
    mail: MailTiming
    is_default: bool


class PreferencesView(View, frozen=True, kw_only=True):
    """Of what you hear, and how; `is_mail_stopped` where you unsubscribed from all mail."""

    reasons: dict[str, WishView]
    digest_hour: int
    is_mail_stopped: bool
    muted_project_ids: list[str]
    version: int

    @classmethod
    def of(cls, preferences: Preferences) -> Self:
        """Return the view of `preferences`."""
        return cls(
            reasons={
                reason: WishView(
                    inbox=wish.inbox,
                    mail=MailTiming(wish.mail),
                    is_default=reason not in preferences.own,
                )
                for reason, wish in preferences.wishes.items()
            },
            digest_hour=preferences.digest_hour,
            is_mail_stopped=preferences.is_mail_stopped,
            muted_project_ids=list(preferences.muted_project_ids),
            version=preferences.version,
        )
