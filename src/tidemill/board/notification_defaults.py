"""What a tenant's settings say for members who chose nothing by themselves."""

from __future__ import annotations

from tidemill.board.notification_preferences.models import Defaults, DefaultsFor
from tidemill.core.actor import Actor
from tidemill.settings import Settings


def defaults_of(settings: Settings) -> DefaultsFor:
    """Return a function that reads the defaults of an actor's tenant."""

    async def defaults(actor: Actor) -> Defaults:
        return Defaults(
            inbox_off=tuple(await settings.get_for("notifications.inbox_off", actor)),
            mail_at_once=tuple(await settings.get_for("notifications.mail_at_once", actor)),
            mail_digest=tuple(await settings.get_for("notifications.mail_digest", actor)),
            digest_hour=int(await settings.get_for("notifications.digest_hour", actor)),
        )

    return defaults
