"""Every failure of automation."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation

# Longer words are no slips of the fingers, and comparing them would take its time.
_word_chars_max: Final = 60


class WebhookNotFound(NotFound):
    """There is no such webhook for this tenant."""

    code = "WEBHOOK_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "There is no such webhook. `tidemill webhooks list` shows those there are."
        )


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery, or its log keeps it no more."""

    code = "DELIVERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("The log of this webhook has no such delivery, or keeps it no more.")


class TooManyWebhooks(RuleViolation):
    """A tenant has as many webhooks as it can."""

    code = "TOO_MANY_WEBHOOKS"

    def __init__(self, count_max: int) -> None:
        super().__init__(f"There are {count_max} webhooks already. Delete one first.")


class InvalidWebhook(InvalidInput):
    """A field of a webhook has a value that would never work."""

    code = "INVALID_WEBHOOK"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(problem, param=param)


class UnknownEventType(InvalidInput):
    """A pattern fits none of the event types that there are."""

    code = "UNKNOWN_EVENT_TYPE"

    def __init__(self, pattern: str, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(pattern[:_word_chars_max], list(known), n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else "See GET /api/v1/webhook-event-types."
        super().__init__(
            f"No event type fits {pattern[:_word_chars_max]!r}. {hint}", param="events"
        )


class WebhookIsDisabled(Conflict):
    """Nothing is sent for a webhook that is disabled."""

    code = "WEBHOOK_IS_DISABLED"

    def __init__(self) -> None:
        super().__init__("The webhook is disabled. Enable it first: PATCH it with enabled: true.")
