"""How webhooks look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.automation.webhooks.event_types import EventType
from tidemill.automation.webhooks.models import ShownSecret, Webhook, overlap_seconds_default
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View

_Url = Annotated[str, Meta(min_length=1, examples=["https://example.org/hooks/tidemill"])]
_Events = Annotated[
    list[Annotated[str, Meta(min_length=1)]],
    Meta(
        min_length=1,
        description="Event types, or begins of them with * behind; * alone is all.",
        examples=[["work_item.*", "job.finished"]],
    ),
]
_Project = Annotated[
    str | None,
    Meta(description="Only facts of this project; its id or key.", examples=["TM"]),
]
_Filter = Annotated[
    str | None,
    Meta(
        description="Only facts of work items that pass this filter when they are planned.",
        examples=["type:bug priority:high"],
    ),
]


class CreateWebhook(Body, frozen=True, kw_only=True):
    """Where facts shall be sent, and which."""

    url: _Url
    events: _Events
    project_id: _Project = None
    filter: _Filter = None
    description: str = ""
    enabled: bool = True


class ChangeWebhook(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    url: str | UnsetType | None = UNSET
    events: list[str] | UnsetType | None = UNSET
    project_id: str | UnsetType | None = UNSET
    filter: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET


class RotateSecret(Body, frozen=True, kw_only=True):
    """How long the secret before the new one signs, too."""

    overlap_seconds: Annotated[int, Meta(examples=[86_400])] = overlap_seconds_default


class WebhookView(View, frozen=True, kw_only=True):
    """A webhook. `disabled_reason` is by_hand, failing, gone, backlog or filter."""

    id: str
    url: str
    events: list[str]
    project_id: str | None
    filter: str | None
    description: str
    enabled: bool
    disabled_reason: str | None
    disabled_at: str | None
    failing_since: str | None
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """Return the view of `webhook`."""
        return cls(**_fields(webhook))


class NewWebhookView(WebhookView, frozen=True, kw_only=True):
    """A webhook with its new secret, which is shown this once; null when a request is replayed."""

    secret: str | None

    @classmethod
    def shown(cls, made: ShownSecret) -> Self:
        """Return the view of `made`."""
        return cls(secret=made.secret, **_fields(made.webhook))


class WebhookPage(PageView, frozen=True, kw_only=True):
    """A part of the list of webhooks, oldest first."""

    items: list[WebhookView]


class EventTypeView(View, frozen=True, kw_only=True):
    """What a webhook can hear of; `fact` is its name on the event stream."""

    name: str
    fact: str
    feature: str
    meaning: str

    @classmethod
    def of(cls, event_type: EventType) -> Self:
        """Return the view of `event_type`."""
        return cls(
            name=event_type.name,
            fact=event_type.fact,
            feature=event_type.feature,
            meaning=event_type.meaning,
        )


class EventTypePage(PageView, frozen=True, kw_only=True):
    """A part of the list of event types, by name."""

    items: list[EventTypeView]


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.patterns),
        "project_id": webhook.project_id,
        "filter": webhook.filter,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "disabled_reason": webhook.disabled_reason,
        "disabled_at": rfc3339_or_none(webhook.disabled_at),
        "failing_since": rfc3339_or_none(webhook.failing_since),
        "version": webhook.version,
        "created_at": rfc3339(webhook.created_at),
        "created_by": webhook.created_by,
        "updated_at": rfc3339(webhook.updated_at),
        "updated_by": webhook.updated_by,
    }
