"""What other features may know of automation: its facts."""

from __future__ import annotations

from typing import ClassVar, NewType

from tidemill.core.facts import Fact

WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)


class WebhookFact(Fact, frozen=True, kw_only=True):
    """Base of the facts of webhooks. Of the address they tell the host: the rest may be secret."""

    feature: ClassVar[str] = "automation"

    webhook_id: WebhookId
    host: str

    @property
    def subject(self) -> str:
        """Return the webhook's id."""
        return self.webhook_id


class WebhookCreated(WebhookFact, frozen=True, kw_only=True):
    """A webhook was made."""


class WebhookUpdated(WebhookFact, frozen=True, kw_only=True):
    """A webhook was changed by a person."""


class WebhookSecretRotated(WebhookFact, frozen=True, kw_only=True):
    """A webhook has a new secret; the one before is valid for a while."""


class WebhookDisabled(WebhookFact, frozen=True, kw_only=True):
    """Tidemill disabled a webhook by itself, for `reason`."""

    reason: str


class WebhookDeleted(WebhookFact, frozen=True, kw_only=True):
    """A webhook was deleted."""
