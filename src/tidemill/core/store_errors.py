"""What a store may answer instead of a result; services may catch these."""

from __future__ import annotations

from typing import Final

from tidemill.core.errors import Conflict, NotFound, RuleViolation, Unavailable

retry_after_seconds: Final = 2
restore_advice: Final = "Restore it from a backup."


class StoreUnavailable(Unavailable):
    """A store cannot be read or written right now: full disk, lock, lost connection.

    With `damaged`, waiting does not help: its file has to come back from a backup.
    """

    code = "STORE_UNAVAILABLE"

    def __init__(
        self,
        store: str,
        reason: str,
        *,
        advice: str = "Try again in a moment.",
        tenant: str | None = None,
        damaged: bool = False,
    ) -> None:
        named = f"The store of tenant {tenant}" if tenant else f"The {store} store"
        super().__init__(
            f"{named} is not available: {reason}. {restore_advice if damaged else advice}",
            headers={"Retry-After": str(retry_after_seconds)},
        )
        self.store = store
        self.reason = reason
        self.damaged = damaged


class TenantUnavailable(Unavailable):
    """The tenant exists and is not active: it is being made, failed, or is suspended."""

    code = "TENANT_UNAVAILABLE"

    def __init__(self, state: str) -> None:
        super().__init__(
            f"This tenant is {state} and cannot be used right now.",
            headers={"Retry-After": str(retry_after_seconds)},
        )
        self.state = state


class TenantNotFound(NotFound):
    """No such tenant is registered here."""

    code = "TENANT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such tenant.", param="tenant_id")


class IdempotencyKeyReused(RuleViolation):
    """The same Idempotency-Key came with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was already used for a different request. Use a new key.",
            param="Idempotency-Key",
        )


class ReadTookTooLong(RuleViolation):
    """A read that may take only so long was ended; nothing was changed."""

    code = "READ_TOOK_TOO_LONG"

    def __init__(self, milliseconds_max: int) -> None:
        super().__init__(
            f"This read took longer than {milliseconds_max} ms and was ended. "
            "Ask for less: a smaller project, fewer days or rows."
        )


class ConstraintViolated(Conflict):
    """A unique or foreign key refused the write; the transaction is rolled back."""

    code = "CONSTRAINT_VIOLATED"

    def __init__(self, constraint: str) -> None:
        super().__init__("Another change got there first. Read the latest state and try again.")
        self.constraint = constraint
