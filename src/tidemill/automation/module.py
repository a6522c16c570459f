"""Automation as the runtime sees it."""

from __future__ import annotations

import random
from functools import partial
from typing import Final

import uuid_utils
from msgspec import Struct

from tidemill.automation.deliveries.routes import ROUTES as DELIVERY_ROUTES
from tidemill.automation.deliveries.service import DeliveryService
from tidemill.automation.figures import figures_of
from tidemill.automation.job_links.models import FOLLOWED
from tidemill.automation.job_links.service import JobLinks
from tidemill.automation.job_times.service import FOLLOWED as ENDS_OF_JOBS
from tidemill.automation.job_times.service import JobTimeBooking
from tidemill.automation.permissions import PERMISSIONS
from tidemill.automation.planning.service import FOLLOWER, Planning
from tidemill.automation.sending.sender import Sender
from tidemill.automation.sending.service import Sending, SendingLimits
from tidemill.automation.sending.waking import Announcer, WebhookDrain, hear
from tidemill.automation.webhooks.event_types import event_types
from tidemill.automation.webhooks.routes import ROUTES as WEBHOOK_ROUTES
from tidemill.automation.webhooks.service import Secrets, Wake, WebhookService
from tidemill.board import BOARD, ITEM_FILTERS, JOB_TIMES
from tidemill.core.calls import CALLER
from tidemill.core.config import Config
from tidemill.core.facts import every_fact
from tidemill.core.module import Module, Offer, Parts, Projection
from tidemill.core.sealing import SEALING
from tidemill.events import DELIVERY
from tidemill.jobs import WORK_ITEM_LINKS

lease_seconds_spare: Final = 30.0
_HOUR_SECONDS: Final = 3600
_DAY_SECONDS: Final = 86_400


class _Webhooks(Struct, frozen=True, kw_only=True):
    """The parts of webhooks in one process; a sender only where jobs are dispatched, too."""

    webhooks: WebhookService
    deliveries: DeliveryService
    planning: Planning
    sender: Sender | None


def build(parts: Parts) -> Offer:
    """Return what automation offers to a process."""
    links = JobLinks(parts.get(BOARD))
    booking = JobTimeBooking(parts.get(JOB_TIMES))
    hooks = _webhooks(parts)
    sender = hooks.sender
    facts = tuple(fact for fact in every_fact() if not fact.__subclasses__())
    return Offer(
        routes=(*WEBHOOK_ROUTES, *DELIVERY_ROUTES),
        dependencies={"webhooks": hooks.webhooks, "deliveries": hooks.deliveries},
        provides={WORK_ITEM_LINKS: links},
        projections=(
            Projection(name="automation.job_links", facts=FOLLOWED, apply=links.apply),
            Projection(name="automation.job_times", facts=ENDS_OF_JOBS, apply=booking.apply),
            Projection(
                name=FOLLOWER,
                facts=facts,
                apply=hooks.planning.apply,
                wanted=hooks.planning.wanted,
            ),
        ),
        services=() if sender is None else (sender,),
        permissions=PERMISSIONS,
        figures=()
        if sender is None
        else figures_of(lambda: sender.delivered, lambda: sender.failed),
    )


def _webhooks(parts: Parts) -> _Webhooks:
    attempts_max = parts.config.webhooks.attempts_max
    caller, filters = parts.get(CALLER), parts.get(ITEM_FILTERS)
    sealing = parts.get(SEALING)
    secrets = Secrets(sealing)
    sealing.on_renewal(secrets.seal_again)
    sending = Sending(parts.tenants, parts.control, secrets, _limits(parts.config), random.random)
    sender, wake = _sender(parts, sending)
    parts.get(DELIVERY).add(WebhookDrain(sending, wake))
    types = event_types(every_fact())
    return _Webhooks(
        webhooks=WebhookService(parts.tenants, caller, filters, secrets, types, wake),
        deliveries=DeliveryService(parts.tenants, wake, attempts_max=attempts_max),
        planning=Planning(parts.tenants, filters, types, wake, attempts_max=attempts_max),
        sender=sender,
    )


def _sender(parts: Parts, sending: Sending) -> tuple[Sender | None, Wake]:
    if not parts.config.dispatcher.enabled:
        return None, Announcer(parts.bus).wake
    sender = Sender(
        sending,
        parts.get(CALLER),
        parts.clock,
        holder=str(uuid_utils.uuid7()),
        at_once_max=parts.config.webhooks.at_once_max,
    )
    parts.bus.on_ephemeral(partial(hear, sender.wake))
    return sender, sender.wake


def _limits(config: Config) -> SendingLimits:
    webhooks = config.webhooks
    return SendingLimits(
        lease_seconds=webhooks.answer_seconds_max + lease_seconds_spare,
        queued_max=webhooks.queued_max,
        disable_after_seconds=webhooks.disable_after_hours * _HOUR_SECONDS,
        keep_seconds=webhooks.log_days * _DAY_SECONDS,
    )


MODULE: Final = Module(
    name="automation",
    build=build,
    requires=(BOARD, JOB_TIMES, ITEM_FILTERS, SEALING, DELIVERY, CALLER),
)
