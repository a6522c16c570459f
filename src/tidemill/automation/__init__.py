"""Automation: what happens on one feature because of another, and what others hear of."""

from tidemill.automation.contract import (
    DeliveryId,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookId,
    WebhookSecretRotated,
    WebhookUpdated,
)

__all__ = [
    "DeliveryId",
    "WebhookCreated",
    "WebhookDeleted",
    "WebhookDisabled",
    "WebhookId",
    "WebhookSecretRotated",
    "WebhookUpdated",
]
