"""Failures of what changes many items at once."""

from __future__ import annotations

from tidemill.core.errors import InvalidInput, RuleViolation


class InvalidBulkChange(InvalidInput):
    """It is not clear which items shall change, or how."""

    code = "INVALID_BULK_CHANGE"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class BulkChangeTooLarge(RuleViolation):
    """The filter finds more items than change at once."""

    code = "BULK_CHANGE_TOO_LARGE"

    def __init__(self, items_max: int) -> None:
        super().__init__(
            f"More than {items_max} items fulfil the filter. Narrow it, for example by key:, "
            "status: or updated, and change them in several steps.",
            param="filter",
        )
