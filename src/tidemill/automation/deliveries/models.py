"""A delivery and when it is tried again; no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from tidemill.automation.contract import DeliveryId, WebhookId
from tidemill.automation.webhooks.event_types import PING, EventType
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant, rfc3339
from tidemill.core.facts import FactActor, RecordedFact
from tidemill.core.ids import TenantId
from tidemill.events import cloud_event

retry_seconds_first: Final = 10.0
retry_seconds_max: Final = 6 * 3600.0
_retry_factor: Final = 4.0
_jitter: Final = 0.2
_STATUS_OK_MIN: Final = 200
_STATUS_OK_MAX: Final = 299
_REDIRECTS: Final = range(300, 400)


class DeliveryState(StrEnum):
    """Whether a delivery waits, has arrived, or was given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(Struct, frozen=True):
    """A line of the log, in the order of the columns that a read selects."""

    id: DeliveryId
    webhook_id: WebhookId
    event_type: str
    event_id: str
    seq: int
    state: str
    attempts: int
    attempts_max: int
    due_at: Instant | None
    attempted_at: Instant | None
    duration_ms: int | None
    status_code: int | None
    error: str | None
    created_at: Instant
    finished_at: Instant | None


class DeliveryDetails(Struct, frozen=True):
    """A delivery with what was sent, and the begin of what the last attempt was answered."""

    delivery: Delivery
    body: str
    response_body: str | None


def succeeded(status: int | None) -> bool:
    """Return whether a receiver has taken a delivery."""
    return status is not None and _STATUS_OK_MIN <= status <= _STATUS_OK_MAX


def problem_of(status: int) -> str:
    """Return what is wrong with an answer that is no success."""
    if status in _REDIRECTS:
        return f"The answer was {status}; redirects are not followed. Name the address itself."
    return f"The answer was {status}."


def retry_seconds(attempts: int, chance: float) -> float:
    """Return how long to wait after so many attempts; `chance` of 0 to 1 spreads it by a fifth."""
    # The limit is reached long before the power could grow out of hand.
    grown: float = retry_seconds_first * _retry_factor ** min(attempts - 1, 16)
    return min(grown, retry_seconds_max) * (1 - _jitter + 2 * _jitter * chance)


def body_of(fact: RecordedFact, event_type: EventType) -> str:
    """Return what is sent of a fact: a cloud event whose type is that of webhooks."""
    event = {**cloud_event(fact), "type": event_type.name, "fact": fact.type}
    return _text(event)


def ping_body(
    webhook_id: WebhookId, event_id: str, tenant_id: TenantId, at: Instant, by: Actor
) -> str:
    """Return what a ping sends, in the form of a fact."""
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tidemill/automation",
        "type": PING,
        "subject": webhook_id,
        "time": rfc3339(at),
        "datacontenttype": "application/json",
        "tenantid": tenant_id,
        "actor": FactActor(kind=by.kind, id=by.id, user_id=by.user_id),
        "data": {"webhook_id": webhook_id},
    }
    return _text(event)


def _text(event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
