"""Notifications as the runtime sees them: inboxes, what fills them, and mail of them."""

from __future__ import annotations

import random
from typing import Final

import uuid_utils

from tidemill.board.contract import BOARD
from tidemill.board.notification_defaults import defaults_of
from tidemill.board.notification_mails.figures import figures_of
from tidemill.board.notification_mails.sender import MailDrain, MailSender
from tidemill.board.notification_mails.service import (
    Mailing,
    MailLimits,
    MailQueue,
    lease_seconds_spare,
)
from tidemill.board.notification_preferences.routes import ROUTES as PREFERENCE_ROUTES
from tidemill.board.notification_preferences.service import PreferenceService
from tidemill.board.notifications.routes import ROUTES as NOTIFICATION_ROUTES
from tidemill.board.notifications.service import LiveBell, NotificationService
from tidemill.board.notifying.service import Notifying
from tidemill.board.reminders.service import Reminding
from tidemill.board.unsubscribing.routes import ROUTES as UNSUBSCRIBE_ROUTES
from tidemill.board.unsubscribing.service import Unsubscribing
from tidemill.core.config import Config
from tidemill.core.module import LIVE_UPDATES, Module, Offer, Parts
from tidemill.events import DELIVERY
from tidemill.identity import CONTACTS
from tidemill.settings import SETTINGS

ROUTES: Final = (*NOTIFICATION_ROUTES, *PREFERENCE_ROUTES, *UNSUBSCRIBE_ROUTES)
_DAY_SECONDS: Final = 86_400


def build(parts: Parts) -> Offer:
    """Return what notifications offer to a process; mail is sent where jobs are dispatched."""
    tenants = parts.tenants
    bell, defaults = LiveBell(parts.get(LIVE_UPDATES)), defaults_of(parts.get(SETTINGS))
    reminding = Reminding(tenants, parts.get(CONTACTS), defaults)
    mailing = Mailing(
        tenants,
        parts.control,
        defaults,
        _limits(parts.config),
        random.random,
        due_besides=reminding.next_due,
    )
    parts.get(DELIVERY).add(MailDrain(mailing))
    sender = _sender(parts, mailing, reminding) if parts.config.dispatcher.enabled else None
    return Offer(
        routes=ROUTES,
        dependencies={
            "notifications": NotificationService(tenants, bell),
            "notification_preferences": PreferenceService(tenants, defaults),
            "unsubscribing": Unsubscribing(tenants),
        },
        projections=(Notifying(defaults, bell, _queue(parts.config)).projection(),),
        services=() if sender is None else (sender,),
        figures=() if sender is None else figures_of(lambda: sender.sent, lambda: sender.failed),
    )


def _queue(config: Config) -> MailQueue | None:
    # Without a server or a directory of its own, nobody would read it, and the disk would fill.
    if not config.mail.smtp_host and not config.mail.directory:
        return None
    return MailQueue(config.notifications.batch_seconds)


def _sender(parts: Parts, mailing: Mailing, reminding: Reminding) -> MailSender:
    return MailSender(
        mailing,
        parts.mailer,
        parts.get(CONTACTS),
        holder=str(uuid_utils.uuid7()),
        public_url=parts.config.public_url,
        remind=reminding.remind,
    )


def _limits(config: Config) -> MailLimits:
    return MailLimits(
        attempts_max=config.notifications.attempts_max,
        lease_seconds=config.mail.send_seconds_max + lease_seconds_spare,
        keep_seconds=config.notifications.keep_days * _DAY_SECONDS,
    )


MODULE: Final = Module(
    name="notifications", build=build, requires=(BOARD, CONTACTS, SETTINGS, DELIVERY, LIVE_UPDATES)
)
