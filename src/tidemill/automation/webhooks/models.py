"""A webhook and the rules of its fields; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.automation.contract import WebhookId
from tidemill.automation.errors import InvalidWebhook
from tidemill.automation.webhooks.event_types import fits
from tidemill.core.clock import Instant
from tidemill.core.facts import RecordedFact, Topic, topic

webhooks_max: Final = 50
url_chars_max: Final = 2000
description_chars_max: Final = 500
overlap_seconds_default: Final = 86_400
overlap_seconds_max: Final = 7 * 86_400
_URL: Final = re.compile(r"https?://[!-~]+")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_ITEM_TOPIC: Final = "work-item:"


class DisabledReason(StrEnum):
    """Why a webhook is disabled."""

    BY_HAND = "by_hand"
    FAILING = "failing"
    GONE = "gone"
    BACKLOG = "backlog"
    FILTER = "filter"


class Webhook(Struct, frozen=True):
    """A webhook, in the order of the columns that a read selects; `events` stand with blanks."""

    id: WebhookId
    url: str
    events: str
    project_id: str | None
    filter: str | None
    description: str
    active_since: Instant | None
    disabled_at: Instant | None
    disabled_reason: str | None
    failing_since: Instant | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    @property
    def enabled(self) -> bool:
        """Return whether facts are sent."""
        return self.active_since is not None

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the patterns of event types that it wants."""
        return tuple(self.events.split())

    @property
    def host(self) -> str:
        """Return what may be told of the address; path and query may hold a secret."""
        return urlsplit(self.url).hostname or ""

    def wants(self, fact: RecordedFact, names: Iterable[str]) -> bool:
        """Return whether `fact` is one that it hears of, as far as the fact itself tells.

        `names` are those of its event type.
        """
        if self.active_since is None or fact.at < self.active_since:
            return False
        if self.project_id is not None and topic("project", self.project_id) not in fact.topics:
            return False
        return any(fits(pattern, name) for pattern in self.patterns for name in names)

    def enabled_at(self, at: Instant) -> Self:
        """Return it enabled: it hears of facts from `at` on."""
        if self.enabled:
            return self
        return structs.replace(
            self, active_since=at, disabled_at=None, disabled_reason=None, failing_since=None
        )

    def disabled_for(self, reason: DisabledReason, at: Instant) -> Self:
        """Return it disabled."""
        if not self.enabled:
            return self
        return structs.replace(self, active_since=None, disabled_at=at, disabled_reason=str(reason))

    def told(self) -> dict[str, object]:
        """Return what the audit log keeps: nothing that could be secret."""
        return {
            "host": self.host,
            "events": self.patterns,
            "project_id": self.project_id,
            "filter": self.filter,
            "description": self.description,
            "enabled": self.enabled,
            "disabled_reason": self.disabled_reason,
            "version": self.version,
        }


class WebhookSecret(Struct, frozen=True):
    """A secret as it is kept, in the order of the columns; the newest has no `valid_until`."""

    id: str
    webhook_id: WebhookId
    value: str
    key_id: str
    valid_until: Instant | None

    @property
    def place(self) -> str:
        """Return what the sealed text is bound to."""
        return f"webhook:{self.webhook_id}:{self.id}"


class ShownSecret(Struct, frozen=True, kw_only=True):
    """A webhook with a secret that was just made."""

    webhook: Webhook
    secret: str | None

    def without_secret(self) -> Self:
        """Return what a replayed request is answered with."""
        return structs.replace(self, secret=None)


class NewWebhook(Struct, frozen=True, kw_only=True):
    """What a caller gives to make a webhook; the project by id or key."""

    url: str
    events: tuple[str, ...]
    project: str | None = None
    filter: str | None = None
    description: str = ""
    enabled: bool = True


class WebhookChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    url: str | UnsetType | None = UNSET
    events: tuple[str, ...] | UnsetType | None = UNSET
    project: str | UnsetType | None = UNSET
    filter: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET

    def check(self) -> None:
        """Return when no field is null that needs a value; raises `InvalidWebhook`."""
        for param in ("url", "events", "description", "enabled"):
            if getattr(self, param) is None:
                raise InvalidWebhook(param, f"{param} cannot be null. Leave it out to keep it.")


def valid_url(text: str) -> str:
    """Return an address of http or https; raises `InvalidWebhook`."""
    if len(text) > url_chars_max:
        raise InvalidWebhook(
            "url", f"The url has {len(text)} characters; {url_chars_max} are the limit."
        )
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise InvalidWebhook("url", _url_problem) from None
    if not _URL.fullmatch(text) or not parts.hostname or parts.fragment or "\\" in parts.netloc:
        raise InvalidWebhook("url", _url_problem)
    if "@" in parts.netloc:
        raise InvalidWebhook(
            "url", "A url with a user or password is shown to every admin; leave them out."
        )
    return text


def valid_description(text: str) -> str:
    """Return a description on one line, which may be empty; raises `InvalidWebhook`."""
    if len(text) > description_chars_max or _CONTROL.search(text):
        problem = f"The description is one line of at most {description_chars_max} characters."
        raise InvalidWebhook("description", problem)
    return text.strip()


def valid_overlap(seconds: int) -> int:
    """Return how long two secrets are valid; raises `InvalidWebhook`."""
    if not 0 <= seconds <= overlap_seconds_max:
        raise InvalidWebhook("overlap_seconds", f"0 to {overlap_seconds_max} seconds.")
    return seconds


def item_ids_of(topics: tuple[Topic, ...]) -> tuple[str, ...]:
    """Return the ids of the work items among the topics of a fact."""
    return tuple(one.removeprefix(_ITEM_TOPIC) for one in topics if one.startswith(_ITEM_TOPIC))


_url_problem: Final = (
    "The url must be http(s)://host/path in ASCII, without a #fragment; write other characters in "
    "percent-encoding, and such hosts as punycode."
)
