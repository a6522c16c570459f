"""Failures around notifications."""

from __future__ import annotations

from tidemill.core.errors import Forbidden, InvalidInput, NotFound, RuleViolation


class NotificationNotFound(NotFound):
    """One has no such notification, or it was swept."""

    code = "NOTIFICATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("You have no such notification. `tidemill inbox list` shows yours.")


class InboxNeedsPerson(Forbidden):
    """Inboxes are of people; what acts for none has no inbox."""

    code = "INBOX_NEEDS_PERSON"

    def __init__(self) -> None:
        super().__init__("Only people have an inbox, and you act for none.")


class InvalidSnooze(InvalidInput):
    """A notification can sleep until an instant that is to come, within a year."""

    code = "INVALID_SNOOZE"

    def __init__(self) -> None:
        super().__init__(
            "Name an instant that is to come, at most a year away, or null.",
            param="snoozed_until",
        )


class UnknownReason(InvalidInput):
    """There is no such reason to hear of an item."""

    code = "UNKNOWN_REASON"

    def __init__(self, known: str) -> None:
        super().__init__(f"Reasons are {known}.", param="reason")


class TooManyMutes(RuleViolation):
    """A member has muted as many projects as it can."""

    code = "TOO_MANY_MUTED_PROJECTS"

    def __init__(self, count_max: int) -> None:
        super().__init__(f"You have muted {count_max} projects already. Unmute one first.")


class UnsubscribeLinkInvalid(NotFound):
    """A link to unsubscribe is not one that Tidemill sent."""

    code = "UNSUBSCRIBE_LINK_INVALID"

    def __init__(self) -> None:
        super().__init__("This link is not whole, or was not sent by this Tidemill.")
