"""How deliveries look on the wire."""

from __future__ import annotations

from typing import Any, Self

from tidemill.automation.deliveries.models import Delivery, DeliveryDetails
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import PageView, View


class DeliveryView(View, frozen=True, kw_only=True):
    """A delivery; its id is the header `webhook-id` of every attempt.

    What stands of an attempt is of the last one; `error` says in words why it is no success.
    """

    id: str
    webhook_id: str
    event_type: str
    event_id: str
    state: str
    attempts: int
    next_attempt_at: str | None
    attempted_at: str | None
    duration_ms: int | None
    status_code: int | None
    error: str | None
    created_at: str
    finished_at: str | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Return the view of `delivery`."""
        return cls(**_fields(delivery))


class DeliveryDetailsView(DeliveryView, frozen=True, kw_only=True):
    """A delivery with the text that is sent, and the begin of the last answer."""

    body: str
    response_body: str | None

    @classmethod
    def shown(cls, details: DeliveryDetails) -> Self:
        """Return the view of `details`."""
        return cls(
            body=details.body,
            response_body=details.response_body,
            **_fields(details.delivery),
        )


class DeliveryPage(PageView, frozen=True, kw_only=True):
    """A part of the log of a webhook, newest first."""

    items: list[DeliveryView]


def _fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event_type": delivery.event_type,
        "event_id": delivery.event_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_attempt_at": rfc3339_or_none(delivery.due_at),
        "attempted_at": rfc3339_or_none(delivery.attempted_at),
        "duration_ms": delivery.duration_ms,
        "status_code": delivery.status_code,
        "error": delivery.error,
        "created_at": rfc3339(delivery.created_at),
        "finished_at": rfc3339_or_none(delivery.finished_at),
    }
