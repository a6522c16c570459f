"""Failures of what takes work items to other projects."""

from __future__ import annotations

from tidemill.core.errors import Conflict, RuleViolation


class ChildrenUndecided(Conflict):
    """The item has children, and nobody said what becomes of them."""

    code = "CHILDREN_UNDECIDED"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} has children, which belong to one project with it. Set children to take, and "
            "they go along, or to leave, and they stay without a parent.",
            param="children",
        )


class ParentStaysBehind(Conflict):
    """The item has a parent in the project that it leaves."""

    code = "PARENT_STAYS_BEHIND"

    def __init__(self, key: str, parent: str) -> None:
        super().__init__(
            f"{key} lies below {parent}, which stays in its project. Set parent_id to null, or to "
            "an item of the other project.",
            param="parent_id",
        )


class TransferTooLarge(RuleViolation):
    """More items lie below the item than one transfer takes."""

    code = "TRANSFER_TOO_LARGE"

    def __init__(self, key: str, items_max: int) -> None:
        super().__init__(
            f"More than {items_max} items lie below {key}. Take its children there one by one, "
            "each with its own.",
            param="children",
        )
